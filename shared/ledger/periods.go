package ledger

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/order"
)

// compactMonths is how many months Redis keeps in the compact form of small hashes, by its default
// of 512 entries. There each field that is asked for is searched for from the start: to read all of
// them takes half the time of reading twelve months by name.
const compactMonths = 256

// Monthly returns the months from … to, both included, in order; months without orders are left
// out. With one shard all figures are of the same moment; with several, those of one shard are.
func (s *Store) Monthly(ctx context.Context, from, to order.Month) ([]MonthTotals, error) {
	if s.manyMonths.Load() {
		months, _, err := readPeriods(ctx, s, monthsKey, from, to, order.Month.Append)
		return withOrders(months), err
	}
	months, err := s.Months(ctx)
	if err != nil {
		return nil, err
	}
	s.manyMonths.Store(len(months) > compactMonths)
	return slices.DeleteFunc(months, func(m MonthTotals) bool {
		return m.Date < from || m.Date > to || m.Orders == 0
	}), nil
}

// withOrders drops the periods without orders.
func withOrders[D order.Date](periods []PeriodTotals[D]) []PeriodTotals[D] {
	return slices.DeleteFunc(periods, func(p PeriodTotals[D]) bool { return p.Orders == 0 })
}

// Months returns all months that have orders, in order.
func (s *Store) Months(ctx context.Context) ([]MonthTotals, error) {
	if err := s.checkLayout(ctx); err != nil {
		return nil, err
	}
	cmds, err := s.pipelined(ctx, func(pipe redis.Pipeliner) {
		for _, key := range s.keysOf(monthsKey) {
			// Not HGetAll, which makes a map.
			_ = pipe.Process(ctx, redis.NewStringSliceCmd(ctx, "hgetall", key)) // only queues it
		}
	})
	if err != nil {
		return nil, unavailable("read the months", err)
	}
	var parts []MonthTotals
	for _, cmd := range cmds {
		if parts, err = appendMonths(parts, cmd.(*redis.StringSliceCmd).Val()); err != nil {
			return nil, unavailable("read the months", err)
		}
	}
	slices.SortFunc(parts, func(a, b MonthTotals) int { return cmp.Compare(a.Date, b.Date) })
	months := parts[:0]
	for _, part := range parts {
		last := len(months) - 1
		if last < 0 || months[last].Date != part.Date {
			months = append(months, part)
			continue
		}
		months[last].Orders += part.Orders
		months[last].Revenue += part.Revenue
	}
	return months, nil
}

// appendMonths appends the figures of a shard, given its fields and their values by turns. A month
// is divided into its orders and its revenue. (With a map, a query of a year took 8 % longer.)
func appendMonths(parts []MonthTotals, pairs []string) ([]MonthTotals, error) {
	parts = slices.Grow(parts, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		name, isCents := strings.CutSuffix(pairs[i], centsMark)
		month, err := order.ParseMonth(name)
		if err != nil {
			return nil, err
		}
		n, err := readFigure(pairs[i+1])
		if err != nil {
			return nil, err
		}
		part := MonthTotals{Date: month}
		if isCents {
			part.Revenue = order.Cents(n)
		} else {
			part.Orders = n
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// slotFields are all fields of entries.
var slotFields = func() (fields []string) {
	for slot := range slots {
		fields = append(fields, fieldSlot+strconv.Itoa(slot+1))
	}
	return fields
}()

// Daily returns the days from … to, both included, in order; days without orders are left out. With
// one shard all figures are of the same moment; with several, those of one shard are.
func (s *Store) Daily(ctx context.Context, from, to order.Day) ([]DayTotals, error) {
	appendName := func(day order.Day, to []byte) []byte {
		return strconv.AppendInt(to, int64(day), 10)
	}
	days, slotted, err := readPeriods(ctx, s, daysKey, from, to, appendName, slotFields...)
	if err != nil {
		return nil, err
	}
	for _, entries := range slotted {
		for entries != "" {
			var d DayTotals
			if d, entries, err = readEntry(entries); err != nil {
				return nil, unavailable("read the days", err)
			}
			if from <= d.Date && d.Date <= to {
				days[d.Date-from].Orders += d.Orders
				days[d.Date-from].Revenue += d.Revenue
			}
		}
	}
	return withOrders(days), nil
}

// readPeriods returns the figures of all periods from … to, added over all shards, and the values
// of the further fields of all shards. One command reads all of a shard.
func readPeriods[D order.Date](
	ctx context.Context, s *Store, key string, from, to D,
	appendName func(date D, to []byte) []byte, further ...string,
) (periods []PeriodTotals[D], texts []string, err error) {
	fields := periodFields(from, to, appendName)
	sums, texts, err := s.figures(ctx, "read the "+key, s.keysOf(key), fields, further...)
	if err != nil {
		return nil, nil, err
	}
	periods = make([]PeriodTotals[D], to-from+1)
	for i := range periods {
		periods[i] = PeriodTotals[D]{from + D(i), sums[2*i], order.Cents(sums[2*i+1])}
	}
	return periods, texts, nil
}

// periodFields returns the fields of the periods, those of orders and cents by turns. They share
// one text.
func periodFields[D order.Date](
	from, to D, appendName func(date D, to []byte) []byte,
) []string {
	n := int(to - from + 1)
	names := make([]byte, 0, n*len("2006-01"+centsMark))
	ends := make([]int, n)
	for i := range ends {
		names = append(appendName(from+D(i), names), centsMark...)
		ends[i] = len(names)
	}

	text := string(names)
	fields := make([]string, 0, 2*n)
	start := 0
	for _, end := range ends {
		fields = append(fields, text[start:end-len(centsMark)], text[start:end])
		start = end
	}
	return fields
}

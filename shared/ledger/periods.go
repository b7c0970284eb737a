package ledger

import (
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
		return s.monthsByName(ctx, from, to)
	}
	months, err := s.Months(ctx)
	if err != nil {
		return nil, err
	}
	s.manyMonths.Store(len(months) > compactMonths)
	return slices.DeleteFunc(months, func(m MonthTotals) bool {
		return m.Month < from || m.Month > to || m.Orders == 0
	}), nil
}

// monthsByName reads none but the months that are asked for.
func (s *Store) monthsByName(ctx context.Context, from, to order.Month) ([]MonthTotals, error) {
	n := int(to - from + 1)
	fields := periodFields(n, func(to []byte, i int) []byte {
		return (from + order.Month(i)).Append(to)
	})
	figures, _, err := s.readPeriods(ctx, monthsKey, n, fields)
	if err != nil {
		return nil, err
	}
	months := make([]MonthTotals, 0, n)
	for i, f := range figures {
		if f.orders > 0 {
			month := MonthTotals{Month: from + order.Month(i), Orders: f.orders, Revenue: f.revenue}
			months = append(months, month)
		}
	}
	return months, nil
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
	var months []MonthTotals
	for _, cmd := range cmds {
		months, err = appendMonths(months, cmd.(*redis.StringSliceCmd).Val())
		if err != nil {
			return nil, unavailable("read the months", err)
		}
	}
	return mergeMonths(months), nil
}

// appendMonths appends the months of a shard, given its fields and their values by turns. A month
// may be divided into several.
func appendMonths(months []MonthTotals, pairs []string) ([]MonthTotals, error) {
	months = slices.Grow(months, len(pairs)/4)
	for i := 0; i+1 < len(pairs); i += 2 {
		name, isCents := strings.CutSuffix(pairs[i], centsMark)
		month, err := order.ParseMonth(name)
		if err != nil {
			return nil, err
		}
		n, err := strconv.ParseInt(pairs[i+1], 10, 64)
		if err != nil {
			return nil, err
		}
		m := MonthTotals{Month: month}
		if isCents {
			m.Revenue = order.Cents(n)
		} else {
			m.Orders = n
		}
		months = addMonth(months, m)
	}
	return months, nil
}

// mergeMonths sorts months and adds up those that are equal.
func mergeMonths(months []MonthTotals) []MonthTotals {
	slices.SortFunc(months, func(a, b MonthTotals) int { return int(a.Month - b.Month) })
	merged := months[:0]
	for _, m := range months {
		merged = addMonth(merged, m)
	}
	return merged
}

// addMonth adds to the last month, or appends another one.
func addMonth(months []MonthTotals, m MonthTotals) []MonthTotals {
	last := len(months) - 1
	if last < 0 || months[last].Month != m.Month {
		return append(months, m)
	}
	months[last].Orders += m.Orders
	months[last].Revenue += m.Revenue
	return months
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
	n := int(to - from + 1)
	fields := periodFields(n, func(to []byte, i int) []byte {
		return strconv.AppendInt(to, int64(from)+int64(i), 10)
	})
	figures, slotted, err := s.readPeriods(ctx, daysKey, n, append(fields, slotFields...))
	if err != nil {
		return nil, err
	}
	for _, entries := range slotted {
		for entries != "" {
			var d DayTotals
			if d, entries, err = readEntry(entries); err != nil {
				return nil, unavailable("read the days", err)
			}
			if from <= d.Day && d.Day <= to {
				figures[d.Day-from].orders += d.Orders
				figures[d.Day-from].revenue += d.Revenue
			}
		}
	}
	days := make([]DayTotals, 0, n)
	for i, f := range figures {
		if f.orders > 0 {
			day := DayTotals{Day: from + order.Day(i), Orders: f.orders, Revenue: f.revenue}
			days = append(days, day)
		}
	}
	return days, nil
}

type figures struct {
	orders  int64
	revenue order.Cents
}

// periodFields returns the fields of n periods, those of orders and cents by turns. They share one
// text.
func periodFields(n int, appendName func(to []byte, i int) []byte) []string {
	names := make([]byte, 0, n*len("2006-01"+centsMark))
	ends := make([]int, n)
	for i := range n {
		names = append(appendName(names, i), centsMark...)
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

// readPeriods returns the figures of n periods, added over all shards, and the values of the
// further fields of all shards. One command reads all of a shard.
func (s *Store) readPeriods(
	ctx context.Context, key string, n int, fields []string,
) (periods []figures, further []string, err error) {
	if err := s.checkLayout(ctx); err != nil {
		return nil, nil, err
	}
	values, err := s.readFields(ctx, s.keysOf(key), fields)
	if err != nil {
		return nil, nil, unavailable("read the "+key, err)
	}

	sums := make([]int64, 2*n)
	for _, ofShard := range values {
		if err := addTo(sums, ofShard); err != nil {
			return nil, nil, unavailable("read the "+key, err)
		}
		further = append(further, ofShard[len(sums):]...)
	}
	periods = make([]figures, n)
	for i := range periods {
		periods[i] = figures{orders: sums[2*i], revenue: order.Cents(sums[2*i+1])}
	}
	return periods, further, nil
}

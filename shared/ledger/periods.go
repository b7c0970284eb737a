package ledger

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/order"
)

// Monthly returns the months from … to, both included, in order; months without orders are left
// out. With one shard all figures are of the same moment; with several, those of one shard are.
func (s *Store) Monthly(ctx context.Context, from, to order.Month) ([]MonthTotals, error) {
	names := make([]string, 0, to-from+1)
	for month := from; month <= to; month++ {
		names = append(names, month.String())
	}
	figures, _, err := s.readPeriods(ctx, monthsKey, names, nil)
	if err != nil {
		return nil, err
	}
	var months []MonthTotals
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
		for _, tag := range s.tags {
			pipe.HGetAll(ctx, tag+monthsKey)
		}
	})
	if err != nil {
		return nil, unavailable("read the months", err)
	}
	figures := map[order.Month]*MonthTotals{}
	for _, cmd := range cmds {
		for field, text := range cmd.(*redis.MapStringStringCmd).Val() {
			name, isCents := strings.CutSuffix(field, centsMark)
			month, err := order.ParseMonth(name)
			if err != nil {
				return nil, unavailable("read the months", err)
			}
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return nil, unavailable("read the months", err)
			}
			if figures[month] == nil {
				figures[month] = &MonthTotals{Month: month}
			}
			if isCents {
				figures[month].Revenue += order.Cents(n)
			} else {
				figures[month].Orders += n
			}
		}
	}
	months := make([]MonthTotals, 0, len(figures))
	for _, f := range figures {
		months = append(months, *f)
	}
	slices.SortFunc(months, func(a, b MonthTotals) int { return int(a.Month - b.Month) })
	return months, nil
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
	names := make([]string, 0, to-from+1)
	for day := from; day <= to; day++ {
		names = append(names, strconv.Itoa(int(day)))
	}
	figures, slotted, err := s.readPeriods(ctx, daysKey, names, slotFields)
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
	var days []DayTotals
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

// readPeriods returns the figures of the named periods, added over all shards, and the values of
// further fields of all shards. One command reads all of a shard.
func (s *Store) readPeriods(
	ctx context.Context, key string, names, further []string,
) (periods []figures, values []string, err error) {
	if err := s.checkLayout(ctx); err != nil {
		return nil, nil, err
	}
	fields := make([]any, 0, 2*len(names)+len(further))
	for _, name := range names {
		fields = append(fields, name, name+centsMark)
	}
	for _, field := range further {
		fields = append(fields, field)
	}
	cmds, err := s.pipelined(ctx, func(pipe redis.Pipeliner) {
		for _, tag := range s.tags {
			// Not HMGet, which would copy each name into a separate interface.
			args := append([]any{"hmget", tag + key}, fields...)
			_ = pipe.Process(ctx, redis.NewSliceCmd(ctx, args...)) // only queues it
		}
	})
	if err != nil {
		return nil, nil, unavailable("read the "+key, err)
	}

	sums := make([]int64, 2*len(names))
	for _, cmd := range cmds {
		answer := cmd.(*redis.SliceCmd).Val()
		if len(answer) != len(fields) {
			err := fmt.Errorf("%d answers for %d fields", len(answer), len(fields))
			return nil, nil, unavailable("read the "+key, err)
		}
		if err := addTo(sums, answer); err != nil {
			return nil, nil, unavailable("read the "+key, err)
		}
		for _, value := range answer[len(sums):] {
			if text, ok := value.(string); ok {
				values = append(values, text)
			}
		}
	}
	periods = make([]figures, len(names))
	for i := range periods {
		periods[i] = figures{orders: sums[2*i], revenue: order.Cents(sums[2*i+1])}
	}
	return periods, values, nil
}

package answer

import (
	"encoding/json"
	"slices"
	"strconv"

	"orderpipeline/shared/order"
)

// Period holds the figures of a month or a day.
type Period struct {
	Orders  int64       `json:"orders" minimum:"1" example:"2" doc:"Orders placed in this period."`
	Revenue order.Cents `json:"revenue" doc:"The recalculated value of all of them."`
}

// Month holds the figures of one month.
type Month struct {
	Month order.Month
	Period
}

// Months are in order. The JSON is an object with one member for each month, such as
// {"2024-01":{"orders":2,"revenue":39.98}}.
type Months []Month

// MarshalJSON writes the months in their order, which a map would not keep.
func (all Months) MarshalJSON() ([]byte, error) {
	b := newObject(len(all))
	for _, m := range all {
		b = appendPeriod(b, m.Month, m.Period)
	}
	return append(b, '}'), nil
}

// UnmarshalJSON reads the months and sorts them.
func (all *Months) UnmarshalJSON(text []byte) error {
	var err error
	*all, err = readPeriods(
		text, order.ParseMonth, func(m order.Month, p Period) Month { return Month{m, p} },
	)
	return err
}

// Day holds the figures of one day.
type Day struct {
	Day order.Day
	Period
}

// Days are in order. The JSON is an object with one member for each day, such as
// {"2024-12-13":{"orders":2,"revenue":39.98}}.
type Days []Day

// MarshalJSON writes the days in their order, which a map would not keep.
func (all Days) MarshalJSON() ([]byte, error) {
	b := newObject(len(all))
	for _, d := range all {
		b = appendPeriod(b, d.Day, d.Period)
	}
	return append(b, '}'), nil
}

// UnmarshalJSON reads the days and sorts them.
func (all *Days) UnmarshalJSON(text []byte) error {
	var err error
	*all, err = readPeriods(text, order.ParseDay, func(d order.Day, p Period) Day { return Day{d, p} })
	return err
}

// newObject begins an object of n periods.
func newObject(n int) []byte { return append(make([]byte, 0, 64*n+2), '{') }

func appendPeriod[N interface{ Append(to []byte) []byte }](b []byte, name N, p Period) []byte {
	if len(b) > 1 {
		b = append(b, ',')
	}
	b = append(name.Append(append(b, '"')), `":{"orders":`...)
	b = append(strconv.AppendInt(b, p.Orders, 10), `,"revenue":`...)
	return append(p.Revenue.Append(b), '}')
}

// readPeriods reads an object of periods and sorts it by name.
func readPeriods[N ~int | ~int32, P any](
	text []byte, parse func(string) (N, error), join func(N, Period) P,
) ([]P, error) {
	var object map[string]Period
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, err
	}

	byName := make(map[N]Period, len(object))
	names := make([]N, 0, len(object))
	for key, p := range object {
		name, err := parse(key)
		if err != nil {
			return nil, err
		}
		byName[name] = p
		names = append(names, name)
	}

	slices.Sort(names)
	all := make([]P, len(names))
	for i, name := range names {
		all[i] = join(name, byName[name])
	}
	return all, nil
}

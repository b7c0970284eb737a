package answer

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"orderpipeline/shared/order"
)

// Period holds the figures of a month or a day.
type Period struct {
	Orders  int64       `json:"orders" minimum:"1" example:"2" doc:"Orders placed in this period."`
	Revenue order.Cents `json:"revenue" doc:"The recalculated value of all of them."`
}

// Dated holds the figures of one month or day.
type Dated[D order.Date] struct {
	Date D
	Period
}

// Periods are in order. The JSON is an object with one member for each, such as
// {"2024-01":{"orders":2,"revenue":39.98}}.
type Periods[D order.Date] []Dated[D]

type (
	// Months are the figures of several months.
	Months = Periods[order.Month]
	// Days are the figures of several days.
	Days = Periods[order.Day]
)

// MarshalJSON writes the periods in their order, which a map would not keep.
func (all Periods[D]) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 64*len(all)+2), '{')
	for i, p := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(p.Date.Append(append(b, '"')), `":{"orders":`...)
		b = append(strconv.AppendInt(b, p.Orders, 10), `,"revenue":`...)
		b = append(p.Revenue.Append(b), '}')
	}
	return append(b, '}'), nil
}

// UnmarshalJSON reads the periods and sorts them.
func (all *Periods[D]) UnmarshalJSON(text []byte) error {
	var object map[D]Period
	if err := json.Unmarshal(text, &object); err != nil {
		return err
	}
	*all = make(Periods[D], 0, len(object))
	for _, d := range slices.Sorted(maps.Keys(object)) {
		*all = append(*all, Dated[D]{d, object[d]})
	}
	return nil
}

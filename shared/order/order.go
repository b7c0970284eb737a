// Package order is the domain: what an order is, which messages are accepted as one, and what its value is.
// It knows neither AWS nor Redis.
package order

import (
	"fmt"
	"time"
)

// The limits of one order. A message that passes one is refused.
const (
	MaxIDLength = 128       // of order, user and product ids, in characters (Unicode code points)
	MaxItems    = 1_000     // in one order
	MaxQuantity = 1_000_000 // of one item
	// MaxValue is the highest value of one order: 1,000,000,000.00. It is also the highest price of one unit.
	MaxValue Cents = 100_000_000_000
)

// An Order is a message that was accepted. Its value is recalculated from its items; the items themselves are not kept.
type Order struct {
	ID       string
	UserID   string
	Placed   time.Time // in UTC, to the nanosecond
	Value    Cents     // Σ quantity × price, rounded once, half to even
	Mismatch bool      // the message stated an order_value more than 0.01 away from Value
}

// Month is the calendar month in UTC of the moment at which the order was placed.
func (o Order) Month() Month { return MonthOf(o.Placed) }

// Day is the calendar day that the order counts for in a time zone; nil means UTC. Days before 1970
// and after 9999, which only a zone's offset can lead to, become the first and the last day.
func (o Order) Day(zone *time.Location) Day {
	placed := o.Placed
	if zone != nil {
		placed = placed.In(zone)
	}
	return min(max(DayOf(placed), firstDay), lastDay)
}

// Check says whether the order is one that Parse could have returned. It is for orders that were kept
// and read again.
func (o *Order) Check() error {
	if problem := checkID(o.ID, true); problem != "" {
		return fmt.Errorf("order_id %s", problem)
	}
	if problem := checkID(o.UserID, true); problem != "" {
		return fmt.Errorf("user_id %s", problem)
	}
	if year := o.Placed.UTC().Year(); year < minYear || year > maxYear {
		return fmt.Errorf("the order is placed in the year %d, outside %d to %d", year, minYear, maxYear)
	}
	if o.Value < 0 || o.Value > MaxValue {
		return fmt.Errorf("the value %s is outside 0 to %s", o.Value, MaxValue)
	}
	return nil
}

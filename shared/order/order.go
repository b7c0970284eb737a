// Package order says what an order is, which messages are accepted as one, and what its value is.
// It knows neither AWS nor Redis. The contract is in CONTRACT.md.
package order

import (
	"fmt"
	"time"
)

// The limits of one order. A message that exceeds one is refused.
const (
	MaxIDLength = 128       // of order, user and product ids, in characters (Unicode code points)
	MaxItems    = 1_000     // in one order
	MaxQuantity = 1_000_000 // of one item
	// MaxValue is the highest value of one order, and the highest price of one unit: 1,000,000,000.00.
	MaxValue Cents = 100_000_000_000
)

// An Order is an accepted message. Its value is recalculated from its items; the items are not
// kept.
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

// Check says whether the order is one that Parse could have returned. It is for orders that were
// kept and read again.
func (o *Order) Check() error {
	if w := checkID(o.ID); w != nil {
		return fmt.Errorf("order_id %s", w.text)
	}
	if w := checkID(o.UserID); w != nil {
		return fmt.Errorf("user_id %s", w.text)
	}
	if year := o.Placed.UTC().Year(); year < minYear || year > maxYear {
		return fmt.Errorf("the order is placed in the year %d, outside %d to %d", year, minYear, maxYear)
	}
	if o.Value < 0 || o.Value > MaxValue {
		return fmt.Errorf("the value %s is outside 0 to %s", o.Value, MaxValue)
	}
	return nil
}

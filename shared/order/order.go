// Package order is the domain: what an order is, which messages are accepted as one, and what its value is.
// It knows neither AWS nor Redis.
package order

import "time"

// MaxIDBytes bounds order, user and product ids: 1 to MaxIDLength characters (Unicode code points).
const MaxIDLength = 128

// An Order is a message that was accepted. Its value is recalculated from its items; the items themselves are not kept.
type Order struct {
	ID       string
	UserID   string
	Placed   time.Time // in UTC
	Value    Cents     // Σ quantity × price, rounded once, half to even
	Mismatch bool      // the message stated an order_value more than 0.01 away from Value
}

// Month is the calendar month in UTC that the order counts for.
func (o Order) Month() Month { return MonthOf(o.Placed) }

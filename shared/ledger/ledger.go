// Package ledger keeps the figures in Redis. Every key name, every script and every Redis word of the project is here.
package ledger

import (
	"errors"

	"orderpipeline/shared/order"
)

var (
	// ErrNotFound: the user has no orders.
	ErrNotFound = errors.New("no orders of this user")
	// ErrUnavailable: Redis did not answer, or not in time. What was asked may or may not have been done.
	ErrUnavailable = errors.New("the ledger is unavailable")
)

// An Outcome is what became of one order given to Record.
type Outcome uint8

const (
	Unsettled Outcome = iota // not known: give the order to Record again
	Recorded                 // counted, in every aggregate
	Duplicate                // counted before, with the same content; nothing changed
	Conflict                 // its order_id was counted before with other content; nothing changed
	Overflow                 // counting it would pass the limit of exact sums; nothing changed
)

// UserStats are the figures of one customer.
type UserStats struct {
	UserID     string
	OrderCount int64
	TotalSpend order.Cents
}

// Totals are the figures over all orders.
type Totals struct {
	Orders  int64
	Revenue order.Cents
}

// A Spender is one line of the leaderboard.
type Spender struct {
	UserID     string
	TotalSpend order.Cents
}

// MonthTotals are the figures of one month.
type MonthTotals struct {
	Month   order.Month
	Orders  int64
	Revenue order.Cents
}

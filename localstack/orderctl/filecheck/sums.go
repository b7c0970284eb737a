package filecheck

import (
	"slices"
	"strings"
	"time"

	"orderpipeline/shared/order"
)

// Sums are what the file adds up to. Orders and revenue count each order once: duplicates and
// refused entries add nothing.
type Sums struct {
	Entries    int64                  `json:"entries"`
	Orders     int64                  `json:"orders"`
	Revenue    order.Cents            `json:"revenue"`
	Customers  int                    `json:"customers"`
	Duplicates int64                  `json:"duplicates"`
	Mismatches int64                  `json:"mismatches"`
	Refused    map[order.Reason]int64 `json:"refused"`

	// First and Last are the earliest and the latest order_timestamp, in UTC.
	First time.Time `json:"-"`
	Last  time.Time `json:"-"`

	known map[string]bool // the customers
}

// NewSums returns empty sums.
func NewSums() *Sums {
	return &Sums{
		Refused: map[order.Reason]int64{},
		known:   map[string]bool{},
	}
}

// Add adds an entry.
func (s *Sums) Add(v *Verdict) {
	s.Entries++
	if v.Refusal != nil {
		s.Refused[v.Refusal.Reason]++
		return
	}
	if v.Duplicate() {
		s.Duplicates++
		return
	}
	s.Orders++
	s.Revenue += v.Order.Value
	if v.Order.Mismatch {
		s.Mismatches++
	}
	if !s.known[v.Order.UserID] {
		// The id shares memory with the whole message.
		s.known[strings.Clone(v.Order.UserID)] = true
		s.Customers++
	}
	placed := v.Order.Placed
	if s.Orders == 1 || placed.Before(s.First) {
		s.First = placed
	}
	if placed.After(s.Last) {
		s.Last = placed
	}
}

// RefusedTotal is the number of refused entries.
func (s *Sums) RefusedTotal() int64 {
	var total int64
	for _, n := range s.Refused {
		total += n
	}
	return total
}

// Reasons are the reasons of the refusals, in the order in which they are shown.
func (s *Sums) Reasons() []order.Reason {
	all := append(order.Reasons(), MessageTooLarge)
	return slices.DeleteFunc(all, func(r order.Reason) bool { return s.Refused[r] == 0 })
}

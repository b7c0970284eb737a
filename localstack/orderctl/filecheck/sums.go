package filecheck

import (
	"slices"
	"strings"
	"time"

	"orderpipeline/shared/order"
)

// Figures are those of one customer.
type Figures struct {
	Orders  int64
	Revenue order.Cents
}

// Sums are what the file adds up to. Orders and revenue count each order once: duplicates and
// refused entries add nothing.
type Sums struct {
	Entries    int64
	Orders     int64
	Revenue    order.Cents
	Duplicates int64
	Mismatches int64
	Refused    map[order.Reason]int64
	Customers  map[string]Figures
	// First and Last are the earliest and the latest order_timestamp, in UTC.
	First, Last time.Time
}

func newSums() *Sums {
	return &Sums{
		Refused:   map[order.Reason]int64{},
		Customers: map[string]Figures{},
	}
}

func (s *Sums) add(v *Verdict) {
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
	customer, found := s.Customers[v.Order.UserID]
	customer.add(v.Order.Value)
	if found {
		s.Customers[v.Order.UserID] = customer
	} else {
		// The id shares memory with the whole message.
		s.Customers[strings.Clone(v.Order.UserID)] = customer
	}
	placed := v.Order.Placed
	if s.Orders == 1 || placed.Before(s.First) {
		s.First = placed
	}
	if placed.After(s.Last) {
		s.Last = placed
	}
}

func (f *Figures) add(value order.Cents) {
	f.Orders++
	f.Revenue += value
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

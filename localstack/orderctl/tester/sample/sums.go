package sample

import (
	"time"

	"orderpipeline/shared/order"
)

// Sums are what a store must have gained after the messages were processed.
type Sums struct {
	Messages   int64
	Orders     int64
	Revenue    order.Cents
	Duplicates int64
	Mismatches int64
	Refused    map[order.Reason]int64
	Months     map[order.Month]Part
	// Users are the customers watched. One that is in a conflict is left out: which of the two orders
	// is counted depends on which comes first.
	Users map[string]Part

	Zone *time.Location // of the months
}

// A Part is the share of a month or a customer.
type Part struct {
	Orders int64
	Spend  order.Cents
}

// NewSums returns empty sums that watch these customers. Months are those of the zone.
func NewSums(zone *time.Location, watched []string) *Sums {
	s := &Sums{
		Refused: map[order.Reason]int64{}, Months: map[order.Month]Part{}, Users: map[string]Part{},
		Zone: zone,
	}
	for _, u := range watched {
		s.Users[u] = Part{}
	}
	return s
}

// Add adds the expected effect of m.
func (s *Sums) Add(m Message) {
	s.Messages++
	switch m.Kind {
	case Broken:
		s.Refused[m.Reason]++
		return
	case Duplicate:
		s.Duplicates++
		return
	case Conflict:
		s.Refused[order.IDConflict]++
		delete(s.Users, m.User)
		delete(s.Users, m.Rival)
		return
	case Fresh:
	}
	s.record(order.Order{UserID: m.User, Placed: m.Placed, Value: m.Value, Mismatch: m.Mismatch})
}

func (s *Sums) record(o order.Order) {
	s.Orders++
	s.Revenue += o.Value
	if o.Mismatch {
		s.Mismatches++
	}
	month := o.Day(s.Zone).Month()
	part := s.Months[month]
	s.Months[month] = Part{part.Orders + 1, part.Spend + o.Value}
	if part, watched := s.Users[o.UserID]; watched {
		s.Users[o.UserID] = Part{part.Orders + 1, part.Spend + o.Value}
	}
}

package sample

import "orderpipeline/shared/order"

// Sums are what a store must have gained after the messages were handled.
type Sums struct {
	Messages   int64
	Orders     int64
	Revenue    order.Cents
	Duplicates int64
	Mismatches int64
	Refused    map[order.Reason]int64
	Months     map[order.Month]Part
	// Users are the customers watched. One that is in a conflict is left out: which of the two orders is counted
	// depends on which comes first.
	Users map[string]Part
}

// A Part is the share of a month or a customer.
type Part struct {
	Orders int64
	Spend  order.Cents
}

// NewSums begins with nothing, and watches these customers.
func NewSums(watched []string) *Sums {
	s := &Sums{Refused: map[order.Reason]int64{}, Months: map[order.Month]Part{}, Users: map[string]Part{}}
	for _, u := range watched {
		s.Users[u] = Part{}
	}
	return s
}

// Add adds what m must do.
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
	s.Orders++
	s.Revenue += m.Value
	if m.Mismatch {
		s.Mismatches++
	}
	part := s.Months[m.Month]
	s.Months[m.Month] = Part{part.Orders + 1, part.Spend + m.Value}
	if part, watched := s.Users[m.User]; watched {
		s.Users[m.User] = Part{part.Orders + 1, part.Spend + m.Value}
	}
}

// RefusedTotal is the number of messages of all reasons.
func (s *Sums) RefusedTotal() int64 {
	var n int64
	for _, k := range s.Refused {
		n += k
	}
	return n
}

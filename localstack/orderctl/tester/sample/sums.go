package sample

import (
	"time"

	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

// Sums are what a store must have gained after the messages were processed.
type Sums struct {
	answer.Period
	Duplicates int64                         `json:"duplicates"`
	Mismatches int64                         `json:"mismatches"`
	Refused    map[order.Reason]int64        `json:"refused"`
	Months     map[order.Month]answer.Period `json:"-"`
	// Users are the customers watched. One that is in a conflict is left out: which of the two orders
	// is counted depends on which comes first.
	Users map[string]answer.Period `json:"-"`

	Zone *time.Location `json:"-"` // of the months
}

// NewSums returns empty sums that watch these customers. Months are those of the zone.
func NewSums(zone *time.Location, watched []string) *Sums {
	s := &Sums{
		Refused: map[order.Reason]int64{}, Months: map[order.Month]answer.Period{},
		Users: map[string]answer.Period{}, Zone: zone,
	}
	for _, u := range watched {
		s.Users[u] = answer.Period{}
	}
	return s
}

// Add adds the expected effect of m.
func (s *Sums) Add(m Message) {
	switch m.Kind {
	case Broken:
		s.Refused[m.Reason]++
	case Duplicate:
		s.Duplicates++
	case Conflict:
		s.Refused[order.IDConflict]++
		delete(s.Users, m.User)
		delete(s.Users, m.Rival)
	case Fresh:
		s.Record(order.Order{UserID: m.User, Placed: m.Placed, Value: m.Value, Mismatch: m.Mismatch})
	}
}

// Record adds an order that is counted.
func (s *Sums) Record(o order.Order) {
	if o.Mismatch {
		s.Mismatches++
	}
	plus := func(p answer.Period) answer.Period {
		return answer.Period{Orders: p.Orders + 1, Revenue: p.Revenue + o.Value}
	}
	s.Period = plus(s.Period)
	month := o.Day(s.Zone).Month()
	s.Months[month] = plus(s.Months[month])
	if user, watched := s.Users[o.UserID]; watched {
		s.Users[o.UserID] = plus(user)
	}
}

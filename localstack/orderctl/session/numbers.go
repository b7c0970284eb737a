package session

import (
	"context"
	"fmt"
	"time"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

// Numbers are the figures that the API shows at one moment.
type Numbers struct {
	answer.Totals
	Messages *answer.Counts `json:"messages,omitempty"` // nil while they are unknown
}

// Numbers reads the figures.
func (s *Session) Numbers(ctx context.Context) (Numbers, error) {
	o, err := s.API.Figures(ctx)
	if err != nil {
		return Numbers{}, err
	}
	return Numbers{o.Figures.Totals, &o.Figures.Messages}, nil
}

// Zone is the time zone of the deployment's months and days.
func (s *Session) Zone(ctx context.Context) (*time.Location, error) {
	o, err := s.API.Overview(ctx)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(o.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("the time zone of the deployment: %w", err)
	}
	return zone, nil
}

// Show prints the numbers for a person.
func (n Numbers) Show(c *console.Console) {
	c.List("orders", console.Count(n.Orders))
	c.List("revenue", console.Number(n.Revenue))
	if n.Messages == nil {
		c.List("messages", "unknown")
		return
	}

	m := n.Messages
	var refused int64
	var reasons []string
	for _, r := range order.Reasons() {
		if k := m.Refused[r]; k > 0 {
			refused += k
			reasons = append(reasons, fmt.Sprintf("%s %s", r, console.Count(k)))
		}
	}
	c.List("messages", console.Count(m.Recorded)+" recorded", console.Count(m.Duplicate)+" duplicate",
		console.Count(refused)+" refused", console.Count(m.Mismatch)+" mismatch",
		console.Count(m.Failed)+" failed attempts")
	if refused > 0 {
		c.List("refused", reasons...)
	}
	if m.Healed > 0 {
		c.List("healed", console.Count(m.Healed)+" orders that Redis had lost, from the archive")
	}
}

package main

import (
	"context"
	"errors"
	"fmt"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/shared/order"
)

// numbers are what the API shows at one moment.
type numbers struct {
	api.Totals
	Messages *api.Messages `json:"messages,omitempty"` // nil where the API does not show them
}

func readNumbers(ctx context.Context, client *api.Client) (numbers, error) {
	totals, err := client.Global(ctx)
	if err != nil {
		return numbers{}, err
	}
	n := numbers{Totals: totals}
	switch m, err := client.Messages(ctx); {
	case err == nil:
		n.Messages = &m
	case !errors.Is(err, api.ErrNotFound):
		return numbers{}, err
	}
	return n, nil
}

// showNumbers prints n for a person.
func showNumbers(c *console.Console, n numbers) {
	c.List("orders", console.Count(n.Orders))
	c.List("revenue", console.Group(n.Revenue.String()))
	if n.Messages == nil {
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
	c.List("messages", console.Count(m.Recorded)+" recorded", console.Count(m.Duplicate)+" duplicate", console.Count(refused)+" refused",
		console.Count(m.Mismatch)+" mismatch", console.Count(m.Failed)+" failed attempts")
	if refused > 0 {
		c.List("refused", reasons...)
	}
}

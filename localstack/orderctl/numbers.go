package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
	c.Printf("%-12s %s\n", "orders", console.Count(n.Orders))
	c.Printf("%-12s %s\n", "revenue", console.Group(n.Revenue.String()))
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
	c.Printf("%-12s %s recorded, %s duplicate, %s refused, %s mismatch, %s failed attempts\n", "messages",
		console.Count(m.Recorded), console.Count(m.Duplicate), console.Count(refused), console.Count(m.Mismatch), console.Count(m.Failed))
	if refused > 0 {
		c.Printf("%-12s %s\n", "refused", strings.Join(reasons, ", "))
	}
}

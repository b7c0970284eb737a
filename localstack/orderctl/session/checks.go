package session

import (
	"fmt"
	"slices"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/shared/order"
)

// A Check is one figure that was expected: a count (int64) or money (order.Cents).
type Check struct {
	What     string `json:"what"`
	Expected any    `json:"expected"`
	Got      any    `json:"got"`
	// AtLeast marks counters that a repeated delivery may raise: SQS delivers at least once.
	AtLeast bool `json:"at_least,omitempty"`
	Equal   bool `json:"equal"`
}

// Checks are the comparisons of a command.
type Checks []Check

// Equal adds a figure that must be as expected.
func (c *Checks) Equal(what string, want, got any) {
	*c = append(*c, Check{What: what, Expected: want, Got: got, Equal: want == got})
}

// AtLeast adds a counter that may be higher than expected.
func (c *Checks) AtLeast(what string, want, got int64) {
	*c = append(*c, Check{What: what, Expected: want, Got: got, AtLeast: true, Equal: got >= want})
}

// AllEqual says that every figure is as expected.
func (c Checks) AllEqual() bool {
	return !slices.ContainsFunc(c, func(k Check) bool { return !k.Equal })
}

// shownChecks is how many figures are shown at most.
const shownChecks = 12

// Show prints the figures, and a verdict. Of many figures these are the first two, which are the
// totals, and all that are not as expected.
func (c Checks) Show(out *console.Console) {
	var rows [][]any
	equal := 0
	verdicts := map[bool]string{true: "equal", false: "DIFFERENT"}
	for i, k := range c {
		if k.Equal {
			equal++
		}
		if !k.Equal || len(c) <= shownChecks || i < 2 {
			rows = append(rows, []any{k.What, k.Expected, k.Got, verdicts[k.Equal]})
		}
	}
	more := max(0, len(rows)-shownChecks)
	out.Table([]console.Column{
		{Title: "FIGURE"}, {Title: "EXPECTED", Right: true}, {Title: "FOUND", Right: true}, {},
	}, rows[:len(rows)-more])
	out.More(int64(more))

	summary := fmt.Sprintf("%d of %d numbers are as expected", equal, len(c))
	if equal < len(c) {
		out.Println(out.Bad("NOT EQUAL: " + summary))
		return
	}
	isMoney := func(k Check) bool { _, ok := k.Expected.(order.Cents); return ok }
	if slices.ContainsFunc(c, isMoney) {
		summary += ", to the cent"
	}
	out.Println(out.Good("equal: " + summary))
}

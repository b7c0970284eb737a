package restore

import (
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/shared/order"
)

// money writes an amount for a person.
func money(c order.Cents) string { return console.Group(c.String()) }

// A comparison is one figure and what was expected.
type comparison struct {
	What     string `json:"what"`
	Expected any    `json:"expected"` // a number
	Found    any    `json:"got"`
	Equal    bool   `json:"equal"`

	wantText, gotText string
}

func countCheck(what string, want, got int64) comparison {
	return comparison{what, want, got, want == got, console.Count(want), console.Count(got)}
}

func moneyCheck(what string, want, got order.Cents) comparison {
	return comparison{
		what,
		want,
		got,
		want == got,
		console.Group(want.String()),
		console.Group(got.String()),
	}
}

package tester

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/localstack/orderctl/tester/sample"
	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

const (
	// watchedUsers is how many customers' own figures are compared. Each costs a request to the API.
	watchedUsers = 10
	// shownChecks is how many numbers are shown at most.
	shownChecks = 12
)

// customers names the customers of a bulk run whose figures are compared.
func customers(users int) []string {
	names := make([]string, min(users, watchedUsers))
	for i := range names {
		names[i] = fmt.Sprintf("U%d", i+1)
	}
	return names
}

// checkedResult is what --json prints of a command that sends many orders.
type checkedResult struct {
	session.Delivery
	Seed     *uint64  `json:"seed,omitempty"`
	Expected expected `json:"expected"`
	session.Outcome
	Checks []check `json:"checks,omitempty"`
	Equal  *bool   `json:"equal,omitempty"`
	// Counted is how many orders had been counted before; then sums cannot be compared.
	Counted int64 `json:"counted_before,omitempty"`
}

type expected struct {
	Orders     int64                  `json:"orders"`
	Revenue    order.Cents            `json:"revenue"`
	Duplicates int64                  `json:"duplicates"`
	Mismatches int64                  `json:"mismatches"`
	Refused    map[order.Reason]int64 `json:"refused"`
}

func expectation(s *sample.Sums) expected {
	return expected{s.Orders, s.Revenue, s.Duplicates, s.Mismatches, s.Refused}
}

// A verifier compares the growth of the API's figures with what was sent.
type verifier struct {
	s      *session.Session
	zone   *time.Location
	sums   *sample.Sums
	again  bool // the same orders were sent before: none may count
	before picture
}

// A picture is the part of the store that a run changes, at one moment.
type picture struct {
	totals answer.Totals
	counts answer.Counts
	months map[order.Month]answer.Period
	users  map[string]answer.User
	dlq    int64
}

func newVerifier(s *session.Session, again bool) *verifier {
	return &verifier{s: s, again: again, zone: time.UTC}
}

// begin takes the picture to compare with. It also finds the time zone of the months, which must be
// known before anything is added up.
func (v *verifier) begin(ctx context.Context) error {
	o, err := v.s.API.Overview(ctx)
	if err != nil {
		return err
	}
	if v.zone, err = time.LoadLocation(o.TimeZone); err != nil {
		return fmt.Errorf("the time zone of the deployment: %w", err)
	}
	v.sums = sample.NewSums(v.zone, slices.Collect(maps.Keys(v.sums.Users)))
	v.before, err = v.read(ctx)
	return err
}

func (v *verifier) read(ctx context.Context) (picture, error) {
	o, err := v.s.API.Overview(ctx)
	if err != nil {
		return picture{}, err
	}
	if o.Figures == nil {
		return picture{}, fmt.Errorf("%w: Redis does not answer", api.ErrUnavailable)
	}
	p := picture{
		totals: o.Figures.Totals, counts: o.Figures.Messages,
		months: map[order.Month]answer.Period{}, users: map[string]answer.User{},
	}
	for _, m := range o.Figures.Months {
		p.months[m.Month] = m.Period
	}
	for id := range v.sums.Users {
		u, err := v.s.API.User(ctx, id)
		if err != nil && !errors.Is(err, api.ErrNotFound) {
			return picture{}, err
		}
		p.users[id] = u
	}
	if d, err := v.s.DLQ.Depth(ctx); err == nil { // it only explains a difference
		p.dlq = d.Total()
	}
	return p, nil
}

// reached says that all is counted. The totals are compared first, they cost one request.
func (v *verifier) reached(ctx context.Context) bool {
	want := answer.Totals{Orders: v.sums.Orders, Revenue: v.sums.Revenue}
	if v.again {
		want = answer.Totals{}
	}
	t, err := v.s.API.Global(ctx)
	if err != nil || t.Orders-v.before.totals.Orders != want.Orders ||
		t.Revenue-v.before.totals.Revenue != want.Revenue {
		return false
	}
	after, err := v.read(ctx)
	return err == nil && allEqual(v.compare(after))
}

// A check is one number that was expected.
type check struct {
	What     string `json:"what"`
	Expected amount `json:"expected"`
	Got      amount `json:"got"`
	// AtLeast marks counters that a repeated delivery may raise: SQS delivers at least once.
	AtLeast bool `json:"at_least,omitempty"`
	Equal   bool `json:"equal"`
}

// An amount is a count, or money in cents.
type amount struct {
	n     int64
	money bool
}

func (a amount) String() string {
	if a.money {
		return console.Group(order.Cents(a.n).String())
	}
	return console.Count(a.n)
}

// MarshalJSON writes a number, as the API does.
func (a amount) MarshalJSON() ([]byte, error) {
	if a.money {
		return order.Cents(a.n).MarshalJSON()
	}
	return strconv.AppendInt(nil, a.n, 10), nil
}

// checks collects the comparisons.
type checks []check

func (c *checks) count(what string, want, got int64) {
	*c = append(*c, check{
		What: what, Expected: amount{n: want}, Got: amount{n: got}, Equal: want == got,
	})
}

func (c *checks) money(what string, want, got order.Cents) {
	*c = append(*c, check{
		What: what, Expected: amount{int64(want), true}, Got: amount{int64(got), true},
		Equal: want == got,
	})
}

func (c *checks) atLeast(what string, want, got int64) {
	*c = append(*c, check{
		What: what, Expected: amount{n: want}, Got: amount{n: got}, AtLeast: true, Equal: got >= want,
	})
}

func (v *verifier) compare(after picture) []check {
	var c checks
	want := v.sums
	if v.again {
		want = sample.NewSums(v.zone, nil)
		for id := range v.sums.Users {
			want.Users[id] = sample.Part{}
		}
	}
	before := v.before
	c.count("orders", want.Orders, after.totals.Orders-before.totals.Orders)
	c.money("revenue", want.Revenue, after.totals.Revenue-before.totals.Revenue)

	for _, m := range slices.Sorted(maps.Keys(v.sums.Months)) {
		was, is := before.months[m], after.months[m]
		c.count("orders of "+m.String(), want.Months[m].Orders, is.Orders-was.Orders)
		c.money("revenue of "+m.String(), want.Months[m].Spend, is.Revenue-was.Revenue)
	}
	for _, id := range slices.Sorted(maps.Keys(want.Users)) {
		was, is := before.users[id], after.users[id]
		c.count("orders of "+id, want.Users[id].Orders, is.Orders-was.Orders)
		c.money("spend of "+id, want.Users[id].Spend, is.Spend-was.Spend)
	}
	c.count("recorded", want.Orders, after.counts.Recorded-before.counts.Recorded)
	v.compareMessages(&c, after)
	return c
}

// compareMessages compares the counters that do not depend on which orders were counted before.
func (v *verifier) compareMessages(c *checks, after picture) {
	was, is := v.before.counts, after.counts
	if v.again {
		// Of a conflict either order may be the one that was counted before.
		c.atLeast("duplicates", v.sums.Orders+v.sums.Duplicates, is.Duplicate-was.Duplicate)
	} else {
		c.atLeast("duplicates", v.sums.Duplicates, is.Duplicate-was.Duplicate)
		c.atLeast("mismatches", v.sums.Mismatches, is.Mismatch-was.Mismatch)
	}
	for _, r := range order.Reasons() {
		if k := v.sums.Refused[r]; k > 0 {
			c.atLeast("refused "+string(r), k, is.Refused[r]-was.Refused[r])
		}
	}
}

// check compares at the end, and fills in the result.
func (v *verifier) check(ctx context.Context, result *checkedResult) error {
	after, err := v.read(ctx)
	if err != nil {
		return err
	}
	result.Checks = v.compare(after)
	return v.verdict(result, after)
}

// verdict shows the checks of the result. Its error wraps ErrCheck when they are not all equal.
func (v *verifier) verdict(result *checkedResult, after picture) error {
	equal := allEqual(result.Checks)
	result.Equal = &equal
	if !v.s.JSON {
		showChecks(v.s.Console, result.Checks, after.dlq-v.before.dlq)
	}
	if !equal {
		return fmt.Errorf("%w: the API's numbers are not what was sent", session.ErrCheck)
	}
	return nil
}

func allEqual(checks []check) bool {
	return !slices.ContainsFunc(checks, func(c check) bool { return !c.Equal })
}

// showChecks prints the totals, and every number that is not as expected. dead is how many messages
// went to the dead-letter queue during the run.
func showChecks(c *console.Console, checks []check, dead int64) {
	var rows [][]string
	equal := 0
	for _, k := range checks {
		verdict := "DIFFERENT"
		if k.Equal {
			equal++
			verdict = "equal"
			if k.What != "orders" && k.What != "revenue" {
				continue
			}
		}
		rows = append(rows, []string{k.What, k.Expected.String(), k.Got.String(), verdict})
	}
	more := max(0, len(rows)-shownChecks)
	if len(rows) > 0 {
		c.Table([]console.Column{
			{Title: "SENT"}, {Title: "EXPECTED", Right: true}, {Title: "API", Right: true}, {Title: ""},
		}, rows[:len(rows)-more])
	}
	if more > 0 {
		c.Printf("… and %d more\n", more)
	}

	summary := fmt.Sprintf("%d of %d numbers are as expected", equal, len(checks))
	if equal == len(checks) {
		if slices.ContainsFunc(checks, func(k check) bool { return k.Expected.money }) {
			summary += ", to the cent"
		}
		c.Printf("%s\n", c.Good("equal: "+summary))
		return
	}
	c.Printf("%s\n", c.Bad("NOT EQUAL: "+summary))
	if dead > 0 {
		c.Printf("%s messages went to the dead-letter queue during the run: see orderctl dlq list\n",
			console.Count(dead))
	}
	c.Printf("Was something else sent at the same time, or the same orders before? Then the numbers " +
		"differ without a fault.\n")
}

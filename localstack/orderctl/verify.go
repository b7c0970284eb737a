package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/sample"
	"orderpipeline/shared/order"
)

// watchedUsers is how many customers' own numbers a bulk run compares. Each costs a question to the API.
const watchedUsers = 10

// shownChecks is how many numbers are shown at most.
const shownChecks = 12

func watched(users int) []string {
	names := make([]string, min(users, watchedUsers))
	for i := range names {
		names[i] = fmt.Sprintf("U%d", i+1)
	}
	return names
}

// A verifier compares what the API's numbers grew by with what was sent.
type verifier struct {
	api        *api.Client
	dlq        func(context.Context) (queue.Depth, error)
	sums       *sample.Sums
	start, end string
	again      bool
	before     picture
}

// A picture is the part of the store that a bulk run changes, at one moment.
type picture struct {
	numbers
	months map[string]api.Month
	users  map[string]api.User
	dlq    int64
}

func (a *app) verifier(ctx context.Context, f bulkFlags, sums *sample.Sums) (*verifier, error) {
	client, err := a.api(ctx)
	if err != nil {
		return nil, err
	}
	t, err := a.target(ctx)
	if err != nil {
		return nil, err
	}
	sqs, err := a.sqs(ctx)
	if err != nil {
		return nil, err
	}
	v := &verifier{api: client, sums: sums, start: f.start, end: f.end, again: f.again}
	v.dlq = func(ctx context.Context) (queue.Depth, error) {
		url, err := t.DLQ(ctx)
		if err != nil {
			return queue.Depth{}, err
		}
		return queue.DepthOf(ctx, sqs, url)
	}
	v.before, err = v.read(ctx)
	return v, err
}

func (v *verifier) read(ctx context.Context) (picture, error) {
	n, err := readNumbers(ctx, v.api)
	if err != nil {
		return picture{}, err
	}
	p := picture{numbers: n, months: map[string]api.Month{}, users: map[string]api.User{}}
	months, err := v.api.Months(ctx, v.start, v.end)
	if err != nil {
		return picture{}, err
	}
	for _, m := range months {
		p.months[m.Month] = m
	}
	for id := range v.sums.Users {
		u, err := v.api.User(ctx, id)
		if err != nil && !errors.Is(err, api.ErrNotFound) {
			return picture{}, err
		}
		p.users[id] = u
	}
	if d, err := v.dlq(ctx); err == nil { // it only explains a difference
		p.dlq = d.Total()
	}
	return p, nil
}

// reached says that all is counted. The totals are looked at first, they cost one question.
func (v *verifier) reached(ctx context.Context, t api.Totals) bool {
	orders, revenue := v.sums.Orders, v.sums.Revenue
	if v.again {
		orders, revenue = 0, 0
	}
	if t.Orders-v.before.Orders != orders || order.Cents(t.Revenue-v.before.Revenue) != revenue {
		return false
	}
	after, err := v.read(ctx)
	return err == nil && allEqual(v.compare(after))
}

// A check is one number that was expected.
type check struct {
	What     string `json:"what"`
	Expected string `json:"expected"`
	Got      string `json:"got"`
	// AtLeast marks counters that a repeated delivery may raise: SQS delivers at least once.
	AtLeast bool `json:"at_least,omitempty"`
	Equal   bool `json:"equal"`
}

func (v *verifier) compare(after picture) []check {
	var checks []check
	count := func(what string, want, got int64) {
		checks = append(checks, check{What: what, Expected: console.Count(want), Got: console.Count(got), Equal: want == got})
	}
	money := func(what string, want order.Cents, got api.Money) {
		checks = append(checks, check{What: what, Expected: console.Group(want.String()), Got: console.Group(got.String()), Equal: api.Money(want) == got})
	}
	atLeast := func(what string, want, got int64) {
		checks = append(checks, check{What: what, Expected: console.Count(want), Got: console.Count(got), AtLeast: true, Equal: got >= want})
	}
	want := v.sums
	if v.again {
		want = sample.NewSums(nil)
		for id := range v.sums.Users {
			want.Users[id] = sample.Part{}
		}
	}
	count("orders", want.Orders, after.Orders-v.before.Orders)
	money("revenue", want.Revenue, after.Revenue-v.before.Revenue)

	for _, m := range sortedMonths(v.sums.Months) {
		name := m.String()
		was, is := v.before.months[name], after.months[name]
		count("orders of "+name, want.Months[m].Orders, is.Orders-was.Orders)
		money("revenue of "+name, want.Months[m].Spend, is.Revenue-was.Revenue)
	}
	for _, id := range sortedKeys(want.Users) {
		was, is := v.before.users[id], after.users[id]
		count("orders of "+id, want.Users[id].Orders, is.Orders-was.Orders)
		money("spend of "+id, want.Users[id].Spend, is.Spend-was.Spend)
	}
	if v.before.Messages == nil || after.Messages == nil {
		return checks
	}
	was, is := v.before.Messages, after.Messages
	count("recorded", want.Orders, is.Recorded-was.Recorded)
	if v.again {
		// Of a conflict either order may be the one that was counted before.
		atLeast("duplicates", v.sums.Orders+v.sums.Duplicates, is.Duplicate-was.Duplicate)
	} else {
		atLeast("duplicates", v.sums.Duplicates, is.Duplicate-was.Duplicate)
		atLeast("mismatches", v.sums.Mismatches, is.Mismatch-was.Mismatch)
	}
	for _, r := range order.Reasons() {
		if k := v.sums.Refused[r]; k > 0 {
			atLeast("refused "+string(r), k, is.Refused[r]-was.Refused[r])
		}
	}
	return checks
}

// landed is how many messages came into the dead-letter queue meanwhile.
func (v *verifier) landed(after picture) int64 { return after.dlq - v.before.dlq }

func allEqual(checks []check) bool {
	return !slices.ContainsFunc(checks, func(c check) bool { return !c.Equal })
}

// showChecks prints the totals, and every number that is not as expected.
func (a *app) showChecks(checks []check, landed int64) {
	var rows [][]string
	equal := 0
	for _, c := range checks {
		if c.Equal {
			equal++
		}
		whole := c.What == "orders" || c.What == "revenue"
		if c.Equal && !whole {
			continue
		}
		verdict := "equal"
		if !c.Equal {
			verdict = "DIFFERENT"
		}
		rows = append(rows, []string{c.What, c.Expected, c.Got, verdict})
	}
	more := 0
	if len(rows) > shownChecks {
		rows, more = rows[:shownChecks], len(rows)-shownChecks
	}
	a.Table([]console.Column{{Title: "SENT"}, {Title: "EXPECTED", Right: true}, {Title: "API", Right: true}, {Title: ""}}, rows)
	if more > 0 {
		a.Printf("… and %d more\n", more)
	}
	summary := fmt.Sprintf("%d of %d numbers are as expected", equal, len(checks))
	if equal == len(checks) {
		a.Printf("%s\n", a.Good("equal: "+summary+", to the cent"))
		return
	}
	a.Printf("%s\n", a.Bad("NOT EQUAL: "+summary))
	if landed > 0 {
		a.Printf("%s messages came into the dead-letter queue meanwhile: see orderctl dlq list\n", console.Count(landed))
	}
	a.Printf("Was something else sent meanwhile, or this --seed before? Then the numbers differ without a fault.\n")
}

func sortedMonths(m map[order.Month]sample.Part) []order.Month {
	keys := make([]order.Month, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

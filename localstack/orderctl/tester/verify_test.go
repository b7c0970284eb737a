package tester

import (
	"testing"
	"time"

	"orderpipeline/localstack/orderctl/tester/sample"
	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

// sent is a verifier after a run of many kinds of messages, and what a right store shows then.
func sent(t *testing.T) (*verifier, func() picture) {
	t.Helper()
	o := sample.Options{
		Count:      2000,
		Users:      100,
		Seed:       1,
		Duplicates: 0.1,
		Conflicts:  0.02,
		Broken:     0.1,
		Mismatches: 0.05,
	}
	var err error
	if o.From, err = order.ParseMonth("2024-01"); err != nil {
		t.Fatal(err)
	}
	o.To = o.From + 2
	sums := sample.NewSums(time.UTC, customers(o.Users))
	for m := range o.Messages() {
		sums.Add(m)
	}
	if len(sums.Users) == 0 {
		t.Fatal("no customer is left to watch")
	}
	v := &verifier{sums: sums, zone: time.UTC, before: picture{
		totals: answer.Totals{Orders: 7, Revenue: 700},
		counts: answer.Counts{
			Recorded: 7, Duplicate: 1, Refused: map[order.Reason]int64{order.InvalidJSON: 3},
		},
		months: map[order.Month]answer.Period{o.From: {Orders: 7, Revenue: 700}},
		users:  map[string]answer.User{},
	}}
	return v, func() picture {
		p := picture{
			totals: answer.Totals{Orders: 7 + sums.Orders, Revenue: 700 + sums.Revenue},
			counts: answer.Counts{
				Recorded: 7 + sums.Orders, Duplicate: 1 + sums.Duplicates, Mismatch: sums.Mismatches,
				Refused: map[order.Reason]int64{},
			},
			months: map[order.Month]answer.Period{}, users: map[string]answer.User{},
		}
		for r, n := range sums.Refused {
			p.counts.Refused[r] = n + v.before.counts.Refused[r]
		}
		for m, part := range sums.Months {
			was := v.before.months[m]
			p.months[m] = answer.Period{Orders: was.Orders + part.Orders, Revenue: was.Revenue + part.Spend}
		}
		for id, part := range sums.Users {
			p.users[id] = answer.User{Orders: part.Orders, Spend: part.Spend}
		}
		return p
	}
}

func TestARightStoreIsEqual(t *testing.T) {
	t.Parallel()
	v, after := sent(t)
	if checks := v.compare(after()); !allEqual(checks) || len(checks) < 20 {
		t.Errorf("%d checks, not all equal: %+v", len(checks), checks)
	}
}

func TestEveryWrongNumberIsFound(t *testing.T) {
	t.Parallel()
	const february = order.Month(2024*12 + 1)
	month := func(p picture, change func(*answer.Period)) {
		m := p.months[february]
		change(&m)
		p.months[february] = m
	}
	user := func(p picture, change func(*answer.User)) {
		for id, u := range p.users {
			change(&u)
			p.users[id] = u
			return
		}
	}
	for name, spoil := range map[string]func(*picture){
		"an order too many":          func(p *picture) { p.totals.Orders++ },
		"an order too few":           func(p *picture) { p.totals.Orders-- },
		"a cent too much":            func(p *picture) { p.totals.Revenue++ },
		"a cent too little":          func(p *picture) { p.totals.Revenue-- },
		"an order in a wrong month":  func(p *picture) { month(*p, func(m *answer.Period) { m.Orders++ }) },
		"a cent of a month":          func(p *picture) { month(*p, func(m *answer.Period) { m.Revenue-- }) },
		"a month missing":            func(p *picture) { delete(p.months, february+1) },
		"an order of a customer":     func(p *picture) { user(*p, func(u *answer.User) { u.Orders-- }) },
		"a cent of a customer":       func(p *picture) { user(*p, func(u *answer.User) { u.Spend++ }) },
		"recorded once more":         func(p *picture) { p.counts.Recorded++ },
		"a duplicate not counted":    func(p *picture) { p.counts.Duplicate-- },
		"a mismatch not counted":     func(p *picture) { p.counts.Mismatch-- },
		"a refusal not counted":      func(p *picture) { p.counts.Refused[order.InvalidJSON]-- },
		"a conflict not counted":     func(p *picture) { p.counts.Refused[order.IDConflict]-- },
		"the whole store is emptied": func(p *picture) { *p = picture{} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, after := sent(t)
			p := after()
			spoil(&p)
			if allEqual(v.compare(p)) {
				t.Error("it is taken for equal")
			}
		})
	}
}

// SQS delivers at least once, so a repeated delivery is no fault.
func TestARepeatedDeliveryIsNoDifference(t *testing.T) {
	t.Parallel()
	v, after := sent(t)
	p := after()
	p.counts.Duplicate++
	p.counts.Refused[order.InvalidJSON]++
	if !allEqual(v.compare(p)) {
		t.Error("it is taken for a difference")
	}
}

func TestSentAgainNothingMayCount(t *testing.T) {
	t.Parallel()
	v, after := sent(t)
	before, p := after(), after()
	v.before, v.again = before, true
	p.counts.Duplicate += v.sums.Orders + v.sums.Duplicates
	for r, n := range v.sums.Refused {
		p.counts.Refused[r] += n
	}
	if checks := v.compare(p); !allEqual(checks) {
		t.Errorf("an unchanged store is taken for different: %+v", checks)
	}
	p.totals.Orders++
	if allEqual(v.compare(p)) {
		t.Error("an order counted again is taken for equal")
	}
}

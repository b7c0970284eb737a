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
	before := picture{Sums: sample.NewSums(time.UTC, nil), recorded: 7}
	before.Period = answer.Period{Orders: 7, Revenue: 700}
	before.Duplicates, before.Refused[order.InvalidJSON] = 1, 3
	before.Months[o.From] = before.Period
	v := &verifier{sums: sums, before: before}
	return v, func() picture {
		p := picture{Sums: sample.NewSums(time.UTC, nil), recorded: 7 + sums.Orders}
		p.Period = answer.Period{Orders: 7 + sums.Orders, Revenue: 700 + sums.Revenue}
		p.Duplicates, p.Mismatches = 1+sums.Duplicates, sums.Mismatches
		for r, n := range sums.Refused {
			p.Refused[r] = n + before.Refused[r]
		}
		for m, growth := range sums.Months {
			was := before.Months[m]
			p.Months[m] = answer.Period{
				Orders: was.Orders + growth.Orders, Revenue: was.Revenue + growth.Revenue,
			}
		}
		for id, growth := range sums.Users {
			p.Users[id] = growth
		}
		return p
	}
}

func TestARightStoreIsEqual(t *testing.T) {
	t.Parallel()
	v, after := sent(t)
	if checks := v.compare(after()); !checks.AllEqual() || len(checks) < 20 {
		t.Errorf("%d checks, not all equal: %+v", len(checks), checks)
	}
}

func TestEveryWrongNumberIsFound(t *testing.T) {
	t.Parallel()
	type period = answer.Period
	const february = order.Month(2024*12 + 1)
	month := func(p *picture, change func(*period)) {
		m := p.Months[february]
		change(&m)
		p.Months[february] = m
	}
	user := func(p *picture, change func(*period)) {
		for id, u := range p.Users {
			change(&u)
			p.Users[id] = u
			return
		}
	}
	for name, spoil := range map[string]func(*picture){
		"an order too many":          func(p *picture) { p.Orders++ },
		"an order too few":           func(p *picture) { p.Orders-- },
		"a cent too much":            func(p *picture) { p.Revenue++ },
		"a cent too little":          func(p *picture) { p.Revenue-- },
		"an order in a wrong month":  func(p *picture) { month(p, func(m *period) { m.Orders++ }) },
		"a cent of a month":          func(p *picture) { month(p, func(m *period) { m.Revenue-- }) },
		"a month missing":            func(p *picture) { delete(p.Months, february+1) },
		"an order of a customer":     func(p *picture) { user(p, func(u *period) { u.Orders-- }) },
		"a cent of a customer":       func(p *picture) { user(p, func(u *period) { u.Revenue++ }) },
		"recorded once more":         func(p *picture) { p.recorded++ },
		"a duplicate not counted":    func(p *picture) { p.Duplicates-- },
		"a mismatch not counted":     func(p *picture) { p.Mismatches-- },
		"a refusal not counted":      func(p *picture) { p.Refused[order.InvalidJSON]-- },
		"a conflict not counted":     func(p *picture) { p.Refused[order.IDConflict]-- },
		"the whole store is emptied": func(p *picture) { *p = picture{Sums: sample.NewSums(nil, nil)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, after := sent(t)
			p := after()
			spoil(&p)
			if v.compare(p).AllEqual() {
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
	p.Duplicates++
	p.Refused[order.InvalidJSON]++
	if !v.compare(p).AllEqual() {
		t.Error("it is taken for a difference")
	}
}

func TestSentAgainNothingMayCount(t *testing.T) {
	t.Parallel()
	v, after := sent(t)
	before, p := after(), after()
	v.before, v.again = before, true
	p.Duplicates += v.sums.Orders + v.sums.Duplicates
	for r, n := range v.sums.Refused {
		p.Refused[r] += n
	}
	if checks := v.compare(p); !checks.AllEqual() {
		t.Errorf("an unchanged store is taken for different: %+v", checks)
	}
	p.Orders++
	if v.compare(p).AllEqual() {
		t.Error("an order counted again is taken for equal")
	}
}

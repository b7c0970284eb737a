package tester

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/localstack/orderctl/tester/sample"
	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

// watchedUsers is how many customers' own figures are compared. Each costs a request to the API.
const watchedUsers = 10

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
	Seed     *uint64      `json:"seed,omitempty"`
	Expected *sample.Sums `json:"expected"`
	session.Outcome
	Checks session.Checks `json:"checks,omitempty"`
	Equal  *bool          `json:"equal,omitempty"`
	// Counted is how many orders had been counted before; then sums cannot be compared.
	Counted int64 `json:"counted_before,omitempty"`
}

// A verifier compares the growth of the API's figures with what was sent.
type verifier struct {
	*session.Session
	sums   *sample.Sums
	again  bool // the same orders were sent before: none may count
	before picture
	result checkedResult
}

// A picture is the part of the store that a run changes, at one moment.
type picture struct {
	*sample.Sums
	recorded int64
	dlq      int64 // messages in the dead-letter queue
}

// newVerifier returns a verifier that compares the figures of these customers too.
func newVerifier(s *session.Session, watched []string) *verifier {
	sums := sample.NewSums(time.UTC, watched)
	return &verifier{Session: s, sums: sums, result: checkedResult{Expected: sums}}
}

// send sends messages, which add themselves to the sums, and checks the figures after waiting.
func (v *verifier) send(
	ctx context.Context, p session.Plan, parallel session.Positive, total int64,
	messages func(*console.Progress) iter.Seq2[queue.Message, error],
) error {
	p.Before = func(ctx context.Context) error {
		if err := v.Waiter(v.WaitLimit).DrainFirst(ctx); err != nil {
			return err
		}
		return v.begin(ctx)
	}
	p.Act = func(ctx context.Context) (err error) {
		progress := v.Progress("sending", "orders", total)
		v.result.Delivery, err = v.Deliver(ctx, parallel, progress, messages(progress), nil)
		return err
	}
	p.Settled, p.Check = v.reached, v.check
	p.Result, p.Outcome = &v.result, &v.result.Outcome
	return v.Perform(ctx, p)
}

// begin takes the picture to compare with. It also finds the time zone of the months, which must be
// known before anything is added up.
func (v *verifier) begin(ctx context.Context) (err error) {
	if v.sums.Zone, err = v.Zone(ctx); err != nil {
		return err
	}
	v.before, err = v.read(ctx)
	return err
}

func (v *verifier) read(ctx context.Context) (picture, error) {
	o, err := v.API.Figures(ctx)
	if err != nil {
		return picture{}, err
	}
	counts := o.Figures.Messages
	p := picture{Sums: sample.NewSums(v.sums.Zone, nil), recorded: counts.Recorded}
	p.Period = answer.Period(o.Figures.Totals)
	p.Duplicates, p.Mismatches, p.Refused = counts.Duplicate, counts.Mismatch, counts.Refused
	for _, m := range o.Figures.Months {
		p.Months[m.Date] = m.Period
	}
	for id := range v.sums.Users {
		u, err := v.API.User(ctx, id)
		if err != nil && !errors.Is(err, api.ErrNotFound) {
			return picture{}, err
		}
		p.Users[id] = answer.Period{Orders: u.Orders, Revenue: u.Spend}
	}
	if d, err := v.DLQ.Depth(ctx); err == nil { // it only explains a difference
		p.dlq = d.Total()
	}
	return p, nil
}

// reached says that all is counted. The totals are compared first: they cost no further request.
func (v *verifier) reached(ctx context.Context, n session.Numbers) bool {
	want, was := v.wanted(), v.before
	if n.Orders-was.Orders != want.Orders || n.Revenue-was.Revenue != want.Revenue {
		return false
	}
	after, err := v.read(ctx)
	return err == nil && v.compare(after).AllEqual()
}

// wanted is the growth that is expected of the figures.
func (v *verifier) wanted() *sample.Sums {
	if !v.again {
		return v.sums
	}
	none := sample.NewSums(v.sums.Zone, slices.Collect(maps.Keys(v.sums.Users)))
	for m := range v.sums.Months {
		none.Months[m] = answer.Period{}
	}
	return none
}

func (v *verifier) compare(after picture) (c session.Checks) {
	want, before := v.wanted(), v.before
	growth := func(of string, want, was, is answer.Period) {
		c.Equal("orders"+of, want.Orders, is.Orders-was.Orders)
		c.Equal("revenue"+of, want.Revenue, is.Revenue-was.Revenue)
	}
	growth("", want.Period, before.Period, after.Period)
	for _, m := range slices.Sorted(maps.Keys(want.Months)) {
		growth(" of "+m.String(), want.Months[m], before.Months[m], after.Months[m])
	}
	for _, id := range slices.Sorted(maps.Keys(want.Users)) {
		growth(" of "+id, want.Users[id], before.Users[id], after.Users[id])
	}
	c.Equal("recorded", want.Orders, after.recorded-before.recorded)
	return append(c, v.compareMessages(after)...)
}

// compareMessages compares the counters that do not depend on which orders were counted before.
func (v *verifier) compareMessages(after picture) (c session.Checks) {
	was := v.before
	if v.again {
		// Of a conflict either order may be the one that was counted before.
		c.AtLeast("duplicates", v.sums.Orders+v.sums.Duplicates, after.Duplicates-was.Duplicates)
	} else {
		c.AtLeast("duplicates", v.sums.Duplicates, after.Duplicates-was.Duplicates)
		c.AtLeast("mismatches", v.sums.Mismatches, after.Mismatches-was.Mismatches)
	}
	for _, r := range order.Reasons() {
		if k := v.sums.Refused[r]; k > 0 {
			c.AtLeast("refused "+string(r), k, after.Refused[r]-was.Refused[r])
		}
	}
	return c
}

// check compares at the end, and fills in the result. Where orders of a file had been counted
// before, or contradict each other, only the messages can be compared.
func (v *verifier) check(ctx context.Context) error {
	after, err := v.read(ctx)
	if err != nil {
		return err
	}
	recorded := after.recorded - v.before.recorded
	duplicates := after.Duplicates - v.before.Duplicates
	counted := v.sums.Orders - recorded
	known := counted > 0 && duplicates >= v.sums.Duplicates+counted
	generated := v.result.Seed != nil // all its orders are new, and its conflicts are certain
	if generated || !known && v.sums.Refused[order.IDConflict] == 0 {
		v.result.Checks = v.compare(after)
		return v.verdict(after)
	}

	var c session.Checks
	c.AtLeast("recorded or duplicate", v.sums.Orders+v.sums.Duplicates, recorded+duplicates)
	v.result.Checks, v.result.Counted = append(c, v.compareMessages(after)...), max(0, counted)
	if !v.JSON {
		v.Printf("%s of the orders had been counted before: revenue and months are not compared\n",
			console.Count(v.result.Counted))
	}
	return v.verdict(after)
}

// verdict shows the checks of the result. Its error wraps ErrCheck when they are not all equal.
func (v *verifier) verdict(after picture) error {
	equal := v.result.Checks.AllEqual()
	v.result.Equal = &equal
	if !v.JSON {
		v.result.Checks.Show(v.Console)
	}
	if equal {
		return nil
	}
	if dead := after.dlq - v.before.dlq; dead > 0 && !v.JSON {
		v.Printf("%s messages went to the dead-letter queue during the run: see orderctl dlq list\n",
			console.Count(dead))
	}
	if !v.JSON {
		v.Printf("Was something else sent at the same time, or the same orders before? Then the " +
			"numbers differ without a fault.\n")
	}
	return fmt.Errorf("%w: the API's numbers are not what was sent", session.ErrCheck)
}

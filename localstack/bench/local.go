package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"orderpipeline/localstack/deployment"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/shared/ledger"
)

// local measures the deployed pipeline on LocalStack, from the queue to the figures.
func (b *benchmark) local(ctx context.Context) (err error) {
	b.progress("LocalStack: starting and deploying")
	d, err := deployment.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Stop(context.WithoutCancel(ctx))) }()
	store, err := openStore(d.RedisURL, 1, patience)
	if err != nil {
		return err
	}
	defer store.Close()
	p := &pipeline{store: store, file: b.many, sender: &queue.Sender{
		Queue: queue.Queue{
			Service: deployment.SQS(d.Endpoint), URL: d.Outputs["OrdersQueueUrl"],
		},
		Parallel: 8,
	}}
	one := func(ctx context.Context) (drained, error) { return p.drain(ctx, 1) }
	if _, err := one(ctx); err != nil { // starts the function
		return err
	}
	results, err := byTurns(ctx, b, "LocalStack", usualRounds, one, one,
		func(ctx context.Context) (drained, error) { return p.drain(ctx, b.size.localOrders) })
	if err != nil {
		return err
	}
	visible := each(slices.Concat(results[0], results[1]), drained.total)
	sending := each(results[2], func(d drained) float64 { return d.sending.Seconds() })
	draining := each(results[2], func(d drained) float64 { return d.counting.Seconds() })

	n := float64(b.size.localOrders)
	rate := each(results[2], func(d drained) float64 { return n / d.total() })
	s := b.section("End to end on LocalStack", "what", "measured")
	s.note(
		"The stack as make deploy-local deploys it, in host mode on free ports: LocalStack's " +
			"SQS and event source mapping (1,000 messages or one second), the order function, Redis with " +
			"its append-only file.",
	)
	s.note(
		"One order is visible when the store counts it: asked every 5 ms. Draining begins with the " +
			"last confirmed send, and ends when all orders are counted.",
	)
	s.row("one order, from sending to visible, s", visible.text(hundredths))
	s.row(whole(n)+" orders sent by 8 senders, s", sending.text(hundredths))
	s.row(whole(n)+" orders drained after the last was sent, s", draining.text(hundredths))
	s.row("orders/s from the first send to the last count", rate.text(whole))
	b.target(
		"end to end on LocalStack: "+whole(n)+" orders", "drained ≤ 6 s after the last was sent",
		draining.text(hundredths)+" s", draining.median() <= 6,
		"one order is visible after "+hundredths(visible.median())+" s",
	)
	return nil
}

// A pipeline is the deployed stack, fed with orders of a file, each once.
type pipeline struct {
	store  *ledger.Store
	sender *queue.Sender
	file   *corpus
	used   int
}

// drained says how long it took to send some orders, and from then on until they were counted.
type drained struct{ sending, counting time.Duration }

func (d drained) total() float64 { return (d.sending + d.counting).Seconds() }

// drain sends orders and waits until they are counted, to the cent.
func (p *pipeline) drain(ctx context.Context, n int) (d drained, err error) {
	before, err := p.store.Global(ctx)
	if err != nil {
		return d, err
	}
	want, err := p.file.totals(p.used, p.used+n)
	if err != nil {
		return d, err
	}
	bodies := p.file.bodies(nil, p.used, p.used+n)
	p.used += n

	begun := time.Now()
	if _, err := p.sender.Send(ctx, messages(bodies)); err != nil {
		return d, err
	}
	sent := time.Now()
	after, err := p.counted(ctx, before.Orders+int64(n))
	if err != nil {
		return d, err
	}
	d = drained{sent.Sub(begun), time.Since(sent)}
	if got := after.Revenue - before.Revenue; got != want.Revenue {
		err = fmt.Errorf("%d orders of %v added %v to the revenue", n, want.Revenue, got)
	}
	return d, err
}

// counted waits until the store has counted this number of orders.
func (p *pipeline) counted(ctx context.Context, orders int64) (ledger.Totals, error) {
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		totals, err := p.store.Global(ctx)
		if err != nil || totals.Orders == orders {
			return totals, err
		}
		if totals.Orders > orders || time.Since(begun) > 2*time.Minute {
			return totals, fmt.Errorf("%d orders are counted instead of %d", totals.Orders, orders)
		}
	}
}

func messages(bodies []string) iter.Seq2[queue.Message, error] {
	return func(yield func(queue.Message, error) bool) {
		for _, body := range bodies {
			if !yield(queue.Message{Body: body, Label: body}, nil) {
				return
			}
		}
	}
}

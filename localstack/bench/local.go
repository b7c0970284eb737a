package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderpipeline/localstack/deployment"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
)

// local measures the deployed pipeline on LocalStack, from the queue to the figures.
func (b *benchmark) local(ctx context.Context) (err error) {
	b.progress("LocalStack: starting and deploying")
	d, err := deployment.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Stop(context.WithoutCancel(ctx))) }()
	rdb, err := ledger.Connect(ledger.Connection{URL: d.RedisURL})
	if err != nil {
		return err
	}
	store, err := ledger.New(rdb, ledger.Options{Shards: 1, Retention: retention})
	if err != nil {
		return err
	}
	defer store.Close()
	client := deployment.SQS(d.Endpoint)
	orders := queue.Queue{Service: client, URL: d.Outputs["OrdersQueueUrl"]}
	p := pipeline{
		store: store, file: b.many, client: client,
		sender: &queue.Sender{Queue: orders, Parallel: 8},
	}

	if _, _, err := p.drain(ctx, 1); err != nil { // starts the function
		return err
	}
	var visible, sending, draining sample
	for round := range b.size.rounds {
		b.progress("LocalStack, round %d of %d", round+1, b.size.rounds)
		for range 2 {
			taken, err := p.visible(ctx)
			if err != nil {
				return err
			}
			visible = append(visible, taken.Seconds())
		}
		sent, drained, err := p.drain(ctx, b.size.localOrders)
		if err != nil {
			return err
		}
		sending, draining = append(sending, sent.Seconds()), append(draining, drained.Seconds())
	}
	n := float64(b.size.localOrders)
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
	s.row(
		"orders/s from the first send to the last count", perSecond(n, sending, draining).text(whole),
	)
	b.target(
		"end to end on LocalStack: "+whole(n)+" orders", "drained ≤ 6 s after the last was sent",
		draining.text(hundredths)+" s", draining.median() <= 6,
		"one order is visible after "+hundredths(visible.median())+" s",
	)
	return nil
}

// perSecond divides n by the sum of several times of each round.
func perSecond(n float64, times ...sample) (rates sample) {
	for round := range times[0] {
		seconds := 0.0
		for _, time := range times {
			seconds += time[round]
		}
		rates = append(rates, n/seconds)
	}
	return rates
}

// A pipeline is the deployed stack, fed with orders of a file, each once.
type pipeline struct {
	store  *ledger.Store
	client *sqs.Client
	sender *queue.Sender
	file   *corpus
	used   int
}

// visible sends one order, and returns how long it takes until it is counted.
func (p *pipeline) visible(ctx context.Context) (time.Duration, error) {
	before, err := p.store.Global(ctx)
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	if _, err := p.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &p.sender.URL, MessageBody: aws.String(p.next(1)[0]),
	}); err != nil {
		return 0, err
	}
	err = p.counted(ctx, before.Orders+1)
	return time.Since(begun), err
}

// drain sends orders, and returns how long that takes, and how long it takes from then on until
// they are counted.
func (p *pipeline) drain(ctx context.Context, n int) (sending, draining time.Duration, err error) {
	before, err := p.store.Global(ctx)
	if err != nil {
		return 0, 0, err
	}
	bodies := p.next(n)
	begun := time.Now()
	if _, err := p.sender.Send(ctx, messages(bodies)); err != nil {
		return 0, 0, err
	}
	sent := time.Now()
	if err := p.counted(ctx, before.Orders+int64(n)); err != nil {
		return 0, 0, err
	}
	draining = time.Since(sent)
	var want order.Cents
	for _, body := range bodies {
		o, err := order.Parse(body)
		if err != nil {
			return 0, 0, err
		}
		want += o.Value
	}
	after, err := p.store.Global(ctx)
	if err == nil && after.Revenue-before.Revenue != want {
		err = fmt.Errorf("%d orders of %v added %v to the revenue", n, want, after.Revenue-before.Revenue)
	}
	return sent.Sub(begun), draining, err
}

func (p *pipeline) next(n int) []string {
	bodies := p.file.bodies(nil, p.used, p.used+n)
	p.used += n
	return bodies
}

// counted waits until the store has counted this number of orders.
func (p *pipeline) counted(ctx context.Context, orders int64) error {
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		totals, err := p.store.Global(ctx)
		if err != nil || totals.Orders == orders {
			return err
		}
		if totals.Orders > orders || time.Since(begun) > 2*time.Minute {
			return fmt.Errorf("%d orders are counted instead of %d", totals.Orders, orders)
		}
	}
}

func messages(bodies []string) iter.Seq2[queue.Message, error] {
	return func(yield func(queue.Message, error) bool) {
		for _, body := range bodies {
			label := strings.TrimPrefix(body[:40], `{"order_id": `)
			if !yield(queue.Message{Body: body, Label: label}, nil) {
				return
			}
		}
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"time"

	"orderpipeline/shared/intake"
	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
)

// A consumer takes one batch of message bodies. It is used by one goroutine.
type consumer func(ctx context.Context, bodies []string) error

// parseAndRecord is the order path itself: decode, validate, record.
func parseAndRecord(store *ledger.Store) consumer {
	var orders []order.Order
	var outcomes []ledger.Outcome
	return func(ctx context.Context, bodies []string) error {
		orders = orders[:0]
		for _, body := range bodies {
			o, err := order.Parse(body)
			if err != nil {
				return err
			}
			orders = append(orders, o)
		}
		if cap(outcomes) < len(orders) {
			outcomes = make([]ledger.Outcome, len(orders))
		}
		return store.Record(ctx, orders, outcomes[:len(orders)])
	}
}

// wholeHandler is the order function's handler as it runs in Lambda, without Lambda around it. With
// a nil archive it archives nothing. It gives the handler messages as SQS delivers them.
func wholeHandler(objects intake.Archive) func(*ledger.Store) consumer {
	return func(store *ledger.Store) consumer {
		handler := intake.New(intake.Config{
			Ledger:     store,
			Archive:    objects,
			Log:        slog.New(slog.NewJSONHandler(io.Discard, nil)),
			Now:        time.Now,
			FirstDelay: time.Second,
			Jitter:     rand.Float64,
		})
		var messages []intake.Message
		return func(ctx context.Context, bodies []string) error {
			messages = messages[:0]
			for _, body := range bodies {
				messages = append(messages, intake.Message{
					ID: messageID(), ReceiptHandle: receipt, Body: body, Receives: 1, SentAt: time.Now(),
				})
			}
			response, err := handler.Handle(ctx, messages)
			if err == nil && len(response.BatchItemFailures) > 0 {
				err = fmt.Errorf("%d messages failed", len(response.BatchItemFailures))
			}
			return err
		}
	}
}

// messageID makes an id as long and as random as those of SQS.
func messageID() string {
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", rand.Uint32(), rand.Uint64N(1<<48))
}

// A job is one measurement of the order path: the first orders of a file into an empty store.
type job struct {
	path      string // the name of the consumer
	consumer  func(*ledger.Store) consumer
	corpus    *corpus
	orders    int
	batch     int
	consumers int
	shards    int      // zero: one
	redis     []string // further settings of the redis-server
}

// run measures the job on an empty redis-server, and checks that the sums are right to the cent.
func (j job) run(ctx context.Context) (cost, error) {
	server, err := startRedis(j.redis...)
	if err != nil {
		return cost{}, err
	}
	defer server.stop()
	store, err := openStore(server.URL(), max(j.shards, 1), patience)
	if err != nil {
		return cost{}, err
	}
	defer store.Close()
	want, err := j.corpus.totals(0, j.orders)
	if err != nil {
		return cost{}, err
	}
	runtime.GC()
	c, err := server.measure(ctx, j.orders, func() error { return j.consume(ctx, store) })
	if err != nil {
		return cost{}, fmt.Errorf("%s, batches of %d: %w", j.path, j.batch, err)
	}
	got, err := store.Global(ctx)
	if err == nil && got != want {
		err = fmt.Errorf("the store holds %+v instead of %+v", got, want)
	}
	return c, err
}

// consume lets the consumers take batch after batch until the orders are used up.
func (j job) consume(ctx context.Context, store *ledger.Store) error {
	consumers := make([]consumer, j.consumers)
	bodies := make([][]string, j.consumers)
	for i := range consumers {
		consumers[i] = j.consumer(store)
	}
	batches := (j.orders + j.batch - 1) / j.batch
	return share(j.consumers, batches, func(worker, batch int) error {
		start := batch * j.batch
		bodies[worker] = j.corpus.bodies(bodies[worker][:0], start, min(start+j.batch, j.orders))
		return consumers[worker](ctx, bodies[worker])
	})
}

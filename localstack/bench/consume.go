package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
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

// wholeHandler is the order function's handler as it runs in Lambda, without Lambda around it.
func wholeHandler(store *ledger.Store) consumer {
	return handlerWith(intake.Config{
		Ledger:     store,
		Log:        slog.New(slog.NewJSONHandler(io.Discard, nil)),
		Now:        time.Now,
		FirstDelay: time.Second,
		Jitter:     rand.Float64,
	})
}

// handlerWith gives the handler messages as SQS delivers them.
func handlerWith(c intake.Config) consumer {
	handler := intake.New(c)
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

// messageID makes an id as long and as random as those of SQS.
func messageID() string {
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", rand.Uint32(), rand.Uint64N(1<<48))
}

// A job is one measurement of the order path: the first orders of a file into an empty store.
type job struct {
	corpus    *corpus
	orders    int
	batch     int
	consumers int
	shards    int
	consumer  func(*ledger.Store) consumer
	redis     []string // further settings of the redis-server
}

// A cost is what a job took.
type cost struct {
	elapsed time.Duration
	orders  float64
	ours    time.Duration // processor time of this process
	redis   time.Duration // processor time of Redis
	memory  float64       // bytes that Redis holds more than before
}

func (c cost) rate() float64     { return c.orders / c.elapsed.Seconds() }
func (c cost) goCPU() float64    { return micros(c.ours) / c.orders }
func (c cost) redisCPU() float64 { return micros(c.redis) / c.orders }

// run measures the job on an empty redis-server, and checks that the sums are right to the cent.
func (j job) run(ctx context.Context) (cost, error) {
	server, err := startRedis(j.redis...)
	if err != nil {
		return cost{}, err
	}
	defer server.stop()
	store, err := server.store(max(j.shards, 1))
	if err != nil {
		return cost{}, err
	}
	defer store.Close()
	want, err := j.corpus.totals(j.orders)
	if err != nil {
		return cost{}, err
	}
	before, err := server.memory(ctx)
	if err != nil {
		return cost{}, err
	}
	redisBefore, err := server.cpu(ctx)
	if err != nil {
		return cost{}, err
	}
	runtime.GC()
	goBefore, begun := processorTime(), time.Now()
	if err := j.consume(ctx, store); err != nil {
		return cost{}, err
	}
	c := cost{orders: float64(j.orders), elapsed: time.Since(begun), ours: processorTime() - goBefore}
	redisAfter, err := server.cpu(ctx)
	if err != nil {
		return cost{}, err
	}
	c.redis = redisAfter - redisBefore
	after, err := server.memory(ctx)
	if err != nil {
		return cost{}, err
	}
	c.memory = after - before
	got, err := store.Global(ctx)
	if err == nil && got != want {
		err = fmt.Errorf("the store holds %+v instead of %+v", got, want)
	}
	return c, err
}

// consume lets the consumers take batch after batch until the orders are used up.
func (j job) consume(ctx context.Context, store *ledger.Store) error {
	var next atomic.Int64
	var group sync.WaitGroup
	errs := make(chan error, j.consumers)
	for range j.consumers {
		take := j.consumer(store)
		group.Go(func() {
			bodies := make([]string, 0, j.batch)
			for {
				end := int(next.Add(int64(j.batch)))
				start := end - j.batch
				if start >= j.orders {
					return
				}
				bodies = j.corpus.bodies(bodies[:0], start, min(end, j.orders))
				if err := take(ctx, bodies); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(errs)
	return <-errs
}

// processorTime is what this process has used on all cores.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

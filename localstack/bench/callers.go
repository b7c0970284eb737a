package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
)

// callerBatch is the batch size of the template's event source mapping.
const callerBatch = eventMessages

// An overload is what a number of concurrent callers of Record achieved.
type overload struct {
	rate   float64 // orders a second that were recorded
	failed int     // batches
	all    int     // batches
}

// callers measures Record with more and more concurrent callers, as many function instances call
// it.
func (b *benchmark) callers(ctx context.Context) error {
	orders := make([]order.Order, b.size.callerOrders)
	for i := range orders {
		orders[i] = numbered(i, i%10_000)
	}
	counts := []int{1, 10, 20, 100, 400}
	rates := make([]sample, len(counts))
	failed, all := make([]int, len(counts)), make([]int, len(counts))
	for round := range b.size.callerRounds {
		for i, n := range counts {
			b.progress("%d callers of Record, round %d of %d", n, round+1, b.size.callerRounds)
			o, err := recordConcurrently(ctx, orders, n)
			if err != nil {
				return err
			}
			rates[i] = append(rates[i], o.rate)
			failed[i] += o.failed
			all[i] += o.all
		}
	}

	best := rates[0]
	for _, rate := range rates[1:] {
		if rate.median() > best.median() {
			best = rate
		}
	}
	s := b.section("Callers of Record at once",
		"callers", "orders/s", "of the best", "batches", "failed batches")
	s.note("%s orders of 10,000 customers in batches of %s. Each caller has its own client with the "+
		"functions' time limit of %v, and takes the next batch when it has an answer; a batch that "+
		"fails is not retried.", whole(float64(len(orders))), whole(callerBatch), callerTimeout)
	s.note("MaxConcurrency in template.yaml bounds the callers: by default 20.")
	for i, n := range counts {
		share := ratio(rates[i], best)
		s.row(strconv.Itoa(n), rates[i].text(whole), share.text(percent),
			strconv.Itoa(all[i]), strconv.Itoa(failed[i]))
		if n == 20 {
			b.target("20 callers of Record at once", "≥ 80 % of the best, none fails",
				fmt.Sprintf("%s, %d of %d batches failed", share.text(percent), failed[i], all[i]),
				share.median() >= 0.8 && failed[i] == 0, whole(rates[i].median())+" orders/s")
		}
	}
	return nil
}

// callerTimeout is the time limit of one call to Redis in the functions.
const callerTimeout = 2 * time.Second

// recordConcurrently lets n callers share the orders on an empty server.
func recordConcurrently(ctx context.Context, orders []order.Order, n int) (overload, error) {
	server, err := startRedis()
	if err != nil {
		return overload{}, err
	}
	defer server.stop()
	stores := make([]*ledger.Store, n)
	for i := range stores {
		rdb, err := ledger.Connect(ledger.Connection{URL: server.URL(), Timeout: callerTimeout})
		if err != nil {
			return overload{}, err
		}
		stores[i], err = ledger.New(rdb, ledger.Options{Shards: 1, Retention: retention})
		if err != nil {
			return overload{}, err
		}
		defer stores[i].Close()
		if err := stores[i].Ping(ctx); err != nil { // connects
			return overload{}, err
		}
	}

	var next, recorded, failed atomic.Int64
	var group sync.WaitGroup
	errs := make(chan error, n)
	begun := time.Now()
	for _, store := range stores {
		group.Go(func() {
			outcomes := make([]ledger.Outcome, callerBatch)
			for {
				end := int(next.Add(callerBatch))
				if end > len(orders) {
					return
				}
				err := store.Record(ctx, orders[end-callerBatch:end], outcomes)
				switch {
				case err == nil:
					recorded.Add(callerBatch)
				case errors.Is(err, ledger.ErrUnavailable):
					failed.Add(1)
				default:
					errs <- err
					return
				}
			}
		})
	}
	group.Wait()
	taken := time.Since(begun)
	close(errs)
	return overload{
		rate:   float64(recorded.Load()) / taken.Seconds(),
		failed: int(failed.Load()),
		all:    len(orders) / callerBatch,
	}, <-errs
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
)

// callerBatch is the batch size of the template's event source mapping.
const callerBatch = eventMessages

// An overload is what a number of concurrent callers of Record achieved.
type overload struct {
	rate   float64 // orders a second that were recorded
	failed int     // batches
}

// callers measures Record with more and more concurrent callers, as many function instances call
// it.
func (b *benchmark) callers(ctx context.Context) error {
	orders := make([]order.Order, b.size.callerOrders)
	for i := range orders {
		orders[i] = numbered(i, i%10_000)
	}
	counts := []int{1, 10, 20, 100, 400}
	var cases []turn[overload]
	for _, n := range counts {
		cases = append(cases, func(ctx context.Context) (overload, error) {
			return recordConcurrently(ctx, orders, n)
		})
	}
	results, err := byTurns(ctx, b, "callers of Record", b.size.callerRounds, cases...)
	if err != nil {
		return err
	}
	rates := make([]sample, len(counts))
	for i, rounds := range results {
		rates[i] = each(rounds, func(o overload) float64 { return o.rate })
	}
	best := slices.MaxFunc(rates, func(a, b sample) int { return cmp.Compare(a.median(), b.median()) })

	s := b.section("Callers of Record at once",
		"callers", "orders/s", "of the best", "batches", "failed batches")
	s.note("%s orders of 10,000 customers in batches of %s. Each caller has its own client with the "+
		"functions' time limit of %v, and takes the next batch when it has an answer; a batch that "+
		"fails is not retried.", console.Count(len(orders)), console.Count(callerBatch), callerTimeout)
	s.note("MaxConcurrency in template.yaml bounds the callers: by default 20.")
	all := b.size.callerRounds * len(orders) / callerBatch
	for i, n := range counts {
		failed := 0
		for _, o := range results[i] {
			failed += o.failed
		}
		share := ratio(rates[i], best)
		s.row(strconv.Itoa(n), rates[i].text(whole), share.text(percent),
			strconv.Itoa(all), strconv.Itoa(failed))
		if n == 20 {
			b.target("20 callers of Record at once", "≥ 80 % of the best, none fails",
				fmt.Sprintf("%s, %d of %d batches failed", share.text(percent), failed, all),
				share.median() >= 0.8 && failed == 0, whole(rates[i].median())+" orders/s")
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
		if stores[i], err = openStore(server.URL(), 1, callerTimeout); err != nil {
			return overload{}, err
		}
		defer stores[i].Close()
		if err := stores[i].Ping(ctx); err != nil { // connects
			return overload{}, err
		}
	}

	var failed atomic.Int64
	batches := len(orders) / callerBatch
	begun := time.Now()
	err = share(n, batches, func(caller, batch int) error {
		var outcomes [callerBatch]ledger.Outcome
		start := batch * callerBatch
		err := stores[caller].Record(ctx, orders[start:start+callerBatch], outcomes[:])
		if errors.Is(err, ledger.ErrUnavailable) {
			failed.Add(1)
			return nil
		}
		return err
	})
	recorded := (batches - int(failed.Load())) * callerBatch
	return overload{
		rate:   float64(recorded) / time.Since(begun).Seconds(),
		failed: int(failed.Load()),
	}, err
}

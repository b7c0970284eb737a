package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// A turn measures one case once.
type turn[R any] func(context.Context) (R, error)

// byTurns measures each case once a round, one after another: what slows the machine for a while
// slows all cases of a round. It returns the results of each case, round by round.
func byTurns[R any](
	ctx context.Context, b *benchmark, what string, rounds int, cases ...turn[R],
) ([][]R, error) {
	results := make([][]R, len(cases))
	for round := range rounds {
		b.progress("%s, round %d of %d", what, round+1, rounds)
		for i, measure := range cases {
			result, err := measure(ctx)
			if err != nil {
				return nil, err
			}
			results[i] = append(results[i], result)
		}
	}
	return results, nil
}

// each takes one figure out of all rounds.
func each[R any](rounds []R, figure func(R) float64) sample {
	figures := make(sample, len(rounds))
	for i, round := range rounds {
		figures[i] = figure(round)
	}
	return figures
}

// A cost is what it took to record a number of orders.
type cost struct {
	orders  float64
	elapsed time.Duration
	ours    time.Duration // processor time of the Go side
	redis   time.Duration // processor time of Redis
	memory  float64       // bytes that Redis holds more than before
}

func (c cost) rate() float64     { return c.orders / c.elapsed.Seconds() }
func (c cost) took() float64     { return micros(c.elapsed) / c.orders }
func (c cost) goCPU() float64    { return micros(c.ours) / c.orders }
func (c cost) redisCPU() float64 { return micros(c.redis) / c.orders }
func (c cost) bytes() float64    { return c.memory / c.orders }

// share lets workers take the items 0, 1, 2 … until all are taken. A worker that fails takes no
// further one.
func share(workers, items int, work func(worker, item int) error) error {
	var taken atomic.Int64
	var group sync.WaitGroup
	errs := make([]error, workers)
	for worker := range workers {
		group.Go(func() {
			for errs[worker] == nil {
				item := int(taken.Add(1)) - 1
				if item >= items {
					return
				}
				errs[worker] = work(worker, item)
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

package main

import (
	"context"
	"strconv"
)

// shards measures what spreading customers over shards costs, on one server.
func (b *benchmark) shards(ctx context.Context) error {
	counts := []int{1, 2, 4}
	rates := make([]sample, len(counts))
	ours := make([]sample, len(counts))
	redis := make([]sample, len(counts))
	bytes := make([]sample, len(counts))
	for round := range b.size.rounds {
		b.progress("shards, round %d of %d", round+1, b.size.rounds)
		for i, n := range counts {
			c, err := job{
				corpus:    b.few,
				orders:    b.size.shardOrders,
				batch:     1000,
				consumers: 2,
				shards:    n,
				consumer:  parseAndRecord,
			}.run(ctx)
			if err != nil {
				return err
			}
			rates[i] = append(rates[i], c.rate())
			ours[i] = append(ours[i], c.goCPU())
			redis[i] = append(redis[i], c.redisCPU())
			bytes[i] = append(bytes[i], c.memory/c.orders)
		}
	}
	s := b.section(
		"Shards", "shards", "orders/s on one server", "Redis µs of CPU per order",
		"Go µs of CPU per order", "Redis bytes per order",
		"calculated: orders/s with a server for each shard",
	)
	s.note(
		"%s orders of 10,000 customers, batches of 1,000, 2 consumers, all shards on one redis-server.",
		whole(float64(b.size.shardOrders)),
	)
	s.note(
		"With more than one shard an order is claimed in the shard of its id before it is recorded " +
			"in its customer's: a second marker, and a second round trip.",
	)
	s.note(
		"Two cores can't show what several servers do. The last column is calculated, not measured: " +
			"shards / (Redis µs of CPU per order), which holds where customers and ids spread evenly, " +
			"each server has a core to itself, and enough consumers feed them.",
	)
	for i, n := range counts {
		s.row(
			strconv.Itoa(n), rates[i].text(whole), redis[i].text(hundredths), ours[i].text(hundredths),
			bytes[i].text(whole), whole(float64(n)*1e6/redis[i].median()),
		)
	}
	return nil
}

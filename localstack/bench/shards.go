package main

import (
	"context"
	"strconv"
)

// shards measures what spreading customers over shards costs, on one server.
func (b *benchmark) shards(ctx context.Context) error {
	counts := []int{1, 2, 4}
	var cases []turn[cost]
	for _, n := range counts {
		cases = append(cases, job{
			path:      "parse and record",
			consumer:  parseAndRecord,
			corpus:    b.few,
			orders:    b.size.shardOrders,
			batch:     1000,
			consumers: 2,
			shards:    n,
		}.run)
	}
	results, err := byTurns(ctx, b, "shards", b.size.rounds, cases...)
	if err != nil {
		return err
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
		redis := each(results[i], cost.redisCPU)
		s.row(
			strconv.Itoa(n), each(results[i], cost.rate).text(whole), redis.text(hundredths),
			each(results[i], cost.goCPU).text(hundredths), each(results[i], cost.bytes).text(whole),
			whole(float64(n)*1e6/redis.median()),
		)
	}
	return nil
}

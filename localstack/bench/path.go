package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/shared/order"
)

// A pathRound is what one round of the order path measured.
type pathRound struct {
	wall  wallRates
	sides [2]struct{ ours, python cost } // with few and with many customers
}

// orderPath measures decode → validate → record over files of orders, against the Python worker
// and against the wall.
func (b *benchmark) orderPath(ctx context.Context) error {
	if err := b.decode(b.few); err != nil {
		return err
	}
	files := []*corpus{b.few, b.many}
	results, err := byTurns(ctx, b, "order path", usualRounds,
		func(ctx context.Context) (r pathRound, err error) {
			if r.wall, err = wall(ctx, b.size.wallCommands); err != nil {
				return r, err
			}
			for i, file := range files {
				if r.sides[i].python, err = b.pythonWorker(ctx, file); err != nil {
					return r, err
				}
				all := job{
					path: "parse and record", consumer: parseAndRecord, corpus: file,
					orders: len(file.ends), batch: 1000, consumers: 2,
				}
				if r.sides[i].ours, err = all.run(ctx); err != nil {
					return r, err
				}
			}
			return r, nil
		})
	if err != nil {
		return err
	}

	rounds := results[0]
	command := func(rate func(wallRates) float64) sample {
		return each(rounds, func(r pathRound) float64 { return rate(r.wall) })
	}
	walls := command(wallRates.orders)
	s := b.section(
		"Order path against the Python worker and the wall", "file", "orders/s", "Python orders/s", "×",
		"of the wall",
	)
	s.note(
		"Decode → validate → record, %s orders, batches of 1,000, 2 consumers; the Python worker "+
			"takes the first %s orders of the same file, because it needs that long for them.",
		console.Count(len(b.few.ends)), console.Count(b.size.pythonOrders),
	)
	s.note("Each measurement has an empty redis-server, both sides without append-only file.")
	s.note(
		"The wall is what one Redis can do at most: 1 / (1/SET + 1/HINCRBY + 1/ZINCRBY) by "+
			"redis-benchmark in pipelines of 100: %s/s, from SET NX EX %s/s, HINCRBY %s/s and ZINCRBY "+
			"%s/s over 10,000 members.",
		walls.text(whole),
		command(func(w wallRates) float64 { return w.set }).text(whole),
		command(func(w wallRates) float64 { return w.hincrby }).text(whole),
		command(func(w wallRates) float64 { return w.zincrby }).text(whole),
	)
	for i, file := range files {
		ours := each(rounds, func(r pathRound) float64 { return r.sides[i].ours.rate() })
		python := each(rounds, func(r pathRound) float64 { return r.sides[i].python.rate() })
		x, ofWall := ratio(ours, python), ratio(ours, walls)
		s.row(console.Count(file.users)+" customers", ours.text(whole), python.text(whole),
			x.text(times), ofWall.text(percent))
		if file == b.few {
			b.target(
				"recording, decoding included, batches of 1,000", "≥ 100 × the Python worker",
				x.text(times), x.median() >= 100, "2 consumers, 10,000 customers",
			)
			b.target(
				"the same", "≥ 65 % of the wall", ofWall.text(percent), ofWall.median() >= 0.65,
				"the wall: "+whole(walls.median())+" orders/s",
			)
		}
	}
	return b.orderGrid(ctx)
}

// gridJobs are the lines of the table that orderGrid writes.
func (b *benchmark) gridJobs() (jobs []job) {
	add := func(j job, batches, consumers []int) {
		for _, batch := range batches {
			for _, n := range consumers {
				j.batch, j.consumers = batch, n
				j.orders = min(b.size.gridOrders, 2_000*batch)
				jobs = append(jobs, j)
			}
		}
	}
	batches := []int{10, 100, 1000, 10_000}
	record := job{path: "parse and record", consumer: parseAndRecord, corpus: b.few}
	add(record, batches, []int{1, 2, 4})
	many := record
	many.corpus = b.many
	add(many, []int{1000}, []int{1, 2, 4})
	for _, shards := range []int{2, 4} {
		record.path, record.shards = fmt.Sprintf("parse and record, %d shards", shards), shards
		add(record, []int{1000}, []int{2})
	}

	handle := job{path: "whole handler", consumer: wholeHandler(nil), corpus: b.few}
	add(handle, batches, []int{1, 2})
	for _, fsync := range []string{"everysec", "always"} {
		handle.path = "whole handler, appendfsync " + fsync
		handle.redis = []string{"--appendonly", "yes", "--appendfsync", fsync}
		add(handle, []int{1000}, []int{2})
	}
	return jobs
}

// orderGrid measures batch sizes and consumers, and the whole handler.
func (b *benchmark) orderGrid(ctx context.Context) error {
	jobs := b.gridJobs()
	var cases []turn[cost]
	for _, j := range jobs {
		cases = append(cases, j.run)
	}
	results, err := byTurns(ctx, b, "batches and consumers", usualRounds, cases...)
	if err != nil {
		return err
	}
	s := b.section(
		"Batches and consumers", "path", "customers", "batch", "consumers", "orders/s",
		"Go µs of CPU per order", "Redis µs of CPU per order", "Redis bytes per order",
	)
	s.note(
		"Up to %s orders of the same files. The whole handler is the order function's: it also adds "+
			"to the shared counters and logs one line a batch.",
		console.Count(b.size.gridOrders),
	)
	s.note(
		"With more than one shard, all of them on one redis-server, an order is claimed in the shard " +
			"of its id before it is recorded in its customer's: a second marker, and a second round " +
			"trip. Two cores can't show what several servers do, but it can be calculated: shards / " +
			"(Redis µs of CPU per order), which holds where customers and ids spread evenly, each " +
			"server has a core to itself, and enough consumers feed them.",
	)
	s.note("Redis writes an append-only file only in the last two lines.")
	for i, j := range jobs {
		s.row(
			j.path, console.Count(j.corpus.users), console.Count(j.batch),
			console.Count(j.consumers), each(results[i], cost.rate).text(whole),
			each(results[i], cost.goCPU).text(hundredths),
			each(results[i], cost.redisCPU).text(hundredths),
			each(results[i], cost.bytes).text(whole),
		)
	}
	return nil
}

// decode measures decoding and validating alone, on the orders of four items of the file.
func (b *benchmark) decode(file *corpus) error {
	var bodies []string
	var line []string
	bytes := 0
	for i := 0; len(bodies) < 1000; i++ {
		line = file.bodies(line[:0], i, i+1)
		if strings.Count(line[0], `"product_id"`) == 4 {
			bodies = append(bodies, line[0])
			bytes += len(line[0])
		}
	}
	var took, allocations sample
	for range usualRounds {
		result := testing.Benchmark(func(t *testing.B) {
			t.ReportAllocs()
			for i := range t.N {
				if _, err := order.Parse(bodies[i%len(bodies)]); err != nil {
					t.Fatal(err)
				}
			}
		})
		took = append(took, float64(result.NsPerOp())/1000)
		allocations = append(allocations, float64(result.AllocsPerOp()))
	}
	s := b.section("Decode and validate", "order", "µs", "allocations", "MB/s")
	s.note("The 1,000 first orders of four items in the file, one after another on one core.")
	mean := float64(bytes) / float64(len(bodies))
	s.row(
		fmt.Sprintf("four items, %.0f bytes", mean), took.text(hundredths), allocations.text(whole),
		whole(mean/took.median()),
	)
	b.target(
		"decode + validate an order of four items", "≤ 2 µs, ≤ 10 allocations",
		took.text(hundredths)+" µs, "+allocations.text(whole)+" allocations",
		took.median() <= 2 && allocations.median() <= 10, "",
	)
	return nil
}

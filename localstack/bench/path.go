package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"orderpipeline/shared/order"
)

// orderPath measures decode → validate → record over files of orders, against the Python worker
// and against the wall.
func (b *benchmark) orderPath(ctx context.Context) error {
	few, many := b.few, b.many
	if err := b.decode(few); err != nil {
		return err
	}

	type side struct{ ours, python, ofWall sample }
	sides := map[*corpus]*side{few: {}, many: {}}
	var walls sample
	commands := make([]sample, 3)
	for round := range b.size.rounds {
		b.progress("order path, round %d of %d", round+1, b.size.rounds)
		limit, each, err := wall(ctx, b.size.wallCommands)
		if err != nil {
			return err
		}
		walls = append(walls, limit)
		for i, rate := range each {
			commands[i] = append(commands[i], rate)
		}
		for _, file := range []*corpus{few, many} {
			s := sides[file]
			slice, err := file.slice(b.dir, b.size.pythonOrders)
			if err != nil {
				return err
			}
			python, err := b.pythonWorker(ctx, slice)
			if err != nil {
				return err
			}
			all := job{
				corpus: file, orders: len(file.ends), batch: 1000, consumers: 2, consumer: parseAndRecord,
			}
			ours, err := all.run(ctx)
			if err != nil {
				return err
			}
			s.python = append(s.python, python)
			s.ours = append(s.ours, ours.rate())
			s.ofWall = append(s.ofWall, ours.rate()/limit)
		}
	}

	s := b.section(
		"Order path against the Python worker and the wall", "file", "orders/s", "Python orders/s", "×",
		"of the wall",
	)
	s.note(
		"Decode → validate → record, %s orders, batches of 1,000, 2 consumers; the Python worker "+
			"takes the first %s orders of the same file, because it needs that long for them.",
		whole(float64(len(few.ends))), whole(float64(b.size.pythonOrders)),
	)
	s.note("Each measurement has an empty redis-server, both sides without append-only file.")
	s.note(
		"The wall is what one Redis can do at most: 1 / (1/SET + 1/HINCRBY + 1/ZINCRBY) by "+
			"redis-benchmark in pipelines of 100: %s/s, from SET NX EX %s/s, HINCRBY %s/s and ZINCRBY "+
			"%s/s over 10,000 members.",
		walls.text(whole), commands[0].text(whole), commands[1].text(whole), commands[2].text(whole),
	)
	for _, file := range []*corpus{few, many} {
		side := sides[file]
		s.row(whole(float64(file.users))+" customers", side.ours.text(whole), side.python.text(whole),
			ratio(side.ours, side.python).text(times), side.ofWall.text(percent))
	}
	x, share := ratio(sides[few].ours, sides[few].python), sides[few].ofWall
	b.target(
		"recording, decoding included, batches of 1,000", "≥ 100 × the Python worker", x.text(times),
		x.median() >= 100, "2 consumers, 10,000 customers",
	)
	b.target(
		"the same", "≥ 65 % of the wall", share.text(percent), share.median() >= 0.65,
		"the wall: "+whole(walls.median())+" orders/s",
	)
	return b.orderGrid(ctx)
}

// A gridLine is one line of the table that orderGrid writes.
type gridLine struct {
	what string
	job  job
}

func (b *benchmark) gridLines() (lines []gridLine) {
	add := func(what string, j job) {
		j.orders = min(b.size.gridOrders, 2_000*j.batch)
		lines = append(lines, gridLine{what, j})
	}
	for _, batch := range []int{10, 100, 1000, 10000} {
		for _, consumers := range []int{1, 2, 4} {
			add(
				"parse and record",
				job{corpus: b.few, batch: batch, consumers: consumers, consumer: parseAndRecord},
			)
		}
	}
	for _, consumers := range []int{1, 2, 4} {
		add(
			"parse and record",
			job{corpus: b.many, batch: 1000, consumers: consumers, consumer: parseAndRecord},
		)
	}
	for _, batch := range []int{10, 100, 1000, 10000} {
		for _, consumers := range []int{1, 2} {
			add(
				"whole handler", job{corpus: b.few, batch: batch, consumers: consumers, consumer: wholeHandler},
			)
		}
	}
	for _, fsync := range []string{"everysec", "always"} {
		add(
			"whole handler, appendfsync "+fsync,
			job{
				corpus:    b.few,
				batch:     1000,
				consumers: 2,
				consumer:  wholeHandler,
				redis:     []string{"--appendonly", "yes", "--appendfsync", fsync},
			},
		)
	}
	return lines
}

// orderGrid measures batch sizes and consumers, and the whole handler.
func (b *benchmark) orderGrid(ctx context.Context) error {
	lines := b.gridLines()
	rates := make([]sample, len(lines))
	ours := make([]sample, len(lines))
	redis := make([]sample, len(lines))
	for round := range b.size.rounds {
		b.progress("batches and consumers, round %d of %d", round+1, b.size.rounds)
		for i, l := range lines {
			c, err := l.job.run(ctx)
			if err != nil {
				return fmt.Errorf("%s, batches of %d: %w", l.what, l.job.batch, err)
			}
			rates[i] = append(rates[i], c.rate())
			ours[i] = append(ours[i], c.goCPU())
			redis[i] = append(redis[i], c.redisCPU())
		}
	}
	s := b.section(
		"Batches and consumers", "path", "customers", "batch", "consumers", "orders/s",
		"Go µs of CPU per order", "Redis µs of CPU per order",
	)
	s.note(
		"Up to %s orders of the same files. The whole handler is the order function's: it also adds "+
			"to the shared counters and logs one line a batch.",
		whole(float64(b.size.gridOrders)),
	)
	s.note("Redis writes an append-only file only in the last two lines.")
	for i, l := range lines {
		s.row(
			l.what, whole(float64(l.job.corpus.users)), whole(float64(l.job.batch)),
			whole(float64(l.job.consumers)), rates[i].text(whole), ours[i].text(hundredths),
			redis[i].text(hundredths),
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
	for range b.size.rounds {
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

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"orderpipeline/localstack/deployment"
	"orderpipeline/localstack/lab/queue"
	"orderpipeline/localstack/lab/sandbox"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/shared/archive"
	"orderpipeline/shared/archive/s3test"
	"orderpipeline/shared/replay/protocol"
)

// A cloud is an S3 that answers at once, and an SQS that no measurement needs. Both run in the
// benchmark's process, so they use some of its processor time.
type cloud struct {
	*s3test.Service
	queues *queue.Service
}

func startCloud() (*cloud, error) {
	objects := s3test.New("archive")
	queues, err := queue.Start(objects)
	if err != nil {
		return nil, err
	}
	return &cloud{objects, queues}, nil
}

func (c *cloud) stop() {
	c.Close()
	_ = c.queues.Close() // a listener that is left changes no measurement
}

// bucket is the archive as the functions open it.
func (c *cloud) bucket() *archive.Bucket {
	return archive.NewBucket(deployment.AWS(c.queues.Endpoint()), c.Name)
}

// archived measures what the archive costs the handler, how large it is, and how fast it is
// replayed.
func (b *benchmark) archived(ctx context.Context) error {
	c, err := startCloud()
	if err != nil {
		return err
	}
	defer c.stop()
	without := job{
		path: "whole handler", consumer: wholeHandler(nil), corpus: b.few,
		orders: b.size.archiveOrders, batch: 1000, consumers: 2,
	}
	with := without
	with.consumer = wholeHandler(c.bucket())
	results, err := byTurns(ctx, b, "archive", usualRounds,
		func(ctx context.Context) (cost, error) { return b.pythonWorker(ctx, b.few) },
		without.run,
		func(ctx context.Context) (cost, error) {
			for _, object := range c.Objects("") { // of the round before
				c.Delete(object.Key)
			}
			return with.run(ctx)
		})
	if err != nil {
		return err
	}

	size := 0
	objects := c.Objects("")
	for _, object := range objects {
		size += len(object.Data)
	}
	perOrder := float64(size) / float64(with.orders)
	s := b.section(
		"Archive", "handler", "orders/s", "Go µs of CPU per order", "of without", "× Python",
	)
	s.note("The whole handler over %s orders of 10,000 customers, batches of 1,000, 2 consumers, by "+
		"turns. With the archive it compresses its lines and puts one object for each batch into an S3 "+
		"that answers at once; that S3 runs in the same process.", console.Count(with.orders))
	python, plain := each(results[0], cost.rate), each(results[1], cost.rate)
	archiving := each(results[2], cost.rate)
	share, x := ratio(archiving, plain), ratio(archiving, python)
	s.row("without archive", plain.text(whole), each(results[1], cost.goCPU).text(hundredths),
		"100 %", ratio(plain, python).text(times))
	s.row("with archive", archiving.text(whole), each(results[2], cost.goCPU).text(hundredths),
		share.text(percent), x.text(times))
	s.note("%d objects hold %.1f bytes for each order.", len(objects), perOrder)
	b.target("whole handler with archive, batches of 1,000", "≥ 80 % of without, ≥ 60 × Python",
		share.text(percent)+", "+x.text(times), share.median() >= 0.8 && x.median() >= 60, "2 consumers")
	b.target("size of the archive", "≤ 80 bytes an order", tenths(perOrder)+" bytes", perOrder <= 80,
		"the benchmark's file")
	return b.replays(ctx, c, with.orders)
}

// A replayed says how fast objects were replayed, in orders a second.
type replayed struct{ fresh, known float64 }

// replays measures the built replay function over the objects of the bucket: into an empty store,
// and again when every order is known, which is what it does on a good day.
func (b *benchmark) replays(ctx context.Context, c *cloud, orders int) error {
	const most = 2 // instances
	var cases []turn[replayed]
	for n := range most {
		cases = append(cases, func(ctx context.Context) (replayed, error) {
			return b.replayTwice(ctx, c, orders, n+1)
		})
	}
	results, err := byTurns(ctx, b, "replay", usualRounds, cases...)
	if err != nil {
		return err
	}
	s := b.section("Replay", "instances", "orders/s into an empty store", "orders/s that are known")
	s.note(
		"The built replay function under a Lambda Runtime API, invoked for one object of 1,000 orders " +
			"after another; reading from S3 included.",
	)
	var fresh [most]sample
	for i, rounds := range results {
		fresh[i] = each(rounds, func(r replayed) float64 { return r.fresh })
		known := each(rounds, func(r replayed) float64 { return r.known })
		s.row(strconv.Itoa(i+1), fresh[i].text(whole), known.text(whole))
	}
	best := fresh[most-1]
	b.target("replay function", "≥ 80,000 orders/s", best.text(whole), best.median() >= 80_000,
		"2 instances; one takes "+whole(fresh[0].median()))
	return nil
}

func (b *benchmark) replayTwice(
	ctx context.Context, c *cloud, orders, instances int,
) (r replayed, err error) {
	server, err := startRedis()
	if err != nil {
		return r, err
	}
	defer server.stop()
	replayers := make([]*sandbox.Sandbox, instances)
	for i := range replayers {
		replayers[i], _, err = startFunction(ctx, b.functions["replay"], c.settings(server.URL()))
		if err != nil {
			return r, err
		}
		defer replayers[i].Close()
	}
	for _, turn := range []struct {
		rate *float64
		want int // orders that are newly counted
	}{{&r.fresh, orders}, {&r.known, 0}} {
		taken, counted, err := replayObjects(c, replayers)
		if err == nil && counted != turn.want {
			err = fmt.Errorf("the replay counted %d orders instead of %d", counted, turn.want)
		}
		if err != nil {
			return r, err
		}
		*turn.rate = float64(orders) / taken.Seconds()
	}
	return r, nil
}

// replayObjects replays every object, shared between the instances. It returns how many orders were
// newly counted.
func replayObjects(c *cloud, replayers []*sandbox.Sandbox) (time.Duration, int, error) {
	objects := c.Objects("")
	var counted atomic.Int64
	begun := time.Now()
	err := share(len(replayers), len(objects), func(worker, at int) error {
		request, err := json.Marshal(protocol.Request{
			Operation: protocol.Replay, Kind: protocol.KindRebuild, Key: objects[at].Key,
		})
		if err != nil {
			return err
		}
		answer, err := invoke(replayers[worker], request)
		if err != nil {
			return err
		}
		var result protocol.Counted
		err = json.Unmarshal(answer, &result)
		counted.Add(result.Recorded)
		return err
	})
	return time.Since(begun), int(counted.Load()), err
}

// settings are the environment of a function, as the template gives it.
func (c *cloud) settings(redisURL string) []string {
	url := c.queues.Endpoint() + "/0/"
	return []string{
		"REDIS_URL=" + redisURL,
		"AWS_ENDPOINT_URL=" + c.queues.Endpoint(),
		"ARCHIVE_BUCKET=" + c.Name,
		"ORDERS_QUEUE_URL=" + url + "orders",
		"REJECTED_QUEUE_URL=" + url + "orders-rejected",
		"REPLAY_QUEUE_URL=" + url + "orders-replay",
		"REPLAY_DLQ_URL=" + url + "orders-replay-dlq",
	}
}

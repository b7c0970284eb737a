package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"orderpipeline/localstack/lab/queue"
	"orderpipeline/localstack/lab/sandbox"
	"orderpipeline/shared/archive"
	"orderpipeline/shared/archive/s3test"
	"orderpipeline/shared/intake"
	"orderpipeline/shared/ledger"
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
	return archive.NewBucket(aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(c.queues.Endpoint()),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}, c.Name)
}

// archivingHandler is the order function's handler with its archive.
func archivingHandler(objects *archive.Bucket) func(*ledger.Store) consumer {
	return func(store *ledger.Store) consumer {
		return handlerWith(intake.Config{
			Ledger:     store,
			Archive:    objects,
			Log:        slog.New(slog.NewJSONHandler(io.Discard, nil)),
			Now:        time.Now,
			FirstDelay: time.Second,
			Jitter:     rand.Float64,
		})
	}
}

// archived measures what the archive costs the handler, how large it is, and how fast it is
// replayed.
func (b *benchmark) archived(ctx context.Context) error {
	if err := b.buildFunctions(ctx); err != nil {
		return err
	}
	slice, err := b.few.slice(b.dir, b.size.pythonOrders)
	if err != nil {
		return err
	}
	c, err := startCloud()
	if err != nil {
		return err
	}
	defer c.stop()
	without := job{
		corpus: b.few, orders: b.size.archiveOrders, batch: 1000, consumers: 2, consumer: wholeHandler,
	}
	with := without
	with.consumer = archivingHandler(c.bucket())
	var python, plain, archiving, goPlain, goArchiving sample
	for round := range b.size.rounds {
		b.progress("archive, round %d of %d", round+1, b.size.rounds)
		rate, err := b.pythonWorker(ctx, slice)
		if err != nil {
			return err
		}
		python = append(python, rate)
		for _, object := range c.Objects("") { // of the round before
			c.Delete(object.Key)
		}
		cost, err := without.run(ctx)
		if err != nil {
			return err
		}
		plain, goPlain = append(plain, cost.rate()), append(goPlain, cost.goCPU())
		if cost, err = with.run(ctx); err != nil {
			return err
		}
		archiving, goArchiving = append(archiving, cost.rate()), append(goArchiving, cost.goCPU())
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
		"that answers at once; that S3 runs in the same process.", whole(float64(with.orders)))
	share, x := ratio(archiving, plain), ratio(archiving, python)
	s.row("without archive", plain.text(whole), goPlain.text(hundredths), "100 %",
		ratio(plain, python).text(times))
	s.row("with archive", archiving.text(whole), goArchiving.text(hundredths),
		share.text(percent), x.text(times))
	s.note("%d objects hold %.1f bytes for each order.", len(objects), perOrder)
	b.target("whole handler with archive, batches of 1,000", "≥ 80 % of without, ≥ 60 × Python",
		share.text(percent)+", "+x.text(times), share.median() >= 0.8 && x.median() >= 60, "2 consumers")
	b.target("size of the archive", "≤ 80 bytes an order", tenths(perOrder)+" bytes", perOrder <= 80,
		"the benchmark's file")
	return b.replays(ctx, c, with.orders)
}

// replays measures the built replay function over the objects of the bucket: into an empty store,
// and again when every order is known, which is what it does on a good day.
func (b *benchmark) replays(ctx context.Context, c *cloud, orders int) error {
	instances := []int{1, 2}
	fresh, known := make([]sample, len(instances)), make([]sample, len(instances))
	for round := range b.size.rounds {
		b.progress("replay, round %d of %d", round+1, b.size.rounds)
		for i, n := range instances {
			first, second, err := b.replayTwice(ctx, c, orders, n)
			if err != nil {
				return err
			}
			fresh[i], known[i] = append(fresh[i], first), append(known[i], second)
		}
	}
	s := b.section("Replay", "instances", "orders/s into an empty store", "orders/s that are known")
	s.note(
		"The built replay function under a Lambda Runtime API, invoked for one object of 1,000 orders " +
			"after another; reading from S3 included.",
	)
	for i, n := range instances {
		s.row(strconv.Itoa(n), fresh[i].text(whole), known[i].text(whole))
	}
	best := fresh[len(instances)-1]
	b.target("replay function", "≥ 80,000 orders/s", best.text(whole), best.median() >= 80_000,
		"2 instances; one takes "+whole(fresh[0].median()))
	return nil
}

func (b *benchmark) replayTwice(ctx context.Context, c *cloud, orders, n int) (
	fresh, known float64, err error,
) {
	server, err := startRedis()
	if err != nil {
		return 0, 0, err
	}
	defer server.stop()
	replayers := make([]*sandbox.Sandbox, n)
	for i := range replayers {
		replayers[i], _, err = startFunction(ctx, b.functions["replay"], c.settings(server.URL()))
		if err != nil {
			return 0, 0, err
		}
		defer replayers[i].Close()
	}
	first, counted, err := replayObjects(c, replayers)
	if err == nil && counted != orders {
		err = fmt.Errorf("the replay counted %d of %d orders", counted, orders)
	}
	if err != nil {
		return 0, 0, err
	}
	second, counted, err := replayObjects(c, replayers)
	if err == nil && counted != 0 {
		err = fmt.Errorf("the second replay counted %d orders once more", counted)
	}
	return float64(orders) / first.Seconds(), float64(orders) / second.Seconds(), err
}

// replayObjects replays every object, shared between the instances. It returns how many orders were
// newly counted.
func replayObjects(c *cloud, replayers []*sandbox.Sandbox) (time.Duration, int, error) {
	objects := c.Objects("")
	var next, counted atomic.Int64
	var group sync.WaitGroup
	errs := make([]error, len(replayers))
	begun := time.Now()
	for i, f := range replayers {
		group.Go(func() {
			for at := next.Add(1) - 1; at < int64(len(objects)); at = next.Add(1) - 1 {
				request, err := json.Marshal(protocol.Request{
					Operation: protocol.Replay, Kind: protocol.KindRebuild, Key: objects[at].Key,
				})
				if err != nil {
					errs[i] = err
					return
				}
				answer, err := invoke(f, request)
				var result protocol.Counted
				if err == nil {
					err = json.Unmarshal(answer, &result)
				}
				if err != nil {
					errs[i] = err
					return
				}
				counted.Add(result.Recorded)
			}
		})
	}
	group.Wait()
	return time.Since(begun), int(counted.Load()), errors.Join(errs...)
}

// settings are the environment of a function, as the template gives it.
func (c *cloud) settings(redisURL string, more ...string) []string {
	url := c.queues.Endpoint() + "/0/"
	return append([]string{
		"REDIS_URL=" + redisURL,
		"AWS_ENDPOINT_URL=" + c.queues.Endpoint(),
		"ARCHIVE_BUCKET=" + c.Name,
		"ORDERS_QUEUE_URL=" + url + "orders",
		"REJECTED_QUEUE_URL=" + url + "orders-rejected",
		"REPLAY_QUEUE_URL=" + url + "orders-replay",
		"REPLAY_DLQ_URL=" + url + "orders-replay-dlq",
	}, more...)
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderpipeline/localstack/lab/sandbox"
)

// eventMessages is how many messages the template's event source mapping puts into one event.
const eventMessages = 1000

// receipt is as long as SQS makes them.
var receipt = strings.Repeat("AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a", 8)

// lambda measures the built order function with events of 1,000 messages, against the Python worker
// on the same orders.
func (b *benchmark) lambda(ctx context.Context) error {
	if err := b.buildFunctions(ctx); err != nil {
		return err
	}
	slice, err := b.few.slice(b.dir, b.size.pythonOrders)
	if err != nil {
		return err
	}
	batches, err := sqsEvents(b.few, b.size.lambdaOrders)
	if err != nil {
		return err
	}
	instances := []int{1, 2}
	rates, cpus := make([]sample, len(instances)), make([]sample, len(instances))
	var python sample
	for round := range b.size.rounds {
		b.progress("whole Lambda, round %d of %d", round+1, b.size.rounds)
		rate, err := b.pythonWorker(ctx, slice)
		if err != nil {
			return err
		}
		python = append(python, rate)
		for i, n := range instances {
			rate, cpu, err := b.deliver(ctx, batches, n)
			if err != nil {
				return err
			}
			rates[i], cpus[i] = append(rates[i], rate), append(cpus[i], cpu)
		}
	}
	s := b.section(
		"The whole order function", "instances", "orders/s", "function's µs of CPU per order",
		"Python orders/s", "×",
	)
	s.note(
		"The built bootstrap under the benchmark's Lambda Runtime API, %s orders in events "+
			"of %s messages (%.0f KB each), from the first event handed out to the last answer; an "+
			"instance has taken one event before.",
		whole(float64(b.size.lambdaOrders)), whole(eventMessages), float64(len(batches[0]))/1e3,
	)
	s.note("The Python worker has its orders in memory: no event, no Lambda.")
	for i, n := range instances {
		s.row(
			strconv.Itoa(n), rates[i].text(whole), cpus[i].text(hundredths), python.text(whole),
			ratio(rates[i], python).text(times),
		)
	}
	return nil
}

// deliver gives the events to instances on an empty redis-server. It returns orders a second and
// the instances' processor time for an order, in µs.
func (b *benchmark) deliver(
	ctx context.Context, batches [][]byte, instances int,
) (rate, cpu float64, err error) {
	server, err := startRedis()
	if err != nil {
		return 0, 0, err
	}
	defer server.stop()
	c, err := startCloud()
	if err != nil {
		return 0, 0, err
	}
	defer c.stop()
	functions := make([]*sandbox.Sandbox, instances)
	for i := range functions {
		environment := c.settings(server.URL())
		functions[i], _, err = startFunction(ctx, b.functions["orders"], environment)
		if err != nil {
			return 0, 0, err
		}
		defer functions[i].Close()
		if err := accepted(invoke(functions[i], batches[i])); err != nil {
			return 0, 0, err
		}
	}
	batches = batches[instances:]
	before, err := used(functions)
	if err != nil {
		return 0, 0, err
	}
	var next atomic.Int64
	var group sync.WaitGroup
	errs := make(chan error, instances)
	begun := time.Now()
	for _, f := range functions {
		group.Go(func() {
			for at := next.Add(1) - 1; at < int64(len(batches)); at = next.Add(1) - 1 {
				if err := accepted(invoke(f, batches[at])); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(errs)
	if err := <-errs; err != nil {
		return 0, 0, err
	}
	taken := time.Since(begun)
	after, err := used(functions)
	orders := float64(len(batches) * eventMessages)
	return orders / taken.Seconds(), micros(after-before) / orders, err
}

func used(functions []*sandbox.Sandbox) (sum time.Duration, err error) {
	for _, f := range functions {
		cpu, err := f.CPU()
		if err != nil {
			return 0, err
		}
		sum += cpu
	}
	return sum, nil
}

// accepted returns an error unless the function processed all messages of an event.
func accepted(answer []byte, err error) error {
	if err == nil && string(bytes.TrimSpace(answer)) != `{"batchItemFailures":[]}` {
		err = fmt.Errorf("the function answered %.200s", answer)
	}
	return err
}

// sqsEvents makes events of the file's first orders, as the event source mapping of SQS sends them.
func sqsEvents(file *corpus, orders int) ([][]byte, error) {
	var batches [][]byte
	for start := 0; start < orders; start += eventMessages {
		var event events.SQSEvent
		for i, body := range file.bodies(nil, start, start+eventMessages) {
			event.Records = append(event.Records, events.SQSMessage{
				MessageId:     fmt.Sprintf("%08x-0000-4000-8000-000000000000", start+i),
				ReceiptHandle: receipt,
				Body:          body,
				Md5OfBody:     "7b270e59b47ff90a553787216d55d91d",
				Attributes: map[string]string{
					"ApproximateReceiveCount": "1", "SentTimestamp": "1735689600000",
					"SenderId": "AIDAIENQZJOLO23YVJ4VO", "ApproximateFirstReceiveTimestamp": "1735689600042",
				},
				MessageAttributes: map[string]events.SQSMessageAttribute{},
				EventSourceARN:    "arn:aws:sqs:us-east-1:000000000000:orders",
				EventSource:       "aws:sqs",
				AWSRegion:         "us-east-1",
			})
		}
		body, err := json.Marshal(event)
		if err != nil {
			return nil, err
		}
		batches = append(batches, body)
	}
	return batches, nil
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderpipeline/localstack/lab/sandbox"
	"orderpipeline/localstack/orderctl/console"
)

// eventMessages is how many messages the template's event source mapping puts into one event.
const eventMessages = 1000

// receipt is as long as SQS makes them.
var receipt = strings.Repeat("AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a", 8)

// lambda measures the built order function with events of 1,000 messages, against the Python worker
// on the same orders.
func (b *benchmark) lambda(ctx context.Context) error {
	batches, err := sqsEvents(b.few, b.size.gridOrders)
	if err != nil {
		return err
	}
	const most = 2 // instances
	cases := []turn[cost]{
		func(ctx context.Context) (cost, error) { return b.pythonWorker(ctx, b.few) },
	}
	for n := range most {
		cases = append(cases, func(ctx context.Context) (cost, error) {
			return b.deliver(ctx, batches, n+1)
		})
	}
	results, err := byTurns(ctx, b, "whole Lambda", usualRounds, cases...)
	if err != nil {
		return err
	}

	s := b.section(
		"The whole order function", "instances", "orders/s", "function's µs of CPU per order",
		"Python orders/s", "×",
	)
	s.note(
		"The built bootstrap under the benchmark's Lambda Runtime API, %s orders in events "+
			"of %s messages (%.0f KB each), from the first event handed out to the last answer; an "+
			"instance has taken one event before.",
		console.Count(b.size.gridOrders), console.Count(eventMessages), float64(len(batches[0]))/1e3,
	)
	s.note("The Python worker has its orders in memory: no event, no Lambda.")
	python := each(results[0], cost.rate)
	for i, rounds := range results[1:] {
		rate := each(rounds, cost.rate)
		s.row(
			strconv.Itoa(i+1), rate.text(whole), each(rounds, cost.goCPU).text(hundredths),
			python.text(whole), ratio(rate, python).text(times),
		)
	}
	return nil
}

// deliver gives the events to instances on an empty redis-server.
func (b *benchmark) deliver(ctx context.Context, batches [][]byte, instances int) (cost, error) {
	server, err := startRedis()
	if err != nil {
		return cost{}, err
	}
	defer server.stop()
	c, err := startCloud()
	if err != nil {
		return cost{}, err
	}
	defer c.stop()
	functions := make([]*sandbox.Sandbox, instances)
	for i := range functions {
		environment := c.settings(server.URL())
		functions[i], _, err = startFunction(ctx, b.functions["orders"], environment)
		if err != nil {
			return cost{}, err
		}
		defer functions[i].Close()
		if err := accepted(invoke(functions[i], batches[i])); err != nil {
			return cost{}, err
		}
	}
	batches = batches[instances:]

	before, err := used(functions)
	if err != nil {
		return cost{}, err
	}
	begun := time.Now()
	err = share(instances, len(batches), func(worker, batch int) error {
		return accepted(invoke(functions[worker], batches[batch]))
	})
	if err != nil {
		return cost{}, err
	}
	taken := time.Since(begun)
	after, err := used(functions)
	orders := float64(len(batches) * eventMessages)
	return cost{orders: orders, elapsed: taken, ours: after - before}, err
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

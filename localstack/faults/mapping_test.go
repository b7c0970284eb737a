package faults

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"orderpipeline/localstack/lab/queue"
	"orderpipeline/localstack/lab/sandbox"
)

// drain lets the event source mapping run until the queue is empty: whatever waits is waited for.
func (r *rig) drain() {
	r.Helper()
	for range 200 {
		r.poll()
		wait, more := r.orders.Wait()
		if !more {
			return
		}
		// A little late, so that messages whose delays were spread come in batches and not one by one.
		r.Advance(wait + 30*time.Second)
	}
	r.Fatalf("%d messages are still in the queue", len(r.orders.Messages()))
}

// poll lets every consumer take batches until no message is visible.
func (r *rig) poll() {
	var group sync.WaitGroup
	for _, c := range r.consumers {
		random := rand.New(rand.NewPCG(r.seed, r.random.Uint64()))
		group.Go(func() {
			for {
				size := r.batch
				if size == 0 {
					size = 1 + random.IntN([]int{20, 200, 600}[random.IntN(3)])
				}
				batch := r.orders.Receive(size)
				if len(batch) == 0 {
					return
				}
				r.deliver(c, batch)
			}
		})
	}
	group.Wait()
}

// deliver is what the event source mapping does with one batch: invoke, and delete what was dealt
// with.
func (r *rig) deliver(c *consumer, batch []queue.Message) {
	result := c.Invoke(event(batch))
	r.mu.Lock()
	r.deliveries += len(batch)
	if result.Error != "" {
		r.failed++
	}
	r.mu.Unlock()
	if done, ok := r.done(result, batch); ok {
		r.orders.Delete(done)
	}
}

// done tells which messages the function dealt with, by Lambda's rules.
func (r *rig) done(result sandbox.Result, batch []queue.Message) (map[string]bool, bool) {
	if result.Error != "" {
		return nil, false
	}
	var response struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(result.Payload, &response); err != nil {
		r.Errorf("the function's answer: %v: %s", err, result.Payload)
		return nil, false
	}
	handles, done := map[string]string{}, map[string]bool{}
	for _, m := range batch {
		handles[m.ID] = m.Handle
		done[m.Handle] = true
	}
	for _, failure := range response.BatchItemFailures {
		handle, known := handles[failure.ItemIdentifier]
		if !known {
			r.Errorf("the function reports a message that it was not given: %q", failure.ItemIdentifier)
			return nil, false
		}
		delete(done, handle)
	}
	return done, true
}

func event(batch []queue.Message) any {
	type record struct {
		MessageID     string            `json:"messageId"`
		ReceiptHandle string            `json:"receiptHandle"`
		Body          string            `json:"body"`
		Attributes    map[string]string `json:"attributes"`
		EventSource   string            `json:"eventSource"`
	}
	records := make([]record, len(batch))
	for i, m := range batch {
		records[i] = record{
			MessageID:     m.ID,
			ReceiptHandle: m.Handle,
			Body:          m.Body,
			Attributes: map[string]string{
				"ApproximateReceiveCount":          strconv.Itoa(m.Receives),
				"SentTimestamp":                    strconv.FormatInt(m.Sent.UnixMilli(), 10),
				"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.Received.UnixMilli(), 10),
			},
			EventSource: "aws:sqs",
		}
	}
	return map[string]any{"Records": records}
}

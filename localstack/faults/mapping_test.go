package faults

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"orderpipeline/localstack/lab/queue"
	"orderpipeline/localstack/lab/sandbox"
)

// drain delivers messages, moving the clock, until the queue is empty.
func (r *rig) drain() {
	r.Helper()
	for range 400 {
		before := r.settled
		r.poll()
		wait, more := r.orders.Wait()
		if !more {
			return
		}
		// A little late, so that messages whose delays have jitter come in batches and not one by one.
		r.Advance(wait + 30*time.Second)
		if r.settled == before {
			r.restart()
		}
	}
	r.Fatalf("%d messages are still in the queue", len(r.orders.Messages()))
}

// restart gives the pipeline new instances of the functions. After failures their circuit breaker
// is open for some seconds of real time, while the queue's clock moves by minutes: in these
// Lambda's instance would have closed it.
func (r *rig) restart() {
	for _, c := range slices.Concat(r.consumers, r.replayers) {
		c.Kill()
	}
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

// deliver does what the event source mapping does with one batch: it invokes the function and
// deletes the messages that were processed.
func (r *rig) deliver(c *consumer, batch []queue.Message) {
	if done, ok := r.done(r.invoke(c, batch), batch); ok {
		r.orders.Delete(done)
		r.mu.Lock()
		r.settled += len(done)
		r.mu.Unlock()
	}
}

// invoke gives the function a batch and counts it.
func (r *rig) invoke(c *consumer, batch []queue.Message) sandbox.Result {
	result := c.Invoke(r.event(batch))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deliveries += len(batch)
	if result.Error != "" {
		r.failed++
	}
	return result
}

// done returns the handles of the messages that the function processed, by Lambda's rules.
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

// event is what the event source mapping passes to the function. Its timestamps are as old for the
// function's clock as the messages are for the queue's, which the test moves.
func (c cloud) event(batch []queue.Message) any {
	now := c.Now()
	timestamp := func(at time.Time) string {
		return strconv.FormatInt(time.Now().Add(at.Sub(now)).UnixMilli(), 10)
	}
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
				"SentTimestamp":                    timestamp(m.Sent),
				"ApproximateFirstReceiveTimestamp": timestamp(m.Received),
			},
			EventSource: "aws:sqs",
		}
	}
	return map[string]any{"Records": records}
}

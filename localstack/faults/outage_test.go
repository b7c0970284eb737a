package faults

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"orderpipeline/localstack/lab/link"
	"orderpipeline/localstack/lab/queue"
)

// TestOutage takes Redis away for a day, and sends orders that end the function.
func TestOutage(t *testing.T) {
	runAll(t, []fault{
		{
			name:  "Redis away for 24 hours under a steady flow",
			setup: setup{batch: 1000, consumers: 1},
			run:   (*rig).day,
		},
		{
			name:  "an order that kills the function",
			setup: setup{mix: mix{duplicates: 1}},
			run: func(r *rig) {
				r.killer(func(c *consumer) { c.Kill() })
			},
		},
		{name: "an order that the function never finishes",
			setup: setup{mix: mix{duplicates: 1}, messages: 400, timeout: 11 * time.Second},
			run: func(r *rig) {
				r.killer(func(c *consumer) { c.Stall() })
			}},
	})
}

// The 24 hours: most of the orders wait from the start, the others arrive one after another.
const (
	outageLength   = 24 * time.Hour
	outageRecovery = 10 * time.Minute // then everything must be counted
	outageWasted   = 1000             // invocations an hour at most
	window         = time.Second      // the event source mapping waits for more messages
	// The function lets long delays end at a full half minute of its clock, so that waiting messages
	// are received in few batches. The queue's clock moves apart from it, so the queue does the same.
	alignTo = 30 * time.Second
)

// day moves the clock through an outage of 24 hours.
func (r *rig) day() {
	waiting := 10_000
	if len(seeds) < 10 || r.seed != seeds[0] {
		waiting = 2_000 // the full number once, in a long run: it takes minutes
	}
	r.orders.Align = alignTo
	r.send(r.source.next(waiting * 8 / 10)...)
	r.noteFault()
	r.redis.Kill()

	began := r.Now()
	arrival := outageLength / time.Duration(waiting*2/10)
	next := began.Add(arrival)
	invocations, worst := 0, 0
	hour := began.Add(time.Hour)
	for r.Now().Before(began.Add(outageLength)) {
		wait, more := r.orders.Wait()
		if until := next.Sub(r.Now()); !more || until < wait {
			wait = until
		}
		r.Advance(wait + window)
		for !r.Now().Before(next) {
			r.send(r.source.next(1)...)
			next = next.Add(arrival)
		}
		invocations += r.pollOnce()
		if r.Now().After(hour) {
			worst = max(worst, invocations)
			invocations = 0
			hour = hour.Add(time.Hour)
		}
	}
	if worst > outageWasted {
		r.Errorf("wasted invocations in the worst hour: got %d, want at most %d", worst, outageWasted)
	}
	if dead := len(r.dlq.Messages()); dead > 0 {
		r.Errorf("orders in orders-dlq after 24 hours without Redis: got %d, want 0", dead)
	}

	r.redis.Restart()
	r.restart()
	back := r.Now()
	for {
		r.pollOnce()
		wait, more := r.orders.Wait()
		if !more {
			break
		}
		if r.Now().Add(wait).After(back.Add(outageRecovery)) {
			r.Errorf("orders not counted %v after Redis came up: got %d, want 0",
				outageRecovery, len(r.orders.Messages()))
			break
		}
		r.Advance(wait + window)
	}
	r.Logf("%d messages, at most %d wasted invocations an hour, all counted %v after Redis came up",
		len(r.sent), worst, r.Now().Sub(back))
}

// pollOnce lets the only consumer take batches until none is visible. It returns their number.
func (r *rig) pollOnce() (invocations int) {
	for {
		batch := r.orders.Receive(r.batch)
		if len(batch) == 0 {
			return invocations
		}
		r.deliver(r.consumers[0], batch)
		invocations++
	}
}

// killer sends an order that ends the function whenever it is recorded, among others. From its
// third receive on it must be alone, and the others must be counted.
func (r *rig) killer(kill func(*consumer)) {
	poison := newContent(r.random, "KILLER-ORDER")
	poison.user = "CUSTOMER-OF-THE-KILLER" // the script gets no order ids, only their digests
	sign := []byte(poison.user)
	for _, c := range r.consumers {
		c.link.Watch(func(chunk link.Chunk) link.Verdict {
			if !chunk.Up || !bytes.Contains(chunk.Data, sign) {
				return link.Pass()
			}
			r.noteFault()
			kill(c)
			return link.Cut(0)
		})
	}
	messages := append(
		r.source.next(r.messages), message{body: write(r.random, poison), order: poison},
	)
	rand.New(rand.NewPCG(r.seed, 3)).Shuffle(len(messages), func(i, j int) {
		messages[i], messages[j] = messages[j], messages[i]
	})
	r.send(messages...)

	receives := 0
	for range 60 {
		r.poll()
		left := r.orders.Messages()
		if len(left) == 1 {
			receives = left[0].Receives
			break
		}
		wait, more := r.orders.Wait()
		if !more {
			break
		}
		r.Advance(wait + window)
	}
	left := r.orders.Messages()
	switch {
	case len(left) != 1 || !isOf(left[0], r, poison):
		r.Errorf("messages in the queue: got %d, want the killer alone", len(left))
	case receives > 3:
		r.Errorf("receives until the killer was alone: got %d, want at most 3", receives)
	}
	if dead := len(r.dlq.Messages()); dead > 0 {
		r.Errorf("messages in orders-dlq: got %d, want 0", dead)
	}
	r.stopFaults()
	r.drain()
}

func isOf(m queue.Message, r *rig, c *content) bool { return r.sent[r.Origin(m.ID)].order == c }

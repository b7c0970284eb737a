package faults

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"orderpipeline/localstack/lab/link"
	"orderpipeline/localstack/lab/queue"
	"orderpipeline/localstack/lab/sandbox"
)

// lateness is what a function that has to answer in time is granted after its time limit. It leaves
// half a second for its last steps, which a busy machine may not give it. A function that does not
// end what hangs never answers.
const lateness = 10 * time.Second

// many is a mix with much to refuse.
var many = mix{duplicates: 10, conflicts: 5, bad: 30}

// TestQueue lets the queue of rejected messages fail, and messages run out of receives.
func TestQueue(t *testing.T) {
	throttled := queue.Fault{Code: "RequestThrottled"}
	runAll(t, []fault{
		{
			name:  "sending refused messages fails wholly",
			setup: setup{mix: many, messages: 400},
			run: func(r *rig) {
				r.faultySends(30, func() queue.Fault {
					return queue.Fault{Code: "InternalError", Status: http.StatusInternalServerError}
				})
			},
		},
		{name: "sending refused messages fails partly", setup: setup{mix: many}, run: func(r *rig) {
			r.faultySends(30, func() queue.Fault {
				odd := r.randomInt(2)
				return queue.Fault{Entry: func(i int) bool { return i%2 == odd }}
			})
		}},
		{name: "sending refused messages is not allowed", setup: setup{mix: many}, run: func(r *rig) {
			r.faultySends(12, func() queue.Fault {
				return queue.Fault{Code: "AccessDenied", Status: http.StatusForbidden}
			})
		}},
		{
			name:  "sending refused messages is throttled",
			setup: setup{mix: many, messages: 400},
			run: func(r *rig) {
				r.faultySends(12, func() queue.Fault { return throttled })
			},
		},
		{
			name: "sending refused messages hangs",
			setup: setup{
				mix: many, messages: 300, batch: 150, timeout: 11 * time.Second, grace: lateness,
			},
			run: func(r *rig) {
				r.faultySends(2, func() queue.Fault { return queue.Fault{Hang: true} })
				r.wantNoFailedInvocation()
			},
		},
		{
			name: "the whole queue service hangs",
			setup: setup{
				mix: many, messages: 300, batch: 150, timeout: 11 * time.Second, grace: lateness,
			},
			run: func(r *rig) {
				r.Judge(func(queue.Call) queue.Fault {
					r.noteFault()
					return queue.Fault{Hang: true}
				})
				r.fill()
				r.poll()
				r.wantNoFailedInvocation()
				r.Judge(nil)
				r.drain()
			},
		},
		{
			name:  "refused messages sent, the service's answer lost",
			setup: setup{mix: many},
			run: func(r *rig) {
				r.faultySends(12, func() queue.Fault { return queue.Fault{LoseDone: true} })
			},
		},
		{name: "delays cannot be set", setup: setup{receives: 5}, run: func(r *rig) {
			r.Judge(func(call queue.Call) queue.Fault {
				if call.Action == "ChangeMessageVisibilityBatch" {
					return queue.Fault{Code: "AccessDenied", Status: http.StatusForbidden}
				}
				return queue.Fault{}
			})
			r.fill()
			r.outage(r.redis.Kill, r.redis.Restart, 2)
		}},
		{
			name:  "outage longer than the receives allow, then redrive",
			setup: setup{receives: 5},
			run: func(r *rig) {
				r.fill()
				r.noteFault()
				r.redis.Kill()
				r.drain() // all that needs Redis ends in the dead-letter queue
				r.wantDeadLetters()
				r.redis.Restart()
			},
		},
		{
			name:  "recorded, but timed out each time, then redrive",
			setup: setup{timeout: 10 * time.Second, messages: 200, batch: 200, receives: 3},
			run: func(r *rig) {
				r.noteFault()
				for _, c := range r.consumers {
					c.Judge(func([]byte) sandbox.Verdict { return sandbox.Hold })
				}
				r.fill()
				r.drain()
				r.wantFewDeadLetters()
				for _, c := range r.consumers {
					c.Judge(nil)
				}
			},
		},
		{
			name:  "every answer lost, then redrive",
			setup: setup{messages: 600, receives: 5},
			run: func(r *rig) {
				// Everything was recorded and refused at the first receive. What is redelivered is deleted
				// by the function, group by group, but for the last group of each batch.
				for _, c := range r.consumers {
					c.Judge(func([]byte) sandbox.Verdict { return sandbox.Lose })
				}
				r.noteFault()
				r.fill()
				r.drain()
				r.wantFewDeadLetters()
				for _, c := range r.consumers {
					c.Judge(nil)
				}
			},
		},
	})
}

// wantNoFailedInvocation checks that what was recorded was acknowledged all the same.
func (r *rig) wantNoFailedInvocation() {
	r.Helper()
	if r.failed > 0 {
		r.Errorf("failed invocations: got %d, want 0", r.failed)
	}
}

// wantFewDeadLetters checks that at most half of the messages are in the dead-letter queue. Without
// the deletion of settled groups nearly all would be there. On an idle machine it is a few per
// cent; on a busy one a call to Redis can time out and fail its group.
func (r *rig) wantFewDeadLetters() {
	r.Helper()
	if got, most := len(r.dlq.Messages()), r.messages/2; got > most {
		r.Errorf("messages in the dead-letter queue: got %d, want at most %d", got, most)
	}
}

// faultySends lets this number of calls that send refused messages go wrong.
func (r *rig) faultySends(times int, fault func() queue.Fault) {
	r.Judge(func(call queue.Call) queue.Fault {
		if call.Action == "SendMessageBatch" && r.draw(times) {
			return fault()
		}
		return queue.Fault{}
	})
	r.fill()
	r.drain()
}

// wantDeadLetters checks that every order is in the dead-letter queue, unchanged. Bad messages may
// be there too: a function whose circuit breaker is open fails whole batches.
func (r *rig) wantDeadLetters() {
	r.Helper()
	want := 0
	for _, m := range r.sent {
		if m.order != nil {
			want++
		}
	}
	dead, got := r.dlq.Messages(), 0
	for _, m := range dead {
		was := r.sent[r.Origin(m.ID)]
		if was.body != m.Body {
			r.Errorf("in the dead-letter queue: got %s, want %s", m.Body, was.body)
		}
		if was.order != nil {
			got++
		}
	}
	if got != want {
		r.Errorf("orders in the dead-letter queue: got %d, want %d", got, want)
	}
	if testing.Verbose() {
		r.Logf(
			"after %d deliveries, %d of %d messages are in the dead-letter queue",
			r.deliveries, len(dead), len(r.sent),
		)
	}
}

// TestBatch processes batches of every shape.
func TestBatch(t *testing.T) {
	runAll(t, []fault{
		{
			name:     "duplicates and contradictions, sixteen instances at once",
			setup:    setup{consumers: 16, messages: 1500, mix: mix{duplicates: 40, conflicts: 20, bad: 5}},
			harmless: true,
			run:      (*rig).onEveryInstance,
		},
		{
			name:  "the same batches on sixteen instances at once, some killed",
			setup: setup{consumers: 16, messages: 600, mix: mix{duplicates: 20, conflicts: 10, bad: 5}},
			run: func(r *rig) {
				r.inject(6, down, func(c *consumer, _ link.Chunk) link.Verdict {
					c.Kill()
					return link.Cut(0)
				})
				r.onEveryInstance()
			},
		},
		{
			name:     "poison among good ones",
			setup:    setup{mix: mix{bad: 3}},
			harmless: true,
			run:      (*rig).withoutFailure,
		},
		{
			name:     "every message bad",
			setup:    setup{mix: mix{bad: 100}, messages: 400},
			harmless: true,
			run:      (*rig).withoutFailure,
		},
		{
			name:     "a batch of 10,000",
			setup:    setup{messages: 10_000, batch: 10_000, consumers: 1},
			harmless: true,
			run:      (*rig).withoutFailure,
		},
		{
			name:     "batches of one",
			setup:    setup{messages: 150, batch: 1},
			harmless: true,
			run:      (*rig).withoutFailure,
		},
		{
			name:     "an empty batch",
			setup:    setup{messages: 20, consumers: 1},
			harmless: true,
			run: func(r *rig) {
				result := r.consumers[0].Invoke(r.event([]queue.Message{}))
				if result.Error != "" {
					r.Errorf("error for an empty batch: got %s, want none", result.Error)
				}
				if got, want := string(result.Payload), `{"batchItemFailures":[]}`; got != want {
					r.Errorf("response to an empty batch: got %s, want %s", got, want)
				}
				r.withoutFailure()
			},
		},
		{
			name:     "bodies at the size limit",
			setup:    setup{messages: 24, batch: 20, consumers: 1},
			harmless: true,
			run: func(r *rig) {
				for i, m := range r.source.next(r.messages) {
					if m.body[0] != '{' {
						continue
					}
					// An unknown field fills the message to the last byte that the queue takes; in others it does
					// so with broken JSON.
					room := r.orders.MaxBytes - len(m.body) - len(`"filler":"",`)
					m.body = `{"filler":"` + strings.Repeat("x", room) + `",` + m.body[1:]
					if i%5 == 0 {
						m = message{reason: "invalid_json", body: m.body[:len(m.body)-1] + "]"}
					}
					if got, want := len(m.body), r.orders.MaxBytes; got != want {
						r.Fatalf("bytes of a message: got %d, want %d", got, want)
					}
					r.send(m)
				}
				r.drain()
			},
		},
	})
}

// withoutFailure sends and drains, and no delivery may fail.
func (r *rig) withoutFailure() {
	r.fill()
	r.drain()
	r.wantNoFailedInvocation()
	if got, want := r.deliveries, len(r.sent); got != want {
		r.Errorf("deliveries: got %d, want %d, one for each message", got, want)
	}
}

// onEveryInstance passes all messages to all instances at once, each in another order, as if the
// queue had delivered every message many times. Then the queue delivers them once more.
func (r *rig) onEveryInstance() {
	r.fill()
	all := r.orders.Receive(r.messages)
	var group sync.WaitGroup
	for _, c := range r.consumers {
		mine := make([]queue.Message, len(all))
		for to, from := range r.random.Perm(len(all)) {
			mine[to] = all[from]
		}
		size := 1 + r.random.IntN(300)
		group.Go(func() {
			for batch := range slices.Chunk(mine, size) {
				r.invoke(c, batch)
			}
		})
	}
	group.Wait()
	r.drain()
}

package faults

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"orderpipeline/localstack/lab/link"
	"orderpipeline/localstack/lab/queue"
	"orderpipeline/localstack/lab/sandbox"
)

// TestFunction kills the function, stalls it, and loses its responses.
func TestFunction(t *testing.T) {
	runAll(t, []fault{
		{name: "no fault", harmless: true, run: func(r *rig) {
			r.fill()
			r.drain()
			r.wantNoFailedInvocation()
			if dead := len(r.dlq.Messages()); dead > 0 {
				r.Errorf("messages in orders-dlq: got %d, want 0", dead)
			}
		}},
		{name: "killed before the script", run: func(r *rig) {
			r.inject(8, up, func(c *consumer, _ link.Chunk) link.Verdict {
				c.Kill()
				return link.Cut(0)
			})
			r.fill()
			r.drain()
		}},
		{name: "killed while it sends the script", run: func(r *rig) {
			r.inject(8, up, func(c *consumer, chunk link.Chunk) link.Verdict {
				c.Kill()
				return link.Cut(r.randomInt(len(chunk.Data)))
			})
			r.fill()
			r.drain()
		}},
		{name: "killed after the script, before its answer", run: func(r *rig) {
			r.inject(8, down, func(c *consumer, chunk link.Chunk) link.Verdict {
				c.Kill()
				return link.Cut(0)
			})
			r.fill()
			r.drain()
		}},
		{
			name:  "killed while it sends refused messages",
			setup: setup{consumers: 1, mix: mix{duplicates: 10, bad: 30}},
			run: func(r *rig) {
				r.Judge(func(call queue.Call) queue.Fault {
					if call.Action != "SendMessageBatch" || !r.draw(6) {
						return queue.Fault{}
					}
					r.consumers[0].Kill()
					if r.randomInt(2) == 0 {
						return queue.Fault{LoseDone: true}
					}
					return queue.Fault{Code: "InternalError", Status: http.StatusServiceUnavailable}
				})
				r.fill()
				r.drain()
			},
		},
		{name: "killed while it answers", run: func(r *rig) {
			r.judgeAnswers(6, sandbox.Kill)
			r.fill()
			r.drain()
		}},
		{name: "answer lost after recording", run: func(r *rig) {
			r.judgeAnswers(8, sandbox.Lose)
			r.fill()
			r.drain()
		}},
		{
			name:  "stalled past its time limit, then killed",
			setup: setup{timeout: 12 * time.Second, messages: 800},
			run: func(r *rig) {
				r.inject(2, up, func(c *consumer, chunk link.Chunk) link.Verdict {
					c.Stall()
					return link.Cut(r.randomInt(len(chunk.Data) + 1))
				})
				r.fill()
				r.drain()
			},
		},
		{
			name:  "no time left in the middle of a batch",
			setup: setup{timeout: 13 * time.Second, batch: 10_000, messages: 6000, consumers: 1},
			run: func(r *rig) {
				// When some orders are recorded, every answer of Redis takes its time, so that the limit is
				// reached between two chunks of the batch: the five seconds to record are less than the
				// answers to all six.
				client := r.redis.Client()
				var recorded atomic.Bool
				r.consumers[0].link.Watch(func(chunk link.Chunk) link.Verdict {
					if chunk.Up {
						return link.Pass()
					}
					for shard := 0; shard < r.shards && !recorded.Load(); shard++ {
						totals := fmt.Sprintf("{o%d}totals", shard)
						n, _ := client.HGet(r.Context(), totals, "orders").Int() // zero where it is not
						recorded.Store(n > 0)
					}
					if recorded.Load() {
						r.noteFault()
						time.Sleep(time.Second)
					}
					return link.Pass()
				})
				r.fill()
				r.poll()
				if left := len(r.orders.Messages()); left == 0 || left == r.messages {
					r.Errorf("messages that are left: got %d of %d, want some: the limit is in the middle",
						left, r.messages)
				}
				r.consumers[0].link.Watch(nil)
				r.drain()
			},
		},
		{name: "visible again while the function still works", run: func(r *rig) {
			// Both instances then have the same messages.
			r.inject(4, down, func(*consumer, link.Chunk) link.Verdict {
				r.Advance(r.orders.Visibility + time.Second)
				return link.Pass()
			})
			r.fill()
			r.drain()
		}},
	})
}

// judgeAnswers gives this number of the function's answers a verdict instead of delivering them.
func (r *rig) judgeAnswers(times int, verdict sandbox.Verdict) {
	for _, c := range r.consumers {
		c.Judge(func([]byte) sandbox.Verdict {
			if r.draw(times) {
				return verdict
			}
			return sandbox.Deliver
		})
	}
}

package faults

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"orderpipeline/localstack/lab/labtest"
	"orderpipeline/localstack/lab/link"
	"orderpipeline/localstack/lab/queue"
	"orderpipeline/shared/archive/s3test"
	"orderpipeline/shared/redistest"
)

// TestBucket breaks S3 while the order function archives: everything that was acknowledged has a
// line, and no message is refused twice.
func TestBucket(t *testing.T) {
	refusal := func(status int, code string) func(*rig) s3test.Fault {
		return func(*rig) s3test.Fault { return s3test.Fault{Status: status, Code: code} }
	}
	runAll(t, []fault{
		{name: "S3 refuses", setup: setup{mix: many}, run: func(r *rig) {
			r.faultyPuts(8, refusal(http.StatusForbidden, "AccessDenied"))
		}},
		{name: "S3 has an error", setup: setup{mix: many}, run: func(r *rig) {
			r.faultyPuts(20, refusal(http.StatusInternalServerError, "InternalError"))
		}},
		{name: "S3 throttles", setup: setup{mix: many}, run: func(r *rig) {
			r.faultyPuts(20, refusal(http.StatusServiceUnavailable, "SlowDown"))
		}},
		{name: "S3 closes the connection", setup: setup{mix: many}, run: func(r *rig) {
			r.faultyPuts(20, func(*rig) s3test.Fault { return s3test.Fault{Drop: true} })
		}},
		{name: "S3 hangs", setup: setup{mix: many, messages: 400, batch: 100, timeout: 12 * time.Second},
			run: func(r *rig) {
				r.faultyPuts(3, func(*rig) s3test.Fault { return s3test.Fault{Hang: true} })
			}},
		{
			name:  "S3 answers late",
			setup: setup{mix: many, messages: 400, batch: 100, timeout: 12 * time.Second},
			run: func(r *rig) {
				r.faultyPuts(4, func(r *rig) s3test.Fault {
					return s3test.Fault{Delay: time.Duration(500+r.randomInt(3000)) * time.Millisecond}
				})
			},
		},
		{name: "S3 stores the object and loses its answer", setup: setup{mix: many}, run: func(r *rig) {
			r.faultyPuts(20, func(*rig) s3test.Fault { return s3test.Fault{LoseDone: true} })
		}},
		{name: "S3 away for some receives", setup: setup{mix: many}, run: func(r *rig) {
			r.fill()
			r.outage(
				func() {
					r.bucket.Judge(func(s3test.Call) s3test.Fault {
						return s3test.Fault{Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable"}
					})
				},
				func() { r.bucket.Judge(nil) }, 3)
			r.wantNoneRefusedTwice()
		}},
		{
			name:  "killed between recording and the put",
			setup: setup{consumers: 1, mix: many},
			run: func(r *rig) {
				r.faultyPuts(6, func(r *rig) s3test.Fault {
					r.consumers[0].Kill()
					return s3test.Fault{Drop: true}
				})
			},
		},
		{
			name:  "killed between the put and the response",
			setup: setup{consumers: 1, mix: many},
			run: func(r *rig) {
				r.faultyPuts(6, func(r *rig) s3test.Fault {
					r.consumers[0].Kill()
					return s3test.Fault{LoseDone: true}
				})
			},
		},
		{name: "killed between the put and the rejected queue", setup: setup{consumers: 1, mix: many},
			run: func(r *rig) {
				// The function sends several batches at once: none of them may succeed.
				var armed atomic.Bool
				r.bucket.Judge(func(call s3test.Call) s3test.Fault {
					armed.Store(call.Operation == s3test.Put && r.draw(6))
					return s3test.Fault{}
				})
				r.Judge(func(call queue.Call) queue.Fault {
					if call.Action != "SendMessageBatch" || !armed.Load() {
						return queue.Fault{}
					}
					r.consumers[0].Kill()
					return queue.Fault{Code: "InternalError", Status: http.StatusServiceUnavailable}
				})
				r.fill()
				r.drain()
				r.wantNoneRefusedTwice()
			}},
	})
}

// faultyPuts lets this number of puts go wrong.
func (r *rig) faultyPuts(times int, fault func(*rig) s3test.Fault) {
	r.Helper()
	r.bucket.Judge(func(call s3test.Call) s3test.Fault {
		if call.Operation == s3test.Put && r.draw(times) {
			return fault(r)
		}
		return s3test.Fault{}
	})
	r.fill()
	r.drain()
	r.wantNoneRefusedTwice()
}

func (r *rig) wantNoneRefusedTwice() {
	r.Helper()
	if twice := r.refusedTwice(); len(twice) > 0 {
		r.Errorf("messages with more than one entry in orders-rejected: %d, the first: %s",
			len(twice), twice[0])
	}
}

// losses make Redis forget acknowledged orders. TestLoss plays them with the archive, and
// TestLossWithoutReplay shows that they lose something without it.
var losses = []fault{
	{
		name:  "failover to a replica that had not caught up",
		setup: setup{consumers: 1, lossy: true},
		run:   (*rig).staleFailover,
	},
	{
		name:  "the append-only file loses its tail",
		setup: setup{consumers: 1, lossy: true},
		run:   (*rig).lostTail,
	},
	{name: "FLUSHALL in mid-traffic", setup: setup{lossy: true, batch: 100}, run: func(r *rig) {
		r.inject(2, r.underWay(3), func(*consumer, link.Chunk) link.Verdict {
			r.do("flushall")
			return link.Pass()
		})
		r.fill()
		r.drain()
	}},
}

// TestLoss makes Redis forget acknowledged orders: the replay of the archive counts them again.
func TestLoss(t *testing.T) { runAll(t, losses) }

// TestLossWithoutReplay plays the same without a replay: the figures must then be too low, or
// TestLoss would show nothing.
func TestLossWithoutReplay(t *testing.T) {
	t.Parallel()
	for _, f := range losses {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := f.setup
			s.noReplay = true
			r := newRig(t, seeds[0], s)
			f.run(r)
			v := r.finish()
			if v.lost == 0 {
				t.Errorf("lost without a replay: got 0, want orders that %s lost", f.name)
			}
			results.withoutReplay(f.name, v.lost, len(r.sent))
		})
	}
}

// staleFailover promotes a replica whose link to its master had been silent for a while.
func (r *rig) staleFailover() {
	wire := labtest.Link(r, r.redis.Addr())
	_, port, _ := strings.Cut(wire.Addr(), ":")
	replica := redistest.Start(r, "--appendfsync", "always", "--replicaof", "127.0.0.1 "+port)
	client := replica.Client()
	r.until(func() bool {
		info, err := client.Info(r.Context(), "replication").Result()
		return err == nil && strings.Contains(info, "master_link_status:up")
	})
	var mu sync.Mutex
	answers, silent := 0, false
	r.consumers[0].link.Watch(func(chunk link.Chunk) link.Verdict {
		mu.Lock()
		defer mu.Unlock()
		if chunk.Up {
			return link.Pass()
		}
		switch answers++; {
		case answers == 3: // a part of the orders is on the replica
			r.redis.Client().Wait(r.Context(), 1, 10*time.Second)
			wire.Watch(func(link.Chunk) link.Verdict { return link.Swallow(0) })
			silent = true
		case answers == 8 && silent: // some more were acknowledged by the master alone
			r.noteFault()
			r.redis.Kill()
			if err := client.Do(r.Context(), "replicaof", "no", "one").Err(); err != nil {
				r.Errorf("promote the replica: %v", err)
			}
			for _, c := range slices.Concat(r.consumers, r.replayers) {
				c.link.Lead(replica.Addr())
			}
			return link.Cut(0)
		}
		return link.Pass()
	})
	r.batch = 100
	r.fill()
	r.drain()
	r.redis = replica
}

// lostTail kills Redis, cuts a part of its append-only file off, and restarts it: as when the
// machine stopped before the file was on the disk.
func (r *rig) lostTail() {
	var mu sync.Mutex
	answers := 0
	r.consumers[0].link.Watch(func(chunk link.Chunk) link.Verdict {
		mu.Lock()
		defer mu.Unlock()
		if chunk.Up {
			return link.Pass()
		}
		if answers++; answers != 8 {
			return link.Pass()
		}
		r.noteFault()
		r.redis.Kill()
		r.cutFile()
		r.redis.Restart()
		return link.Cut(0)
	})
	r.batch = 100
	r.fill()
	r.drain()
}

// cutFile removes between a quarter and a half of the newest append-only file.
func (r *rig) cutFile() {
	files, err := filepath.Glob(filepath.Join(r.redis.Dir, "appendonlydir", "*.incr.aof"))
	if err != nil || len(files) == 0 {
		r.Errorf("no append-only file in %s: %v", r.redis.Dir, err)
		return
	}
	newest := slices.Max(files)
	facts, err := os.Stat(newest)
	if err != nil {
		r.Error(err)
		return
	}
	size := int(facts.Size())
	if err := os.Truncate(newest, int64(size-size/4-r.randomInt(size/4))); err != nil {
		r.Error(err)
	}
}

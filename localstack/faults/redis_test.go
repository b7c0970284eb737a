package faults

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"orderpipeline/localstack/lab/link"
	"orderpipeline/shared/redistest"
)

// TestRedis kills Redis, freezes it, fills it, makes it refuse, and breaks its connections.
func TestRedis(t *testing.T) {
	runAll(t, []fault{
		{name: "Redis killed inside a batch and restarted", run: func(r *rig) {
			var mu sync.Mutex // one death at a time
			r.inject(
				4,
				func(link.Chunk) bool { return true },
				func(_ *consumer, chunk link.Chunk) link.Verdict {
					mu.Lock()
					defer mu.Unlock()
					r.redis.Kill()
					r.redis.Restart()
					return link.Cut(r.randomInt(len(chunk.Data) + 1))
				},
			)
			r.fill()
			r.drain()
		}},
		{name: "Redis gone for some receives", run: func(r *rig) {
			r.fill()
			r.outage(r.redis.Kill, r.redis.Restart, 3)
		}},
		{
			name:  "Redis frozen past the time limits",
			setup: setup{messages: 800, batch: 400},
			run: func(r *rig) {
				r.fill()
				r.inject(1, up, func(*consumer, link.Chunk) link.Verdict {
					r.redis.Freeze()
					return link.Pass() // it is executed later, when the function has given up
				})
				r.poll()
				r.redis.Thaw()
				if len(r.orders.Messages()) == 0 {
					r.Error("messages that are redelivered while Redis is frozen: got none, want some")
				}
				r.drain()
			},
		},
		{name: "Redis out of memory (noeviction)", run: func(r *rig) {
			full := sync.OnceFunc(func() { r.configure("maxmemory", "1") })
			r.inject(1, up, func(*consumer, link.Chunk) link.Verdict {
				full()
				return link.Pass()
			})
			r.fill()
			r.poll()
			r.configure("maxmemory", "0")
			r.drain()
		}},
		{name: "Redis became a read-only replica", run: func(r *rig) {
			replica := redistest.Start(r, "--replicaof", "127.0.0.1 "+port(r.redis))
			r.inject(3, up, func(c *consumer, _ link.Chunk) link.Verdict {
				c.link.Lead(replica.Addr())
				return link.Cut(0)
			})
			r.fill()
			r.poll()
			for _, c := range r.consumers {
				c.link.Watch(nil)
				c.link.Lead(r.redis.Addr())
			}
			r.drain()
		}},
		{
			name:  "failover to a replica that had caught up",
			setup: setup{consumers: 1},
			run: func(r *rig) {
				replica := redistest.Start(
					r, "--appendfsync", "always", "--replicaof", "127.0.0.1 "+port(r.redis),
				)
				client := replica.Client()
				r.until(func() bool {
					info, err := client.Info(r.Context(), "replication").Result()
					return err == nil && strings.Contains(info, "master_link_status:up")
				})
				r.inject(1, up, func(c *consumer, chunk link.Chunk) link.Verdict {
					// What was answered is on the replica; what is under way is on neither.
					n, err := r.redis.Client().Wait(r.Context(), 1, 10*time.Second).Result()
					if err != nil || n != 1 {
						r.Errorf("replicas that caught up: got %d (%v), want 1", n, err)
					}
					r.redis.Kill()
					if err := client.Do(r.Context(), "replicaof", "no", "one").Err(); err != nil {
						r.Errorf("promote the replica: %v", err)
					}
					for _, each := range slices.Concat(r.consumers, r.replayers) {
						each.link.Lead(replica.Addr())
					}
					return link.Cut(0)
				})
				r.fill()
				r.drain()
				r.redis = replica
			},
		},
		{name: "SCRIPT FLUSH between and inside batches", run: func(r *rig) {
			r.inject(20, up, func(*consumer, link.Chunk) link.Verdict {
				r.do("script", "flush")
				return link.Pass()
			})
			r.fill()
			r.drain()
		}},
		{name: "connection dropped inside a pipeline", run: func(r *rig) {
			r.inject(
				12,
				func(link.Chunk) bool { return true },
				func(_ *consumer, chunk link.Chunk) link.Verdict {
					return link.Cut(r.randomInt(len(chunk.Data) + 1))
				},
			)
			r.fill()
			r.drain()
		}},
		{
			name:  "answers that come after the time limit",
			setup: setup{messages: 800, batch: 300},
			run: func(r *rig) {
				r.inject(3, down, func(*consumer, link.Chunk) link.Verdict {
					time.Sleep(2500 * time.Millisecond) // the client waits for two seconds
					return link.Pass()
				})
				r.fill()
				r.drain()
			},
		},
		{
			name:  "connection that goes silent",
			setup: setup{messages: 800, batch: 300},
			run: func(r *rig) {
				r.inject(
					3,
					func(link.Chunk) bool { return true },
					func(_ *consumer, chunk link.Chunk) link.Verdict {
						return link.Swallow(r.randomInt(len(chunk.Data) + 1))
					},
				)
				r.fill()
				r.drain()
			},
		},
		{name: "keys of the wrong type, later mended", setup: setup{batch: 100}, run: func(r *rig) {
			var mu sync.Mutex // one key at a time
			var mend []func()
			r.inject(4, r.underWay(1), func(*consumer, link.Chunk) link.Verdict {
				mu.Lock()
				defer mu.Unlock()
				if undo := r.spoil(); undo != nil {
					mend = append(mend, undo)
				}
				return link.Pass()
			})
			r.fill()
			r.poll()
			r.stopFaults() // a key spoiled from now on would stay so
			for _, undo := range mend {
				undo()
			}
			if len(mend) == 0 {
				r.Error("no key was spoiled")
			}
			r.drain()
		}},
		{
			name:  "cluster: replicas take over from their masters",
			setup: setup{cluster: true},
			run: func(r *rig) {
				r.during(10, func(ctx context.Context) error {
					for pair := range r.cluster.Masters {
						if err := r.cluster.Failover(ctx, pair); err != nil {
							return err
						}
					}
					return nil
				})
			},
		},
		{
			name:  "cluster: slots in use move to another master",
			setup: setup{cluster: true},
			run: func(r *rig) {
				r.during(100, func(ctx context.Context) error {
					for turn := range 8 {
						key := fmt.Sprintf("{o%d}", turn%r.shards)
						owner, err := r.cluster.Owner(ctx, key)
						if err != nil {
							return err
						}
						to := r.cluster.Masters[turn%3]
						if owner == to {
							to = r.cluster.Masters[(turn+1)%3]
						}
						// Held half way for a while: then the functions meet a slot that is in two places.
						hold := func() { time.Sleep(100 * time.Millisecond) }
						if err := r.cluster.MoveSlot(ctx, key, to, hold); err != nil {
							return err
						}
					}
					return nil
				})
			},
		},
	})
}

// outage takes something away for a number of receives, and drains after its return.
func (r *rig) outage(away, back func(), receives int) {
	r.noteFault()
	away()
	for range receives {
		r.poll()
		wait, _ := r.orders.Wait()
		r.Advance(wait + 30*time.Second)
	}
	back()
	r.drain()
}

func (r *rig) do(command ...any) {
	if err := r.redis.Client().Do(r.Context(), command...).Err(); err != nil {
		r.Errorf("%v: %v", command, err)
	}
}

func (r *rig) configure(name, value string) { r.do("config", "set", name, value) }

func (r *rig) until(holds func() bool) {
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.Fatal("the servers did not come to the state that the test needs")
		}
	}
}

func port(s *redistest.Server) string {
	_, port, _ := strings.Cut(s.Addr(), ":")
	return port
}

// spoil puts a string in the place of one of the store's hashes and leaderboards, and returns how
// to undo it.
func (r *rig) spoil() func() {
	ctx, client := r.Context(), r.redis.Client()
	keys, err := client.Keys(ctx, "{o*").Result()
	if err != nil {
		r.Errorf("list the keys: %v", err)
		return nil
	}
	for range 1000 {
		if len(keys) == 0 {
			return nil
		}
		key := keys[r.randomInt(len(keys))]
		if kind := client.Type(ctx, key).Val(); kind != "hash" && kind != "zset" {
			continue
		}
		aside := "aside:" + key
		if _, err := client.TxPipelined(ctx, func(tx redis.Pipeliner) error {
			tx.RenameNX(ctx, key, aside)
			tx.Set(ctx, key, "not what it should be", 0)
			return nil
		}); err != nil {
			r.Errorf("spoil a key: %v", err)
			return nil
		}
		return func() {
			if err := client.Rename(r.Context(), aside, key).Err(); err != nil {
				r.Errorf("mend a key: %v", err)
			}
		}
	}
	return nil
}

// during sends this number of messages at a time, and delivers them, while something happens. It
// may take long on a busy machine: each election that fails costs ten seconds.
func (r *rig) during(messages int, happens func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 4*time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- happens(ctx) }()
	for {
		r.send(r.source.next(messages)...)
		r.poll()
		select {
		case err := <-done:
			if err != nil {
				r.Fatal(err)
			}
			r.noteFault()
			r.drain()
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

package ledger

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// patience is how long readings wait for a round trip that is not theirs: one that hangs must not hold up all.
	patience = 10 * time.Millisecond
	// tripReadings bounds the readings of one round trip, so that its answers come within the time limit of a connection.
	tripReadings = 64
)

// A gather lets readings that come while a round trip to Redis is under way share the next one, and ask one question for all who
// want the same: with many readers at once, most of what a reading costs are the system calls around it. A reading that finds none
// under way goes at once and alone, as each does in Lambda, where an instance has one request at a time.
type gather struct {
	pipe  func() redis.Pipeliner
	alone bool // nobody shares: the nodes of a cluster fail one by one, and one that hangs must not hold up readings of others

	mu      sync.Mutex
	trips   int // begun so far
	current int // the trip that readings wait for; zero: none
	waiting []*reading
}

type reading struct {
	cmds     []redis.Cmder
	readers  int
	deadline time.Time     // of the most patient reader
	done     chan struct{} // closed when cmds hold their answers
}

// do returns the commands with their answers, which may be somebody else's too: they are only to be read. The error is the first
// one of the commands.
func (g *gather) do(ctx context.Context, commands func(redis.Pipeliner)) ([]redis.Cmder, error) {
	pipe := g.pipe()
	commands(pipe)
	if g.alone {
		return travel(ctx, pipe)
	}
	g.mu.Lock()
	if g.current == 0 {
		trip := g.begin()
		g.mu.Unlock()
		overtaking := g.overtake(trip)
		cmds, err := travel(ctx, pipe)
		overtaking.Stop()
		if next, readings := g.next(trip); len(readings) > 0 {
			go g.serve(next, readings)
		}
		return cmds, err
	}
	r := g.join(ctx, pipe.Cmds())
	g.mu.Unlock()

	select {
	case <-r.done:
	case <-ctx.Done():
		g.leave(r)
		return nil, ctx.Err()
	}
	for _, cmd := range r.cmds {
		if err := cmd.Err(); err != nil {
			return nil, err
		}
	}
	return r.cmds, nil
}

// join makes a reading wait for the next trip, beside another one that asks the same. The caller holds mu.
func (g *gather) join(ctx context.Context, cmds []redis.Cmder) *reading {
	deadline, bounded := ctx.Deadline()
	if !bounded {
		deadline = never
	}
	for _, r := range g.waiting[max(0, len(g.waiting)-tripReadings):] {
		if slices.EqualFunc(r.cmds, cmds, same) {
			r.readers++
			if r.deadline.Before(deadline) {
				r.deadline = deadline
			}
			return r
		}
	}
	r := &reading{cmds: cmds, readers: 1, deadline: deadline, done: make(chan struct{})}
	g.waiting = append(g.waiting, r)
	return r
}

var never = time.Unix(1<<40, 0)

// same compares arguments, which are strings and numbers in all that is read.
func same(a, b redis.Cmder) bool { return slices.Equal(a.Args(), b.Args()) }

// begin numbers the trip that readings wait for from now on. The caller holds mu.
func (g *gather) begin() int {
	g.trips++
	g.current = g.trips
	return g.current
}

// next begins the trip after this one, for those who wait. There is none when nobody waits, or when this trip took so long
// that another one overtook it.
func (g *gather) next(trip int) (int, []*reading) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.current != trip {
		return 0, nil
	}
	g.current = 0
	n := min(len(g.waiting), tripReadings)
	if n == 0 {
		return 0, nil
	}
	readings := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	return g.begin(), readings
}

// overtake lets those who wait go on when this trip takes too long.
func (g *gather) overtake(trip int) *time.Timer {
	return time.AfterFunc(patience, func() { g.serve(g.next(trip)) })
}

// serve makes a trip, and the next one, until nobody waits.
func (g *gather) serve(trip int, readings []*reading) {
	for ; len(readings) > 0; trip, readings = g.next(trip) {
		overtaking := g.overtake(trip)
		g.share(readings)
		overtaking.Stop()
	}
}

// share makes one round trip, which may take as long as the most patient of the readers.
func (g *gather) share(readings []*reading) {
	pipe, latest := g.pipe(), time.Time{}
	for _, r := range readings {
		_ = pipe.BatchProcess(context.Background(), r.cmds...) // only takes them in
		if r.deadline.After(latest) {
			latest = r.deadline
		}
	}
	ctx, cancel := context.WithDeadline(context.Background(), latest)
	defer cancel()
	_, _ = travel(ctx, pipe) // each command holds its own error
	for _, r := range readings {
		close(r.done)
	}
}

// travel makes one round trip, or two when the connection fails.
func travel(ctx context.Context, pipe redis.Pipeliner) ([]redis.Cmder, error) {
	cmds := pipe.Cmds()
	return cmds, again(ctx, func() error {
		if pipe.Len() == 0 {
			_ = pipe.BatchProcess(ctx, cmds...) // the first time took them out
		}
		_, err := pipe.Exec(ctx)
		return err
	})
}

// leave takes away a reading that nobody waits for any longer, unless it is under way.
func (g *gather) leave(r *reading) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r.readers--
	if i := slices.Index(g.waiting, r); i >= 0 && r.readers == 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
}

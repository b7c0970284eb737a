package ledger

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// clearing is the layout of a store that is being cleared. No other layout is equal to it, so nothing
// is counted into such a store.
const clearing = "clearing"

// figureKey matches the keys of figures and markers of each layout, but not the counters that all
// function instances share, nor the markers of refused messages.
var figureKey = regexp.MustCompile(`^\{o[0-9]+\}`)

// Clear deletes all figures and markers, whatever the layout, number of shards and time zone they
// have, and begins a new store with the options of s. The counters of messages stay, but for those
// that are figures (recorded, mismatch). It returns how many keys it deleted. It is idempotent: on
// an error the store refuses to count with ErrLayout until another call completes it.
//
// Nothing may be recorded at the same time: an order whose figures are deleted and whose message was
// acknowledged is only counted again by a replay.
func (s *Store) Clear(ctx context.Context) (cleared int64, err error) {
	s.checked.Store(false)
	first := s.tags[0] + totalsKey
	_, err = s.read(ctx, func(pipe redis.Pipeliner) { pipe.HSet(ctx, first, fieldLayout, clearing) })
	if err != nil {
		return 0, unavailable("mark the store", err)
	}

	var mu sync.Mutex
	err = s.forEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		keys := node.Scan(ctx, 0, "{o*", 1000).Iterator()
		var batch []string
		for keys.Next(ctx) {
			if key := keys.Val(); figureKey.MatchString(key) && key != first {
				batch = append(batch, key)
			}
			if len(batch) == 1000 {
				if err := s.unlink(ctx, batch); err != nil {
					return err
				}
				cleared += int64(len(batch))
				batch = batch[:0]
			}
		}
		cleared += int64(len(batch))
		return errors.Join(keys.Err(), s.unlink(ctx, batch))
	})
	if err != nil {
		return cleared, unavailable("clear the store", err)
	}

	call := append(newArgs(1, 1), first, s.layout)
	if err := s.send(ctx, clearScript, [][]any{call})[0].Err(); err != nil {
		return cleared, unavailable("begin the store", err)
	}
	return cleared, nil
}

// unlink deletes keys, after it has kept the message counters of shards that are among them.
func (s *Store) unlink(ctx context.Context, keys []string) error {
	for _, key := range keys {
		if strings.HasSuffix(key, "}"+totalsKey) {
			if err := s.carryCounters(ctx, key); err != nil {
				return err
			}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	_, err := s.read(ctx, func(pipe redis.Pipeliner) {
		for _, key := range keys {
			pipe.Unlink(ctx, key)
		}
	})
	return err
}

// carryCounters writes the message counters of a shard to the totals of the first one, as
// "duplicates{o3}totals", so that repeating it changes nothing.
func (s *Store) carryCounters(ctx context.Context, totals string) error {
	fields := []string{fieldDuplicates, fieldHealed}
	cmds, err := s.read(ctx, func(pipe redis.Pipeliner) { pipe.HMGet(ctx, totals, fields...) })
	if err != nil {
		return err
	}
	_, err = s.read(ctx, func(pipe redis.Pipeliner) {
		for i, value := range cmds[0].(*redis.SliceCmd).Val() {
			if value != nil {
				pipe.HSet(ctx, s.tags[0]+totalsKey, fields[i]+totals, value)
			}
		}
	})
	return err
}

// A State is what a store is marked with.
type State struct {
	Layout string    // version:shards:zone, empty when the store was never begun
	Begun  time.Time // zero in layout 1
	Orders int64
}

// State reads the state of the store. The store may have another layout.
func (s *Store) State(ctx context.Context) (State, error) {
	cmds, err := s.read(ctx, func(pipe redis.Pipeliner) {
		pipe.HMGet(ctx, s.tags[0]+totalsKey, fieldLayout, fieldBegun)
	})
	if err != nil {
		return State{}, unavailable("read the state", err)
	}
	values := cmds[0].(*redis.SliceCmd).Val()
	layout, _ := values[0].(string)
	if layout == "" {
		return State{}, nil
	}
	state := State{Layout: layout}
	if text, ok := values[1].(string); ok {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return State{}, unavailable("read the state", err)
		}
		state.Begun = time.Unix(seconds, 0).UTC()
	}

	cmds, err = s.read(ctx, func(pipe redis.Pipeliner) {
		for shard := range MaxShards { // of whatever number of shards
			pipe.HMGet(ctx, tagOf(shard)+totalsKey, fieldOrders)
		}
	})
	if err != nil {
		return State{}, unavailable("read the state", err)
	}
	sums := make([]int64, 1)
	for _, cmd := range cmds {
		if err := addTo(sums, cmd.(*redis.SliceCmd).Val()); err != nil {
			return State{}, unavailable("read the state", err)
		}
	}
	state.Orders = sums[0]
	return state, nil
}

package ledger

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// clearing begins the layout of a store that is being cleared; the number of its shards follows. No
// other layout is equal to it, so nothing is counted into such a store.
const clearing = "clearing:"

// Clear deletes all figures and markers and begins a new store with the options of s. The old store
// may have any layout, number of shards and time zone. The counters of messages stay, but for those
// that are figures (recorded, mismatch). It returns how many keys it deleted. It is idempotent: on
// an error the store refuses to count with ErrLayout until another call completes it.
//
// Nothing may be recorded at the same time: an order whose figures are deleted and whose message
// was acknowledged is only counted again by a replay.
func (s *Store) Clear(ctx context.Context) (cleared int64, err error) {
	s.checked.Store(false)
	state, err := s.State(ctx)
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(state.Layout, ":")
	text, _, _ := strings.Cut(rest, ":")
	shards, err := strconv.Atoi(text)
	if err != nil || shards < 1 || shards > MaxShards {
		shards = MaxShards // not known: all that there can be
	}
	first := tagOf(0) + totalsKey
	_, err = s.pipelined(ctx, func(pipe redis.Pipeliner) {
		pipe.HSet(ctx, first, fieldLayout, clearing+strconv.Itoa(shards))
	})
	if err != nil {
		return 0, unavailable("mark the store", err)
	}

	for shard := range shards {
		n, err := s.clearShard(ctx, shard)
		cleared += n
		if err != nil {
			return cleared, unavailable("clear the store", err)
		}
	}
	call := append(newArgs(1, 2), first, s.layout, shards)
	if err := s.send(ctx, clearScript, [][]any{call})[0].Err(); err != nil {
		return cleared, unavailable("begin the store", err)
	}
	return cleared, nil
}

// figureKeys are the keys of one shard but for its totals and buckets, those of layout 1 included.
var figureKeys = func() []string {
	keys := []string{topKey, monthsKey, daysKey, indexKey, "month:orders", "month:revenue"}
	for segment := range segments {
		for _, key := range appendSegmentKeys(nil, "", []int{segment}) {
			keys = append(keys, key.(string))
		}
	}
	return keys
}()

// clearShard deletes the keys of one shard. Of the first one the totals stay.
func (s *Store) clearShard(ctx context.Context, shard int) (cleared int64, err error) {
	tag := tagOf(shard)
	var keys []any
	for _, key := range figureKeys {
		keys = append(keys, tag+key)
	}
	if shard > 0 {
		if err := s.carryCounters(ctx, tag+totalsKey); err != nil {
			return 0, err
		}
		keys = append(keys, tag+totalsKey)
	}

	list, err := s.candidates(ctx, tag, 0)
	if errors.Is(err, redis.Nil) { // layout 1, or deleted by an earlier call: all that there can be
		list.index = strings.Repeat("\xff", groups/8)
	} else if err != nil {
		return 0, err
	}
	for some := list.take(1 << 14); len(some) > 0; some = list.take(1 << 14) {
		var bucketKeys []any
		for _, bucket := range some {
			bucketKeys = append(bucketKeys, string(appendBucketKey(nil, tag, bucket)))
		}
		n, err := s.unlink(ctx, bucketKeys)
		cleared += n
		if err != nil {
			return cleared, err
		}
	}
	n, err := s.unlink(ctx, keys) // last, with the index
	return cleared + n, err
}

// unlink deletes keys of one shard. Each command blocks Redis for a millisecond at most.
func (s *Store) unlink(ctx context.Context, keys []any) (deleted int64, err error) {
	cmds, err := s.pipelined(ctx, func(pipe redis.Pipeliner) {
		for some := range slices.Chunk(keys, 1024) {
			_ = pipe.Process(ctx, redis.NewIntCmd(ctx, append([]any{"unlink"}, some...)...))
		}
	})
	for _, cmd := range cmds {
		deleted += cmd.(*redis.IntCmd).Val()
	}
	return deleted, err
}

// carryCounters writes the message counters of a shard to the totals of the first one, as
// "duplicates{o3}totals", so that repeating it changes nothing.
func (s *Store) carryCounters(ctx context.Context, totals string) error {
	fields := []string{fieldDuplicates, fieldHealed}
	values, err := s.readFields(ctx, []string{totals}, fields)
	if err != nil {
		return err
	}
	_, err = s.pipelined(ctx, func(pipe redis.Pipeliner) {
		for i, value := range values[0] {
			if value != "" {
				pipe.HSet(ctx, tagOf(0)+totalsKey, fields[i]+totals, value)
			}
		}
	})
	return err
}

// A State is what a store is marked with.
type State struct {
	Layout string // version:shards:zone, empty when the store was never begun
	Orders int64
}

// State reads the state of the store. The store may have another layout.
func (s *Store) State(ctx context.Context) (State, error) {
	marks, err := s.readFields(ctx, []string{s.tags[0] + totalsKey}, []string{fieldLayout})
	if err != nil {
		return State{}, unavailable("read the state", err)
	}
	layout := marks[0][0]
	if layout == "" {
		return State{}, nil
	}

	var totals []string
	for shard := range MaxShards { // of whatever number of shards
		totals = append(totals, tagOf(shard)+totalsKey)
	}
	sums, _, err := s.addFields(ctx, totals, []string{fieldOrders})
	if err != nil {
		return State{}, unavailable("read the state", err)
	}
	return State{Layout: layout, Orders: sums[0]}, nil
}

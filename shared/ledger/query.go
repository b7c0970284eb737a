package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/order"
)

// User returns the figures of one customer, both of the same moment, or ErrNotFound.
func (s *Store) User(ctx context.Context, id string) (UserStats, error) {
	if err := s.checkLayout(ctx); err != nil {
		return UserStats{}, err
	}
	if strings.ContainsFunc(id, unicode.IsControl) {
		return UserStats{}, ErrNotFound // centsMark is one
	}
	bucket := string(appendBucketKey(nil, s.tags[shardOf(id, s.shards)], bucketOf(id)))
	values, err := s.readFields(ctx, []string{bucket}, []string{id, id + centsMark})
	if err != nil {
		return UserStats{}, unavailable("read a customer", err)
	}
	sums := make([]int64, 2)
	if err := addTo(sums, values[0]); err != nil {
		return UserStats{}, unavailable("read a customer", err)
	}
	if sums[0] == 0 {
		return UserStats{}, ErrNotFound
	}
	return UserStats{UserID: id, OrderCount: sums[0], TotalSpend: order.Cents(sums[1])}, nil
}

// Global returns the totals; zeros on an empty store.
func (s *Store) Global(ctx context.Context) (Totals, error) {
	sums, err := s.sum(ctx, fieldOrders, fieldRevenue)
	if err != nil {
		return Totals{}, err
	}
	return Totals{Orders: sums[0], Revenue: order.Cents(sums[1])}, nil
}

// sum adds fields of the totals over all shards.
func (s *Store) sum(ctx context.Context, fields ...string) ([]int64, error) {
	if err := s.checkLayout(ctx); err != nil {
		return nil, err
	}
	values, err := s.readFields(ctx, s.keysOf(totalsKey), fields)
	if err != nil {
		return nil, unavailable("read the totals", err)
	}
	sums := make([]int64, len(fields))
	for _, ofShard := range values {
		if err := addTo(sums, ofShard); err != nil {
			return nil, unavailable("read the totals", err)
		}
	}
	return sums, nil
}

// keysOf returns the key of every shard's data structure of one name.
func (s *Store) keysOf(name string) []string {
	keys := make([]string, len(s.tags))
	for i, tag := range s.tags {
		keys[i] = tag + name
	}
	return keys
}

// readFields reads the same fields of hashes in one round trip and returns the values of each hash.
// The value of an absent field is empty.
func (s *Store) readFields(ctx context.Context, keys, fields []string) ([][]string, error) {
	cmds, err := s.pipelined(ctx, func(pipe redis.Pipeliner) {
		for _, key := range keys {
			args := append(make([]any, 0, 2+len(fields)), "hmget", key)
			for i := range fields {
				args = append(args, &fields[i])
			}
			// Not HMGet, which allocates for the name and for the value of each field.
			_ = pipe.Process(ctx, redis.NewStringSliceCmd(ctx, args...)) // only queues it
		}
	})
	if err != nil {
		return nil, err
	}
	values := make([][]string, len(cmds))
	for i, cmd := range cmds {
		values[i] = cmd.(*redis.StringSliceCmd).Val()
		if len(values[i]) != len(fields) {
			return nil, fmt.Errorf("%d values of %d fields", len(values[i]), len(fields))
		}
	}
	return values, nil
}

// addTo adds values of fields to their sums. There may be further values.
func addTo(sums []int64, values []string) error {
	for i := range sums {
		if values[i] == "" {
			continue
		}
		n, err := strconv.ParseInt(values[i], 10, 64)
		if err != nil {
			return fmt.Errorf("a figure in the store is not a whole number: %w", err)
		}
		sums[i] += n
	}
	return nil
}

// MaxTop is the highest n that Top answers: further places of the leaderboard may be missing.
const MaxTop = 1000

// Top returns the n customers who spent most, at most MaxTop, highest first; equal spends are in
// descending byte order of the user id.
func (s *Store) Top(ctx context.Context, n int) ([]Spender, error) {
	if err := s.checkLayout(ctx); err != nil {
		return nil, err
	}
	n = min(n, MaxTop)
	cmds, err := s.pipelined(ctx, func(pipe redis.Pipeliner) {
		for _, tag := range s.tags {
			pipe.ZRevRangeWithScores(ctx, tag+topKey, 0, int64(n)-1)
		}
	})
	if err != nil {
		return nil, unavailable("read the leaderboard", err)
	}
	top := make([]Spender, 0, n)
	for _, cmd := range cmds {
		for _, z := range cmd.(*redis.ZSliceCmd).Val() {
			spender := Spender{UserID: z.Member.(string), TotalSpend: order.Cents(z.Score)}
			top = append(top, spender)
		}
	}
	if s.shards > 1 {
		// Redis orders equal scores by the bytes of the member: so does the merge.
		slices.SortFunc(top, func(a, b Spender) int {
			return cmp.Or(
				cmp.Compare(b.TotalSpend, a.TotalSpend),
				strings.Compare(b.UserID, a.UserID))
		})
		top = top[:min(n, len(top))]
	}
	return top, nil
}

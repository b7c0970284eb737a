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
	cmds, err := s.pipelined(ctx, func(pipe redis.Pipeliner) {
		pipe.HMGet(ctx, bucket, id, id+centsMark)
	})
	if err != nil {
		return UserStats{}, unavailable("read a customer", err)
	}
	sums := make([]int64, 2)
	if err := addTo(sums, cmds[0].(*redis.SliceCmd).Val()); err != nil {
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
	cmds, err := s.pipelined(ctx, func(pipe redis.Pipeliner) {
		for _, tag := range s.tags {
			pipe.HMGet(ctx, tag+totalsKey, fields...)
		}
	})
	if err != nil {
		return nil, unavailable("read the totals", err)
	}
	sums := make([]int64, len(fields))
	for _, cmd := range cmds {
		if err := addTo(sums, cmd.(*redis.SliceCmd).Val()); err != nil {
			return nil, unavailable("read the totals", err)
		}
	}
	return sums, nil
}

// addTo adds the first values of an HMGET, absent ones being zero.
func addTo(sums []int64, values []any) error {
	for i := range sums {
		text, ok := values[i].(string)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
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

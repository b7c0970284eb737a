package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/order"
)

// User returns the figures of one customer, as they stood at one moment. ErrNotFound when there is no order of theirs.
func (s *Store) User(ctx context.Context, id string) (UserStats, error) {
	if err := s.checkLayout(ctx); err != nil {
		return UserStats{}, err
	}
	if strings.ContainsFunc(id, unicode.IsControl) {
		return UserStats{}, ErrNotFound // no order has such a customer, and spendMark is such a character
	}
	cmds, err := s.pipelined(ctx, func(pipe redis.Pipeliner) {
		pipe.HMGet(ctx, string(appendBucketKey(nil, s.tags[shardOf(id, s.shards)], id)), id, id+spendMark)
	})
	if err != nil {
		return UserStats{}, unavailable("read a customer", err)
	}
	sums := make([]int64, 2)
	if err := addTo(sums, cmds[0]); err != nil {
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
		if err := addTo(sums, cmd); err != nil {
			return nil, unavailable("read the totals", err)
		}
	}
	return sums, nil
}

// addTo adds the values of an HMGET, absent ones being zero.
func addTo(sums []int64, hmget redis.Cmder) error {
	for i, value := range hmget.(*redis.SliceCmd).Val() {
		text, ok := value.(string)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("a sum in the store is not a whole number: %w", err)
		}
		sums[i] += n
	}
	return nil
}

// MaxTop is the highest n that Top answers: no more places of the leaderboard are kept for certain.
const MaxTop = 1000

// Top returns the n customers who spent most, at most MaxTop, highest first; equal spends are in descending byte order of the
// user id.
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
			top = append(top, Spender{UserID: z.Member.(string), TotalSpend: order.Cents(z.Score)})
		}
	}
	if s.shards > 1 {
		// Redis orders equal scores by the bytes of the member: so does the merge.
		slices.SortFunc(top, func(a, b Spender) int {
			return cmp.Or(cmp.Compare(b.TotalSpend, a.TotalSpend), strings.Compare(b.UserID, a.UserID))
		})
		top = top[:min(n, len(top))]
	}
	return top, nil
}

// Monthly returns the months from … to, both included, in order; months without orders are left out.
func (s *Store) Monthly(ctx context.Context, from, to order.Month) ([]MonthTotals, error) {
	if err := s.checkLayout(ctx); err != nil {
		return nil, err
	}
	names := make([]any, 0, to-from+1)
	for m := from; m <= to; m++ {
		names = append(names, m.String())
	}
	// By hand, because HMGet makes a value of its own of each name, each time.
	hmget := func(tx redis.Pipeliner, key string) {
		_ = tx.Process(ctx, redis.NewSliceCmd(ctx, append([]any{"hmget", key}, names...)...)) // only takes it in
	}
	orders, revenue := make([]int64, len(names)), make([]int64, len(names))
	for _, tag := range s.tags {
		// One transaction for each shard: a month's two figures are of one moment.
		cmds, err := s.snapshot(ctx, func(tx redis.Pipeliner) {
			hmget(tx, tag+ordersKey)
			hmget(tx, tag+revenueKey)
		})
		if err == nil {
			err = errors.Join(addTo(orders, cmds[0]), addTo(revenue, cmds[1]))
		}
		if err != nil {
			return nil, unavailable("read the months", err)
		}
	}
	var months []MonthTotals
	for i := range names {
		if orders[i] > 0 {
			months = append(months, MonthTotals{Month: from + order.Month(i), Orders: orders[i], Revenue: order.Cents(revenue[i])})
		}
	}
	return months, nil
}

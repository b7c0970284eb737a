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
	if strings.ContainsFunc(id, unicode.IsControl) {
		return UserStats{}, ErrNotFound // centsMark is one
	}
	bucket := string(appendBucketKey(nil, s.tags[shardOf(id, s.shards)], bucketOf(id)))
	keys, fields := []string{bucket}, []string{id, id + centsMark}
	sums, _, err := s.figures(ctx, "read a customer", keys, fields)
	switch {
	case err != nil:
		return UserStats{}, err
	case sums[0] == 0:
		return UserStats{}, ErrNotFound
	}
	return UserStats{UserID: id, Orders: sums[0], Spend: order.Cents(sums[1])}, nil
}

// Global returns the totals; zeros on an empty store.
func (s *Store) Global(ctx context.Context) (Totals, error) {
	sums, err := s.totals(ctx, fieldOrders, fieldRevenue)
	if err != nil {
		return Totals{}, err
	}
	return Totals{Orders: sums[0], Revenue: order.Cents(sums[1])}, nil
}

// totals adds fields of the totals over all shards.
func (s *Store) totals(ctx context.Context, fields ...string) ([]int64, error) {
	sums, _, err := s.figures(ctx, "read the totals", s.keysOf(totalsKey), fields)
	return sums, err
}

// keysOf returns the key of every shard's data structure of one name.
func (s *Store) keysOf(name string) []string {
	keys := make([]string, len(s.tags))
	for i, tag := range s.tags {
		keys[i] = tag + name
	}
	return keys
}

// figures checks the layout and adds fields of hashes, as addFields does.
func (s *Store) figures(
	ctx context.Context, doing string, keys, fields []string, further ...string,
) (sums []int64, texts []string, err error) {
	if err := s.checkLayout(ctx); err != nil {
		return nil, nil, err
	}
	sums, texts, err = s.addFields(ctx, keys, fields, further...)
	return sums, texts, unavailable(doing, err)
}

// addFields adds the same fields of several hashes, which are read in one round trip. The values of
// further fields are returned as they are, those of one hash after those of the other.
func (s *Store) addFields(
	ctx context.Context, keys, fields []string, further ...string,
) (sums []int64, texts []string, err error) {
	values, err := s.readFields(ctx, keys, append(fields, further...))
	if err != nil {
		return nil, nil, err
	}
	sums = make([]int64, len(fields))
	for _, ofHash := range values {
		for i := range sums {
			n, err := readFigure(ofHash[i])
			if err != nil {
				return nil, nil, err
			}
			sums[i] += n
		}
		texts = append(texts, ofHash[len(sums):]...)
	}
	return sums, texts, nil
}

// readFigure reads the value of a field; zero when the field is absent.
func readFigure(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("a figure in the store is not a whole number: %w", err)
	}
	return n, nil
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
			top = append(top, Spender{UserID: z.Member.(string), Spend: order.Cents(z.Score)})
		}
	}
	if s.shards > 1 {
		// Redis orders equal scores by the bytes of the member: so does the merge.
		slices.SortFunc(top, func(a, b Spender) int {
			return cmp.Or(
				cmp.Compare(b.Spend, a.Spend),
				strings.Compare(b.UserID, a.UserID))
		})
		top = top[:min(n, len(top))]
	}
	return top, nil
}

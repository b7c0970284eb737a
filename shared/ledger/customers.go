package ledger

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/order"
)

// MaxPage is the highest limit of Customers.
const MaxPage = 1000

// ErrBadCursor: the cursor was not returned by Customers of a store with this layout.
var ErrBadCursor = errors.New("not a cursor of this store")

// Customers returns one page of all customers and the cursor of the next page. A page has at most
// limit (1 to MaxPage) customers, in no particular order. The first page has the empty cursor;
// after the last one, next is empty. Each customer is on exactly one page, also while orders are
// recorded; customers who are new since the first page may be missing. The figures of one customer
// are of the same moment.
func (s *Store) Customers(
	ctx context.Context, cursor string, limit int,
) (page []UserStats, next string, err error) {
	if limit < 1 || limit > MaxPage {
		return nil, "", fmt.Errorf("a page of %d customers: choose 1 to %d", limit, MaxPage)
	}
	w := walk{Store: s, limit: limit + 1} // one more, to know whether there is a next page
	if cursor != "" {
		if w.after, err = s.readCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	if err := s.checkLayout(ctx); err != nil {
		return nil, "", err
	}
	if err := w.run(ctx); err != nil {
		return nil, "", unavailable("read the customers", err)
	}
	if len(w.found) <= limit {
		return w.found, "", nil
	}
	page = w.found[:limit]
	return page, s.cursorAfter(page[limit-1].UserID), nil
}

// A cursor is the id of the last customer of a page behind a checksum: the id alone says where the
// next page begins.
const checksumBytes = 4

func (s *Store) cursorAfter(userID string) string {
	sum := xxhash.Sum64String(s.layout + "\n" + userID)
	cursor := binary.BigEndian.AppendUint32(nil, uint32(sum))
	return base64.RawURLEncoding.EncodeToString(append(cursor, userID...))
}

func (s *Store) readCursor(cursor string) (userID string, err error) {
	decoded, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(decoded) <= checksumBytes {
		return "", ErrBadCursor
	}
	userID = string(decoded[checksumBytes:])
	if s.cursorAfter(userID) != cursor {
		return "", ErrBadCursor
	}
	return userID, nil
}

// A walk goes through the customers shard by shard, bucket by bucket, and within a bucket by id.
type walk struct {
	*Store
	after string // the last customer of the page before, or empty
	limit int
	found []UserStats
}

// walkBuckets bounds how many buckets are read in one round trip.
const walkBuckets = 2048

// run finds customers until there are enough.
func (w *walk) run(ctx context.Context) error {
	shard, bucket := 0, uint64(0)
	if w.after != "" {
		shard, bucket = shardOf(w.after, w.shards), bucketOf(w.after)
	}
	done := 0
	for ; shard < w.shards; shard, bucket = shard+1, 0 {
		candidates, err := w.candidates(ctx, w.tags[shard], bucket)
		if err != nil && !errors.Is(err, redis.Nil) { // without an index there are no customers
			return err
		}
		for {
			list := candidates.take(w.bucketsToRead(done))
			if len(list) == 0 {
				break
			}
			if err := w.readBuckets(ctx, w.tags[shard], list); err != nil {
				return err
			}
			if len(w.found) >= w.limit {
				w.found = w.found[:w.limit]
				return nil
			}
			done += len(list)
		}
	}
	return nil
}

// bucketsToRead returns how many buckets to read in the next round trip, after those that are done:
// a few at first, then what the rest of the page takes if the others hold as many customers.
func (w *walk) bucketsToRead(done int) int {
	if len(w.found) == 0 {
		return min(groupBuckets+done, walkBuckets)
	}
	missing := w.limit - len(w.found)
	return min(missing*done/len(w.found)+groupBuckets, walkBuckets)
}

// candidates are the buckets of a shard that may hold customers. There may be a million of them, of
// which a page reads a thousandth.
type candidates struct {
	index string // a bit for each group
	next  uint64
}

// candidates returns those from one bucket on, or redis.Nil and none when the shard has no index of
// customers.
func (s *Store) candidates(
	ctx context.Context, tag string, first uint64,
) (c candidates, err error) {
	cmds, err := s.pipelined(ctx, func(pipe redis.Pipeliner) { pipe.Get(ctx, tag+indexKey) })
	if err != nil {
		return c, err
	}
	return candidates{index: cmds[0].(*redis.StringCmd).Val(), next: first}, nil
}

// take returns the next n buckets, and fewer at the end.
func (c *candidates) take(n int) (list []uint64) {
	end := groupBuckets * min(groups, 8*uint64(len(c.index)))
	for c.next < end && len(list) < n {
		group := c.next / groupBuckets
		if c.index[group/8]&(0x80>>(group%8)) == 0 {
			c.next = (group + 1) * groupBuckets
			continue
		}
		list = append(list, c.next)
		c.next++
	}
	return list
}

// readBuckets adds the customers of buckets.
func (w *walk) readBuckets(ctx context.Context, tag string, list []uint64) error {
	cmds, err := w.pipelined(ctx, func(pipe redis.Pipeliner) {
		for _, bucket := range list {
			pipe.HGetAll(ctx, string(appendBucketKey(nil, tag, bucket)))
		}
	})
	if err != nil {
		return err
	}
	for i, cmd := range cmds {
		customers, err := customersOf(cmd.(*redis.MapStringStringCmd).Val())
		if err != nil {
			return err
		}
		if w.isStart(tag, list[i]) {
			customers = slices.DeleteFunc(customers, func(c UserStats) bool {
				return c.UserID <= w.after
			})
		}
		w.found = append(w.found, customers...)
	}
	return nil
}

// isStart reports whether the page before ended within the bucket.
func (w *walk) isStart(tag string, bucket uint64) bool {
	return w.after != "" && tag == w.tags[shardOf(w.after, w.shards)] && bucket == bucketOf(w.after)
}

// customersOf returns the customers of one bucket by id.
func customersOf(fields map[string]string) ([]UserStats, error) {
	var customers []UserStats
	for id, text := range fields {
		if strings.HasSuffix(id, centsMark) {
			continue
		}
		orders, ordersErr := readFigure(text)
		spend, spendErr := readFigure(fields[id+centsMark])
		if err := errors.Join(ordersErr, spendErr); err != nil {
			return nil, err
		}
		customers = append(customers, UserStats{id, orders, order.Cents(spend)})
	}
	slices.SortFunc(customers, func(a, b UserStats) int { return strings.Compare(a.UserID, b.UserID) })
	return customers, nil
}

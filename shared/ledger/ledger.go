// Package ledger keeps the figures in Redis. Every key name, every script and every Redis word of the project is here.
//
// An order is counted by one Lua script that sets its marker and adds to every sum in one atomic step. There is no
// state in between: after a crash at any moment the order is either counted or not, and giving it to Record again
// settles it. Needs Redis 7.0 or newer, or Valkey; one server or a cluster.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/order"
)

// MaxShards keeps the sum of all shards' revenue within 63 bits.
const MaxShards = 64

var (
	// ErrNotFound: the user has no orders.
	ErrNotFound = errors.New("no orders of this user")
	// ErrUnavailable: Redis did not answer, not in time, or not as it should. What was asked may or may not have been done.
	ErrUnavailable = errors.New("the ledger is unavailable")
	// ErrLayout: the store was filled with another number of shards, or by a version that keeps its figures elsewhere; counting
	// into it would miscount. It comes with ErrUnavailable.
	ErrLayout = errors.New("the store is laid out in another way")
)

// Options of a Store.
type Options struct {
	// Shards is the number of parts into which customers are spread, 1 to MaxShards. It can't be changed once orders are counted.
	Shards int
	// Retention is how long an order is remembered, to tell a duplicate: at least so long, and at most twice as long. In whole
	// seconds, at least one. It must outlive the longest time that a message can spend in the queues.
	Retention time.Duration
}

// A Store is safe for concurrent use.
type Store struct {
	rdb       redis.UniversalClient
	shards    int
	layout    string
	retention int64    // seconds
	tags      []string // key prefix of each shard
	laidOut   atomic.Bool
	readings  gather
	snapshots gather // each a transaction
}

// New makes a store over a connection. It does not speak to Redis yet: a function must be able to start, and to report
// its messages as failed, while Redis is down.
func New(rdb redis.UniversalClient, o Options) (*Store, error) {
	if o.Shards < 1 || o.Shards > MaxShards {
		return nil, fmt.Errorf("%d shards: choose 1 to %d", o.Shards, MaxShards)
	}
	if o.Retention < time.Second {
		return nil, fmt.Errorf("retention %v: choose at least a second", o.Retention)
	}
	s := &Store{rdb: rdb, shards: o.Shards, layout: layoutOf(o.Shards), retention: int64(o.Retention / time.Second)}
	_, cluster := rdb.(*redis.ClusterClient)
	s.readings.pipe, s.readings.alone = rdb.Pipeline, cluster
	s.snapshots.pipe, s.snapshots.alone = rdb.TxPipeline, cluster
	for shard := range o.Shards {
		s.tags = append(s.tags, shardTag(shard))
	}
	return s, nil
}

// Ping asks every Redis node that the store needs whether it answers.
func (s *Store) Ping(ctx context.Context) error {
	return unavailable("ping", again(ctx, func() error {
		if cluster, ok := s.rdb.(*redis.ClusterClient); ok {
			return cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
				return node.Ping(ctx).Err()
			})
		}
		return s.rdb.Ping(ctx).Err()
	}))
}

// Close ends the connections.
func (s *Store) Close() error { return s.rdb.Close() }

// layOut marks an empty store with its layout, for the writer.
func (s *Store) layOut(ctx context.Context) error {
	if s.laidOut.Load() {
		return nil
	}
	key := s.tags[0] + totalsKey
	if _, err := s.pipelined(ctx, func(pipe redis.Pipeliner) { pipe.HSetNX(ctx, key, fieldLayout, s.layout) }); err != nil {
		return unavailable("write the layout", err)
	}
	return s.checkLayout(ctx)
}

// checkLayout compares the layout that the store was filled with, until it was found equal once.
func (s *Store) checkLayout(ctx context.Context) error {
	if s.laidOut.Load() {
		return nil
	}
	cmds, err := s.pipelined(ctx, func(pipe redis.Pipeliner) { pipe.HGet(ctx, s.tags[0]+totalsKey, fieldLayout) })
	if errors.Is(err, redis.Nil) {
		return nil // nothing was ever counted
	}
	if err != nil {
		return unavailable("read the layout", err)
	}
	if found := cmds[0].(*redis.StringCmd).Val(); found != s.layout {
		return s.layoutError(found)
	}
	s.laidOut.Store(true)
	return nil
}

func (s *Store) layoutError(found string) error {
	advice := "another version of this program filled it: use that one, or an empty store"
	if version, shards, _ := strings.Cut(found, ":"); version == strconv.Itoa(layoutVersion) {
		advice = fmt.Sprintf("it has %s shards, this function is configured with %d: set LEDGER_SHARDS=%s", shards, s.shards, shards)
	}
	return fmt.Errorf("%w: %w: %s", ErrUnavailable, ErrLayout, advice)
}

func unavailable(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, doing, err)
}

// UserStats are the figures of one customer.
type UserStats struct {
	UserID     string
	OrderCount int64
	TotalSpend order.Cents
}

// Totals are the figures over all orders.
type Totals struct {
	Orders  int64
	Revenue order.Cents
}

// A Spender is one line of the leaderboard.
type Spender struct {
	UserID     string
	TotalSpend order.Cents
}

// MonthTotals are the figures of one month.
type MonthTotals struct {
	Month   order.Month
	Orders  int64
	Revenue order.Cents
}

// MessageCounts say what became of the messages so far.
type MessageCounts struct {
	Recorded  int64 // new orders counted
	Duplicate int64 // acknowledged, already counted; a message that is given twice because its first answer was lost is one too
	Mismatch  int64 // recorded orders whose stated value was overridden
	Failed    int64 // attempts reported as batch item failures: each comes back
	Refused   map[order.Reason]int64
}

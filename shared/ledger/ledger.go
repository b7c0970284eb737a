// Package ledger keeps the figures in Redis. Every key name, script and Redis command of the
// project is here. It needs Redis 7.0 or newer, or Valkey; one server or a cluster.
//
// With one shard, a Lua script sets the deduplication marker of an order and adds to every figure
// in one atomic step. There is no state in between: after a crash at any moment the order is either
// counted or not, and recording it again settles it.
//
// With several shards a customer's orders are counted in the customer's shard, each again in one
// atomic step. Because an order id must be unique over all customers, it is claimed for its content
// in the shard of the id first. A crash between the two steps leaves a claim without an order: the
// retry of that order settles it, and until then another order under the same id is a conflict.
//
// A failover can lose a claim and keep its order. The replay of the order restores the claim. If an
// order with other content and the same id, of a customer in another shard, is recorded before
// that, both are counted, because no script sees two shards. The replay then reports the first as a
// conflict, orderctl archive verify names both, and orderctl rebuild counts the first alone. With
// one shard this cannot happen.
package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	// ErrTooOld: the orders were archived too long ago, their markers may be gone. Replaying them
	// could count them twice.
	ErrTooOld = errors.New("archived too long ago to be replayed")
	// ErrUnavailable: Redis failed, timed out or replied unexpectedly. The operation may or may not
	// have been applied.
	ErrUnavailable = errors.New("the ledger is unavailable")
)

// Options of a Store.
type Options struct {
	// Shards is the number of shards that customers are divided into, 1 to MaxShards. It is part of
	// the layout: it can't be changed once orders are counted.
	Shards int
	// Retention is how long an order is remembered to detect duplicates: at least this long, and at
	// most twice as long. In whole seconds, at least one. It must be longer than a message can spend
	// in the queues.
	Retention time.Duration
	// Zone is the time zone of months and days, nil for UTC. Its name is part of the layout.
	Zone *time.Location
}

// A Store is safe for concurrent use.
type Store struct {
	rdb       redis.UniversalClient
	shards    int
	layout    string
	zone      *time.Location
	retention int64       // seconds
	tags      []string    // key prefix of each shard
	checked   atomic.Bool // the layout was compared and is equal

	manyMonths atomic.Bool // there were more than compactMonths
}

// New makes a store over a connection. It sends nothing to Redis yet: a function must be able to
// start, and to report its messages as failed, while Redis is down.
func New(rdb redis.UniversalClient, o Options) (*Store, error) {
	if o.Shards < 1 || o.Shards > MaxShards {
		return nil, fmt.Errorf("%d shards: choose 1 to %d", o.Shards, MaxShards)
	}
	if o.Retention < time.Second {
		return nil, fmt.Errorf("retention %v: choose at least a second", o.Retention)
	}
	zone := cmp.Or(o.Zone, time.UTC)
	if zone == time.Local {
		return nil, errors.New("time zone Local: choose a zone by its IANA name")
	}
	s := &Store{
		rdb:       rdb,
		shards:    o.Shards,
		zone:      zone,
		layout:    layoutOf(o.Shards, zone.String()),
		retention: int64(o.Retention / time.Second),
	}
	for shard := range o.Shards {
		s.tags = append(s.tags, tagOf(shard))
	}
	return s, nil
}

// Ping checks that every Redis node that the store needs answers.
func (s *Store) Ping(ctx context.Context) error {
	return unavailable("ping", retry(ctx, func() error {
		cluster, ok := s.rdb.(*redis.ClusterClient)
		if !ok {
			return s.rdb.Ping(ctx).Err()
		}
		return cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
			return node.Ping(ctx).Err()
		})
	}))
}

// Close closes the connections.
func (s *Store) Close() error { return s.rdb.Close() }

func unavailable(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, doing, err)
}

// UserStats are the figures of one customer.
type UserStats struct {
	UserID string
	Orders int64
	Spend  order.Cents
}

// Totals are the figures over all orders.
type Totals struct {
	Orders  int64
	Revenue order.Cents
}

// A Spender is one line of the leaderboard.
type Spender struct {
	UserID string
	Spend  order.Cents
}

// PeriodTotals are the figures of one month or one day.
type PeriodTotals[D order.Date] struct {
	Date    D
	Orders  int64
	Revenue order.Cents
}

type (
	// MonthTotals are the figures of one month.
	MonthTotals = PeriodTotals[order.Month]
	// DayTotals are the figures of one day.
	DayTotals = PeriodTotals[order.Day]
)

// MessageCounts are the numbers of messages by outcome since the store was begun.
type MessageCounts struct {
	Recorded  int64                  // new orders counted
	Duplicate int64                  // counted before; also redelivered after a lost answer
	Mismatch  int64                  // recorded orders whose stated value was overridden
	Healed    int64                  // orders that Redis had lost and a replay counted again
	Failed    int64                  // attempts reported as batch item failures: each is redelivered
	Refused   map[order.Reason]int64 // zeros included
}

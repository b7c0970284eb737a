package ledger

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/order"
)

// A fixture is what one case of the suite works with: an empty store of the layout.
type fixture struct {
	*testing.T
	ctx    context.Context
	rdb    redis.UniversalClient
	shards int
	store  *Store
}

func (b *fixture) open(shards int) *Store {
	b.Helper()
	store, err := New(b.rdb, Options{Shards: shards, Retention: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	return store
}

func (b *fixture) flush() {
	b.Helper()
	b.everyNode(func(ctx context.Context, node *redis.Client) error {
		return node.FlushAll(ctx).Err()
	})
}

func (b *fixture) everyNode(do func(context.Context, *redis.Client) error) {
	b.Helper()
	var err error
	if cluster, ok := b.rdb.(*redis.ClusterClient); ok {
		err = cluster.ForEachMaster(b.ctx, do)
	} else {
		err = do(b.ctx, b.rdb.(*redis.Client))
	}
	if err != nil {
		b.Fatal(err)
	}
}

// record records the orders in one batch and returns the outcomes.
func (b *fixture) record(orders ...order.Order) []Outcome {
	b.Helper()
	outcomes := make([]Outcome, len(orders))
	if err := b.store.Record(b.ctx, orders, outcomes); err != nil {
		b.Fatalf("record: %v", err)
	}
	return outcomes
}

func (b *fixture) wantOutcomes(got []Outcome, want ...Outcome) {
	b.Helper()
	if diff := gocmp.Diff(want, got); diff != "" {
		b.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

// usersApart returns two customers who live in different shards, where there is more than one.
func (b *fixture) usersApart() (string, string) {
	for i := 1; ; i++ {
		user := fmt.Sprintf("U%d", i)
		if b.shards == 1 || shardOf(user, b.shards) != shardOf("U0", b.shards) {
			return "U0", user
		}
	}
}

// age makes everything that the store remembers older, in place of waiting.
func (b *fixture) age(d time.Duration) {
	b.Helper()
	older := func(key, field string) {
		since, err := b.rdb.HGet(b.ctx, key, field).Int64()
		if err == nil {
			err = b.rdb.HSet(b.ctx, key, field, since-int64(d/time.Second)).Err()
		}
		if err != nil && !errors.Is(err, redis.Nil) {
			b.Fatal(err)
		}
	}
	for shard := range b.shards {
		older(tagOf(shard)+totalsKey, fieldBegun)
		for segment := range segments {
			for _, key := range appendSegmentKeys(nil, tagOf(shard), []int{segment}) {
				older(key.(string), fieldSince)
			}
		}
	}
}

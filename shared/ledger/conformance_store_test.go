package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/order"
)

// The cases of the suite that change the store behind the ledger's back.

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

// lifetime is how long the store of the suite keeps a marker at least.
const lifetime = time.Hour + clockMargin

func retention(t *testing.T, b *fixture) {
	first := makeOrder("ORD1", "U1", 100)
	b.wantOutcomes(b.record(first), Recorded)
	b.age(lifetime - time.Minute)
	b.wantOutcomes(b.record(first), Duplicate)
	for range 3 { // seen in each generation: remembered for good
		b.age(lifetime)
		b.wantOutcomes(b.record(first), Duplicate)
	}

	// Not seen for two generations: forgotten. The next order of the segment drops the old ones.
	neighbour := makeOrder("ORD2", "U1", 100)
	for n := 3; b.placeOf(neighbour) != b.placeOf(first); n++ {
		neighbour.ID = fmt.Sprintf("ORD%d", n)
	}
	b.age(lifetime)
	b.wantOutcomes(b.record(neighbour), Recorded)
	b.age(lifetime)
	b.wantOutcomes(b.record(neighbour), Duplicate)
	other := makeOrder("ORD1", "U1", 300)
	b.wantOutcomes(b.record(other), Recorded)
	b.wantOutcomes(b.record(first), Conflict)
}

// placeOf returns the segment of an order's marker and the shard of its claim.
func (b *fixture) placeOf(o order.Order) [2]int {
	digest := digestOf(o.ID)
	return [2]int{digest.segment(), digest.claimShard(b.shards)}
}

func lostScript(t *testing.T, b *fixture) {
	m := newModel()
	for i := range 3 {
		var orders []order.Order
		for j := range 250 {
			o := makeOrder(fmt.Sprintf("ORD%d-%d", i, j), fmt.Sprintf("U%d", j%7), 100)
			m.count(o)
			orders = append(orders, o)
		}
		b.everyNode(func(ctx context.Context, node *redis.Client) error { return node.ScriptFlush(ctx).Err() })
		b.record(orders...)
	}
	m.check(b.ctx, t, b.store)
}

func wrongType(t *testing.T, b *fixture) {
	bad := "U7"
	tag := tagOf(shardOf(bad, b.shards))
	bucket := string(appendBucketKey(nil, tag, bucketOf(bad)))
	var orders []order.Order
	for i := range 150 {
		orders = append(orders, makeOrder(fmt.Sprintf("ORD%d", i), fmt.Sprintf("U%d", i%20), 100))
	}
	for _, c := range []struct{ key, what string }{
		{bucket, "a customer's bucket"},
		{tag + topKey, "the leaderboard"},
		{tag + monthsKey, "the months"},
		{tag + daysKey, "the days"},
		{tag + totalsKey, "the totals"},
	} {
		b.flush()
		b.store = b.open(b.shards)
		if err := b.rdb.Set(b.ctx, c.key, "not what it should be", 0).Err(); err != nil {
			t.Fatal(err)
		}
		outcomes := make([]Outcome, len(orders))
		if err := b.store.Record(b.ctx, orders, outcomes); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s of the wrong type: %v, want ErrUnavailable", c.what, err)
		}
		for i, outcome := range outcomes {
			mine := orders[i].UserID == bad
			if mine && outcome != Unsettled || c.key == bucket && !mine && outcome != Recorded {
				t.Errorf("%s of the wrong type: outcome %d for %s", c.what, outcome, orders[i].UserID)
			}
		}
		// Mended, a second try counts exactly what the first did not.
		if err := b.rdb.Del(b.ctx, c.key).Err(); err != nil {
			t.Fatal(err)
		}
		m := newModel()
		for i, outcome := range b.record(orders...) {
			m.count(orders[i])
			if want := map[bool]Outcome{true: Duplicate, false: Recorded}[outcomes[i] == Recorded]; outcome != want {
				t.Errorf("%s mended: outcome %d for an order that was %d before", c.what, outcome, outcomes[i])
			}
		}
		m.check(b.ctx, t, b.store)
	}
}

func noNumber(t *testing.T, b *fixture) {
	bad := "U7"
	tag := tagOf(shardOf(bad, b.shards))
	bucket := string(appendBucketKey(nil, tag, bucketOf(bad)))
	var before, orders []order.Order
	for i := range 150 {
		before = append(before, makeOrder(fmt.Sprintf("OLD%d", i), fmt.Sprintf("U%d", i%30), 100))
		orders = append(orders, makeOrder(fmt.Sprintf("ORD%d", i), fmt.Sprintf("U%d", i%60), 100))
	}
	for _, c := range []struct {
		key, field string
		onlyOne    bool
	}{
		{bucket, bad, true}, {bucket, bad + centsMark, true},
		{tag + monthsKey, "2024-05", false}, {tag + monthsKey, "2024-05" + centsMark, false}, {tag + totalsKey, fieldOrders, false}, {tag + totalsKey, fieldRevenue, false},
	} {
		b.flush()
		b.store = b.open(b.shards)
		m := newModel()
		for _, o := range before {
			m.count(o)
		}
		b.record(before...)
		right := b.rdb.HGet(b.ctx, c.key, c.field).Val()
		b.rdb.HSet(b.ctx, c.key, c.field, "many")
		outcomes := make([]Outcome, len(orders))
		if err := b.store.Record(b.ctx, orders, outcomes); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%q of %q is no number: %v, want ErrUnavailable", c.field, c.key, err)
		}
		for i, outcome := range outcomes {
			mine := orders[i].UserID == bad
			if mine && outcome != Unsettled || c.onlyOne && !mine && outcome != Recorded {
				t.Errorf("%q of %q is no number: outcome %d for %s", c.field, c.key, outcome, orders[i].UserID)
			}
			if outcome == Recorded {
				m.count(orders[i])
			}
		}
		b.rdb.HSet(b.ctx, c.key, c.field, right)
		m.check(b.ctx, t, b.store)
		for _, o := range orders {
			m.count(o)
		}
		b.record(orders...)
		m.check(b.ctx, t, b.store)
	}
}

func otherLayout(t *testing.T, b *fixture) {
	b.record(makeOrder("ORD1", "U1", 100))
	other := b.open(b.shards + 1)
	if _, err := other.Global(b.ctx); !errors.Is(err, ErrLayout) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("reading with another shard count: %v, want ErrLayout", err)
	}
	one := []order.Order{makeOrder("ORD2", "U2", 100)}
	outcomes := make([]Outcome, 1)
	if err := other.Record(b.ctx, one, outcomes); !errors.Is(err, ErrLayout) || outcomes[0] != Unsettled {
		t.Errorf("recording with another shard count: %v, %v, want ErrLayout and nothing settled", err, outcomes)
	}
	// A function that was at work when the store was emptied and filled anew in another way notices in the script.
	b.flush()
	b.wantOutcomes(b.record(one...), Recorded)
	for i, layout := range []string{layoutOf(b.shards+1, "UTC"), fmt.Sprintf("%d:%d", layoutVersion-1, b.shards)} {
		for shard := range b.shards {
			if err := b.rdb.HSet(b.ctx, tagOf(shard)+totalsKey, fieldLayout, layout).Err(); err != nil {
				t.Fatal(err)
			}
		}
		one[0].ID = fmt.Sprintf("ORD%d", 3+i)
		if err := b.store.Record(b.ctx, one, outcomes); !errors.Is(err, ErrLayout) || outcomes[0] != Unsettled {
			t.Errorf("recording into a store of layout %s: %v, %v, want ErrLayout and nothing settled", layout, err, outcomes)
		}
		advised := strings.Contains(fmt.Sprint(b.open(b.shards).Record(b.ctx, one, outcomes)), "set LEDGER_SHARDS=")
		if rightly := i == 0; advised != rightly {
			t.Errorf("layout %s: advised to change LEDGER_SHARDS: %v, want %v", layout, advised, rightly)
		}
	}
}

func refusedOnce(t *testing.T, b *fixture) {
	var messages []RefusedMessage
	for i := range 250 {
		messages = append(messages, RefusedMessage{fmt.Sprintf("message-%d", i), order.Reasons()[i%2]})
	}
	for range 3 {
		if err := b.store.CountRefused(b.ctx, messages); err != nil {
			t.Fatal(err)
		}
	}
	counts, err := b.store.Messages(b.ctx)
	equal(t, "refused messages", counts.Refused, err, map[order.Reason]int64{order.Reasons()[0]: 125, order.Reasons()[1]: 125})
}

func countersAddUp(t *testing.T, b *fixture) {
	var group sync.WaitGroup
	for range 8 {
		store := b.open(b.shards)
		group.Go(func() {
			for range 20 {
				if err := store.AddCounters(b.ctx, map[string]int64{"a": 1, `b{c="d"}`: 2, FailedMessages: 3}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	counters, err := b.store.Counters(b.ctx)
	equal(t, "counters", counters, err, map[string]int64{"a": 160, `b{c="d"}`: 320, FailedMessages: 480})
	counts, err := b.store.Messages(b.ctx)
	equal(t, "failed messages", counts.Failed, err, 480)
}

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

// The cases of the suite that change the store without the ledger.

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
		b.everyNode(func(ctx context.Context, node *redis.Client) error {
			return node.ScriptFlush(ctx).Err()
		})
		b.record(orders...)
	}
	m.check(b.ctx, t, b.store)
}

// bad is the customer with whom something is wrong.
const bad = "U7"

// badKeys are the keys of the bad customer: the bucket, and the prefix of the shard's others.
func (b *fixture) badKeys() (bucket, tag string) {
	tag = tagOf(shardOf(bad, b.shards))
	return string(appendBucketKey(nil, tag, bucketOf(bad))), tag
}

func wrongType(t *testing.T, b *fixture) {
	bucket, tag := b.badKeys()
	var orders []order.Order
	for i := range 150 {
		o := makeOrder(fmt.Sprintf("ORD%d", i), fmt.Sprintf("U%d", i%20), 100)
		orders = append(orders, o)
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
		err := b.store.Record(b.ctx, orders, outcomes)
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s of the wrong type: %v, want ErrUnavailable", c.what, err)
		}
		for i, outcome := range outcomes {
			isBad := orders[i].UserID == bad
			if isBad && outcome != Unsettled {
				t.Errorf("%s of the wrong type: outcome %d, want Unsettled", c.what, outcome)
			}
			if !isBad && c.key == bucket && outcome != Recorded {
				t.Errorf("%s of the wrong type: outcome %d of %s, want Recorded",
					c.what, outcome, orders[i].UserID)
			}
		}

		// Repaired: a second call counts exactly what the first did not.
		if err := b.rdb.Del(b.ctx, c.key).Err(); err != nil {
			t.Fatal(err)
		}
		m := newModel()
		for i, outcome := range b.record(orders...) {
			m.count(orders[i])
			want := Recorded
			if outcomes[i] == Recorded {
				want = Duplicate
			}
			if outcome != want {
				t.Errorf("%s repaired: outcome %d, want %d", c.what, outcome, want)
			}
		}
		m.check(b.ctx, t, b.store)
	}
}

func noNumber(t *testing.T, b *fixture) {
	bucket, tag := b.badKeys()
	var before, orders []order.Order
	for i := range 150 {
		before = append(before, makeOrder(fmt.Sprintf("OLD%d", i), fmt.Sprintf("U%d", i%30), 100))
		orders = append(orders, makeOrder(fmt.Sprintf("ORD%d", i), fmt.Sprintf("U%d", i%60), 100))
	}
	for _, c := range []struct {
		key, field string
		onlyOne    bool // all other customers are recorded
	}{
		{bucket, bad, true},
		{bucket, bad + centsMark, true},
		{tag + monthsKey, "2024-05", false},
		{tag + monthsKey, "2024-05" + centsMark, false},
		{tag + totalsKey, fieldOrders, false},
		{tag + totalsKey, fieldRevenue, false},
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
		err := b.store.Record(b.ctx, orders, outcomes)
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("%q of %q is no number: %v, want ErrUnavailable", c.field, c.key, err)
		}
		for i, outcome := range outcomes {
			isBad := orders[i].UserID == bad
			if isBad && outcome != Unsettled || !isBad && c.onlyOne && outcome != Recorded {
				t.Errorf("%q of %q is no number: outcome %d of %s",
					c.field, c.key, outcome, orders[i].UserID)
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
	_, err := other.Global(b.ctx)
	if !errors.Is(err, ErrLayout) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("reading with another number of shards: %v, want ErrLayout", err)
	}
	one := makeOrder("ORD2", "U2", 100)
	wantRefused := func(what string, store *Store) (err error) {
		outcomes := make([]Outcome, 1)
		if err = store.Record(b.ctx, []order.Order{one}, outcomes); !errors.Is(err, ErrLayout) {
			t.Errorf("%s: %v, want ErrLayout", what, err)
		}
		b.wantOutcomes(outcomes, Unsettled)
		return err
	}
	_ = wantRefused("another number of shards", other)

	// A function that ran while the store was emptied and filled in another layout is told by the
	// script.
	b.flush()
	b.wantOutcomes(b.record(one), Recorded)
	for _, c := range []struct{ layout, advice string }{
		{layoutOf(b.shards+1, "UTC"), fmt.Sprintf("set LEDGER_SHARDS=%d", b.shards+1)},
		{layoutOf(b.shards, "Asia/Kathmandu"), "set TIME_ZONE=Asia/Kathmandu"},
		{fmt.Sprintf("1:%d", b.shards), "orderctl rebuild"}, // of the version before
	} {
		for shard := range b.shards {
			key := tagOf(shard) + totalsKey
			if err := b.rdb.HSet(b.ctx, key, fieldLayout, c.layout).Err(); err != nil {
				t.Fatal(err)
			}
		}
		one.ID += "+"
		_ = wantRefused("layout "+c.layout+" in the script", b.store)
		err := wantRefused("layout "+c.layout, b.open(b.shards))
		if !strings.Contains(fmt.Sprint(err), c.advice) {
			t.Errorf("layout %s: %v, want the advice %q", c.layout, err, c.advice)
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
	want := map[order.Reason]int64{}
	for i, reason := range order.Reasons() {
		want[reason] = []int64{125, 125, 0, 0, 0, 0}[i]
	}
	equal(t, "refused messages", counts.Refused, err, want)
}

func countersAddUp(t *testing.T, b *fixture) {
	var group sync.WaitGroup
	delta := map[string]int64{"a": 1, `b{c="d"}`: 2, FailedMessages: 3}
	for range 8 {
		store := b.open(b.shards)
		group.Go(func() {
			for range 20 {
				if err := store.AddCounters(b.ctx, delta); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	counters, err := b.store.Counters(b.ctx)
	want := map[string]int64{"a": 160, `b{c="d"}`: 320, FailedMessages: 480}
	equal(t, "counters", counters, err, want)
	counts, err := b.store.Messages(b.ctx)
	equal(t, "failed messages", counts.Failed, err, 480)
}

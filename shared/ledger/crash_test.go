package ledger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"orderpipeline/shared/order"
	"orderpipeline/shared/redistest"
)

// started makes the recording that Record would work on, to stop it half way.
func (b *fixture) started(orders []order.Order) (*recording, []int) {
	r := b.store.newRecording(orders, make([]Outcome, len(orders)))
	return r, r.bySegment()
}

// crashAfterClaim: the function dies when the ids are claimed and nothing is recorded. Where there
// are no claims, it dies before.
func crashAfterClaim(t *testing.T, b *fixture) {
	here, there := b.usersApart()
	var orders, others []order.Order
	m := newModel()
	for i := range 120 {
		o := makeOrder(fmt.Sprintf("ORD%d", i), here, order.Cents(i))
		orders = append(orders, o)
		o.UserID = there
		others = append(others, o)
	}
	if b.shards > 1 {
		r, all := b.started(orders)
		if claimed, err := r.claim(b.ctx, all); err != nil || len(claimed) != len(orders) {
			t.Fatalf("%d claimed: %v", len(claimed), err)
		}
		m.check(b.ctx, t, b.store) // a claim counts nothing
		for _, outcome := range b.record(others...) {
			b.wantOutcomes([]Outcome{outcome}, Conflict) // claimed by orders that will be retried
		}
		m.check(b.ctx, t, b.store)
	}
	for i, outcome := range b.record(orders...) {
		b.wantOutcomes([]Outcome{outcome}, m.count(orders[i]))
	}
	for i, outcome := range b.record(others...) {
		b.wantOutcomes([]Outcome{outcome}, m.count(others[i]))
	}
	m.check(b.ctx, t, b.store)
}

// crashBeforeRelease: the function dies when an order overflowed and its claim is not yet released.
func crashBeforeRelease(t *testing.T, b *fixture) {
	rich, poor := b.usersApart()
	m := newModel()
	full := makeOrder("FULL", rich, MaxSpend)
	m.count(full)
	b.record(full)
	over := makeOrder("ORD1", rich, 1)
	r, all := b.started([]order.Order{over})
	if b.shards > 1 {
		if _, err := r.claim(b.ctx, all); err != nil {
			t.Fatal(err)
		}
	}
	chunks := appendChunks(nil, shardOf(rich, b.shards), all)
	if err := r.record(b.ctx, chunks); err != nil {
		t.Fatal(err)
	}
	b.wantOutcomes(r.outcomes, Overflow)

	// The retry overflows too, and leaves no trace this time.
	b.wantOutcomes(b.record(over), Overflow)
	fits := makeOrder("ORD1", poor, 1)
	m.count(fits)
	b.wantOutcomes(b.record(fits), Recorded)
	m.check(b.ctx, t, b.store)
}

// lostClaim: a failover lost the claim of an order that was counted in another shard.
func lostClaim(t *testing.T, b *fixture) {
	m := newModel()
	counted := makeOrder("ORD1", "U1", 100)
	b.wantOutcomes(b.record(counted), m.count(counted))
	b.loseClaim(counted)
	other := makeOrder("ORD1", "U1", 200)
	b.wantOutcomes(b.record(other), Conflict)
	b.wantOutcomes(b.record(counted), Duplicate)
	b.wantOutcomes(b.replay(Healing, counted, other), Duplicate, Conflict)
	m.check(b.ctx, t, b.store)
}

// loseClaim deletes the claim of an order, where there are claims.
func (b *fixture) loseClaim(o order.Order) {
	b.Helper()
	digest := digestOf(o.ID)
	tag := tagOf(digest.claimShard(b.shards))
	for _, key := range appendSegmentKeys(nil, tag, []int{digest.segment()}) {
		if err := b.rdb.HDel(b.ctx, key.(string), string(digest.claim())).Err(); err != nil {
			b.Fatal(err)
		}
	}
}

// lostClaimApart: a failover lost the claim of an order, and an order of a customer in another
// shard has its id. The replay of the first restores the claim. If the other one is recorded before
// that, both are counted, because no script sees two shards: the replay reports the first as a
// conflict, and a rebuild counts the first alone.
func lostClaimApart(t *testing.T, b *fixture) {
	here, there := b.usersApart()
	first, other := makeOrder("ORD1", here, 100), makeOrder("ORD1", there, 200)
	m := newModel()
	b.wantOutcomes(b.record(first), m.count(first))

	b.loseClaim(first)
	b.wantOutcomes(b.replay(Healing, first), Duplicate)
	b.wantOutcomes(b.record(other), m.count(other))
	m.check(b.ctx, t, b.store)

	if b.shards > 1 {
		b.loseClaim(first)
		b.wantOutcomes(b.record(other), Recorded)
		b.wantOutcomes(b.replay(Healing, first, other), Conflict, Duplicate)
		got, err := b.store.Global(b.ctx)
		equal(t, "totals of both", got, err, Totals{Orders: 2, Revenue: 300})
	}
	if _, err := b.store.Clear(b.ctx); err != nil {
		t.Fatal(err)
	}
	b.wantOutcomes(b.replay(Rebuilding, first, other), Recorded, Conflict)
	m.check(b.ctx, t, b.store)
}

// shardRevenueLimit: a shard's revenue is exact up to its limit, far beyond what a double can hold.
func shardRevenueLimit(t *testing.T, b *fixture) {
	const user = "U1"
	first := makeOrder("FIRST", user, 0)
	b.wantOutcomes(b.record(first), Recorded)
	totals := tagOf(shardOf(user, b.shards)) + totalsKey
	// One customer can't reach the limit: this is in place of many.
	if err := b.rdb.HSet(b.ctx, totals, fieldRevenue, int64(MaxRevenue-10_000)).Err(); err != nil {
		t.Fatal(err)
	}
	b.wantOutcomes(b.record(makeOrder("ORD1", user, 20_001)), Overflow)
	outcomes := b.record(makeOrder("ORD2", user, 7_777), makeOrder("ORD3", user, 13_333))
	b.wantOutcomes(outcomes, Recorded, Overflow)
	b.wantOutcomes(b.record(makeOrder("ORD1", user, 1)), Recorded)
	got, err := b.store.Global(b.ctx)
	equal(t, "totals", got, err, Totals{Orders: 3, Revenue: MaxRevenue - 10_000 + 7_778})
}

// anySchedule: the same orders in random batches, repeated, shuffled and recorded by several
// callers, always have the same sums.
func anySchedule(t *testing.T, b *fixture) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	m := newModel()
	orders := randomOrders(random, 400)
	for i := range orders {
		orders[i].Mismatch = false // the one of a repeated order that comes first would matter
	}
	orders = m.withoutConflicts(orders)
	for schedule := range 5 {
		b.flush()
		b.store = b.open(b.shards)
		var group sync.WaitGroup
		for range 1 + random.IntN(4) {
			mine := append([]order.Order{}, orders...)
			for range random.IntN(len(orders)) {
				mine = append(mine, orders[random.IntN(len(orders))])
			}
			random.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
			sizes := rand.New(rand.NewPCG(seed, random.Uint64()))
			group.Go(func() {
				for len(mine) > 0 {
					some := mine[:min(len(mine), 1+sizes.IntN(250))]
					mine = mine[len(some):]
					if err := b.store.Record(b.ctx, some, make([]Outcome, len(some))); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		m.check(b.ctx, t, b.store)
		if t.Failed() {
			t.Fatalf("in schedule %d", schedule)
		}
	}
}

// TestClusterFailover kills a master with unanswered batches. Its replica, which had all that was
// answered, takes over while the callers go on.
func TestClusterFailover(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, 3, true)
	rdb, err := Connect(Connection{URL: cluster.URL(), Cluster: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	store, err := New(rdb, Options{Shards: 4, Retention: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	orders := randomOrders(rand.New(rand.NewPCG(1, 1)), 1200)
	m := newModel()
	for _, o := range orders {
		m.count(o)
	}
	outcomes := make([]Outcome, len(orders))
	half := len(orders) / 2
	if err := store.Record(ctx, orders[:half], outcomes[:half]); err != nil {
		t.Fatal(err)
	}

	master, err := cluster.Owner(ctx, tagOf(0))
	if err != nil {
		t.Fatal(err)
	}
	pair := slices.Index(cluster.Masters, master)
	// Redis copies to replicas after it answers: what is answered in that moment and lost with the
	// master is the one thing that only a replay brings back. Here the replica has it.
	if n, err := master.Client().Wait(ctx, 1, 10*time.Second).Result(); err != nil || n != 1 {
		t.Fatalf("the replica did not catch up: %d, %v", n, err)
	}
	if err := master.Freeze(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for at := half; at < len(orders) && ctx.Err() == nil; {
			// As the queue does: what is not settled is redelivered.
			part := orders[at:min(at+100, len(orders))]
			if err := store.Record(ctx, part, outcomes[at:at+len(part)]); err == nil {
				at += len(part)
			}
		}
	}()
	time.Sleep(50 * time.Millisecond) // so that some of it is under way; nothing depends on how much
	master.Kill()
	if err := cluster.TakeOver(ctx, pair); err != nil {
		t.Fatal(err)
	}
	<-done
	for i, outcome := range outcomes {
		if outcome == Unsettled {
			t.Fatalf("order %d is not settled", i)
		}
	}
	m.check(ctx, t, store)
}

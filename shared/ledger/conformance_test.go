package ledger

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/order"
	"orderpipeline/shared/redistest"
)

// The suite below runs unchanged on each layout of a store: they must not differ from outside.
var layouts = []struct {
	name   string
	shards int
	start  func(testing.TB) redis.UniversalClient
}{
	{"one shard", 1, oneServer},
	{"four shards on one server", 4, oneServer},
	{"four shards on a cluster of three masters", 4, cluster},
}

func oneServer(t testing.TB) redis.UniversalClient { return redistest.Client(t) }

func cluster(t testing.TB) redis.UniversalClient {
	return redistest.StartCluster(t, 3, false).Client()
}

func TestConformance(t *testing.T) {
	t.Parallel()
	suite := []struct {
		name string
		test func(*testing.T, *fixture)
	}{
		{"an empty store answers zeros", emptyStore},
		{"an order is counted in every aggregate", everyAggregate},
		{"the same order again is a duplicate", duplicates},
		{"other content under the same id is a conflict", conflicts},
		{"duplicates and conflicts within one batch", withinABatch},
		{"random batches in one order", randomBatches},
		{"batch order does not matter", batchOrder},
		{"the same batches on sixteen consumers at once", sixteenConsumers},
		{"conflicting contents racing", racingConflicts},
		{"equal spends have one order", ties},
		{"the leaderboard is exact although it does not hold everybody", manyCustomers},
		{"a sum past the exact limit is refused and leaves no trace", overflow},
		{"a shard's revenue has its own exact limit", shardRevenueLimit},
		{"any schedule of the same batches gives the same sums", anySchedule},
		{"a crash between claim and record is settled by the retry", crashAfterClaim},
		{"a crash before a claim is released is settled by the retry", crashBeforeRelease},
		{"a conflict after a lost claim leaves the order that was counted", lostClaim},
		{"a lost claim is restored by the replay, or told by it", lostClaimApart},
		{"an order without value counts", freeOrder},
		{"hostile ids are only names", hostileIDs},
		{"an order is remembered until it was not seen for two retentions", retention},
		{"a lost script is sent again", lostScript},
		{"a key of the wrong type holds up only its own orders", wrongType},
		{"a figure that is no number holds up only its own orders", noNumber},
		{"another layout is refused", otherLayout},
		{"refused messages are counted once each", refusedOnce},
		{"counters of many instances add up", countersAddUp},
		{"days and months are those of the time zone", timeZones},
		{"the months asked for are the same among many", manyMonths},
		{"days are exact while their entries wait", daysInSmallCalls},
		{"days are exact beyond what a double holds", daysBeyondDoubles},
		{"a day that is no number is not half counted", brokenDay},
		{"a replay counts what was lost and nothing else", replayLost},
		{"only healing counts healed orders", replayKinds},
		{"a replay of an id that was taken since is a conflict", replayConflict},
		{"replays beside live traffic", replayBesideRecord},
		{"a replay whose markers may be gone is refused", replayTooOld},
		{"an order seen again is remembered from there", replaySeenAgain},
		{"pages while orders are recorded", pageWhileRecording},
		{"customers with long ids share a bucket", longCustomers},
		{"cursors of another origin are refused", badCursors},
		{"a store of any layout is cleared", clearOther},
		{"an interrupted clear is completed", clearInterrupted},
	}
	for _, layout := range layouts {
		t.Run(layout.name, func(t *testing.T) {
			t.Parallel()
			rdb := layout.start(t)
			for _, c := range suite {
				t.Run(c.name, func(t *testing.T) {
					b := &fixture{T: t, ctx: t.Context(), rdb: rdb, shards: layout.shards}
					b.flush()
					b.store = b.open(layout.shards)
					c.test(t, b)
				})
			}
		})
	}
}

func emptyStore(t *testing.T, b *fixture) {
	newModel().check(b.ctx, t, b.store)
	if _, err := b.store.User(b.ctx, "U1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("user of an empty store: %v, want ErrNotFound", err)
	}
	if err := b.store.Ping(b.ctx); err != nil {
		t.Error(err)
	}
}

func everyAggregate(t *testing.T, b *fixture) {
	one := makeOrder("ORD1", "U1", 4000)
	one.Mismatch = true
	b.wantOutcomes(b.record(one), Recorded)
	m := newModel()
	m.count(one)
	m.check(b.ctx, t, b.store)
}

func duplicates(t *testing.T, b *fixture) {
	one := makeOrder("ORD1", "U1", 4000)
	m := newModel()
	m.count(one)
	b.record(one)
	for range 3 {
		b.wantOutcomes(b.record(one), Duplicate)
	}
	elsewhere := one
	elsewhere.Placed = one.Placed.In(time.FixedZone("", 3600)) // the same moment
	b.wantOutcomes(b.record(elsewhere), Duplicate)
	m.check(b.ctx, t, b.store)
	counts, err := b.store.Messages(b.ctx)
	equal(t, "duplicates", counts.Duplicate, err, 4)
}

func conflicts(t *testing.T, b *fixture) {
	here, there := b.usersApart()
	one := makeOrder("ORD1", here, 4000)
	m := newModel()
	m.count(one)
	b.record(one)
	otherUser, otherValue, otherTime := one, one, one
	otherUser.UserID = there
	otherValue.Value++
	otherTime.Placed = one.Placed.Add(time.Second)
	b.wantOutcomes(b.record(otherUser, otherValue, otherTime), Conflict, Conflict, Conflict)
	b.wantOutcomes(b.record(one), Duplicate)
	m.check(b.ctx, t, b.store)
}

func withinABatch(t *testing.T, b *fixture) {
	here, there := b.usersApart()
	one := makeOrder("ORD1", here, 4000)
	m := newModel()
	m.count(one)
	outcomes := b.record(one, one, makeOrder("ORD1", there, 4000), one)
	b.wantOutcomes(outcomes, Recorded, Duplicate, Conflict, Duplicate)
	m.check(b.ctx, t, b.store)
}

func randomBatches(t *testing.T, b *fixture) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	orders := randomOrders(rand.New(rand.NewPCG(seed, 0)), 1500)
	m := newModel()
	for batch := range slices.Chunk(orders, 333) {
		want := make([]Outcome, len(batch))
		for i, o := range batch {
			want[i] = m.count(o)
		}
		b.wantOutcomes(b.record(batch...), want...)
	}
	m.check(b.ctx, t, b.store)
}

func batchOrder(t *testing.T, b *fixture) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	m := newModel()
	orders := m.withoutConflicts(randomOrders(random, 1500))
	random.Shuffle(len(orders), func(i, j int) { orders[i], orders[j] = orders[j], orders[i] })
	for batch := range slices.Chunk(orders, 1+random.IntN(400)) {
		b.record(batch...)
	}
	m.check(b.ctx, t, b.store)
}

func sixteenConsumers(t *testing.T, b *fixture) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	m := newModel()
	orders := m.withoutConflicts(randomOrders(random, 1000))
	var group sync.WaitGroup
	var mu sync.Mutex
	recorded := map[string]int{}
	for consumer := range 16 {
		mine := slices.Clone(orders)
		if consumer%2 == 1 {
			slices.Reverse(mine)
		}
		group.Go(func() {
			for batch := range slices.Chunk(mine, 100) {
				outcomes := make([]Outcome, len(batch))
				if err := b.store.Record(b.ctx, batch, outcomes); err != nil {
					t.Error(err)
				}
				mu.Lock()
				for i, o := range batch {
					if outcomes[i] == Recorded {
						recorded[o.ID]++
					}
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	for _, o := range orders {
		if recorded[o.ID] != 1 {
			t.Errorf("%s was answered as recorded %d times", o.ID, recorded[o.ID])
		}
	}
	// The mismatch flag is no part of the content, so any of the equal messages may have brought it.
	m.check(b.ctx, t, b.store)
}

func racingConflicts(t *testing.T, b *fixture) {
	here, there := b.usersApart()
	const ids = 50
	winners := make([]order.Order, ids)
	var mu sync.Mutex
	var group sync.WaitGroup
	for racer := range 8 {
		group.Go(func() {
			user := []string{here, there}[racer%2]
			orders, outcomes := make([]order.Order, ids), make([]Outcome, ids)
			for i := range orders {
				orders[i] = makeOrder(fmt.Sprintf("ORD%d", i), user, order.Cents(100+racer))
			}
			if err := b.store.Record(b.ctx, orders, outcomes); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for i, outcome := range outcomes {
				if outcome == Recorded && winners[i].ID != "" {
					t.Errorf("%s was recorded with two contents", orders[i].ID)
				}
				if outcome == Recorded {
					winners[i] = orders[i]
				}
			}
		})
	}
	group.Wait()
	m := newModel()
	for i, o := range winners {
		if o.ID == "" {
			t.Fatalf("ORD%d was not recorded", i)
		}
		m.count(o)
	}
	m.check(b.ctx, t, b.store)
}

func ties(t *testing.T, b *fixture) {
	m := newModel()
	var orders []order.Order
	for i := range 30 {
		o := makeOrder(fmt.Sprintf("ORD%d", i), fmt.Sprintf("U%d", i), order.Cents(100*(i%3)))
		m.count(o)
		orders = append(orders, o)
	}
	b.record(orders...)
	m.check(b.ctx, t, b.store)
	first, err := b.store.Top(b.ctx, 5)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		again, err := b.store.Top(b.ctx, 5)
		equal(t, "the same five", again, err, first)
	}
}

// manyCustomers counts many customers with equal spends, so that the leaderboard is trimmed several
// times, and customers who fell out of it rise again.
func manyCustomers(t *testing.T, b *fixture) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	spend := map[string]order.Cents{}
	for batch := range 16 {
		orders := make([]order.Order, 1500)
		for i := range orders {
			user := fmt.Sprintf("U%d", random.IntN(9000))
			orders[i] = makeOrder(fmt.Sprintf("ORD%d-%d", batch, i), user, order.Cents(random.IntN(8)*100))
			spend[user] += orders[i].Value
		}
		b.record(orders...)
		want := make([]Spender, 0, len(spend))
		for user, cents := range spend {
			want = append(want, Spender{user, cents})
		}
		slices.SortFunc(want, bySpend)
		for _, n := range []int{1, 10, MaxTop} {
			got, err := b.store.Top(b.ctx, n)
			equal(t, fmt.Sprintf("top %d after %d batches", n, batch+1), got, err, want[:min(n, len(want))])
		}
	}
	for shard := range b.shards {
		if n := b.rdb.ZCard(b.ctx, tagOf(shard)+topKey).Val(); n > 2*MaxTop {
			t.Errorf("the leaderboard of shard %d holds %d customers, want at most %d", shard, n, 2*MaxTop)
		}
	}
}

func overflow(t *testing.T, b *fixture) {
	rich, poor := b.usersApart()
	m := newModel()
	full := makeOrder("FULL", rich, MaxSpend-10)
	m.count(full)
	b.wantOutcomes(b.record(full), Recorded)

	tooMuch, fits := makeOrder("ORD1", rich, 11), makeOrder("ORD2", poor, 500)
	m.count(fits)
	b.wantOutcomes(b.record(tooMuch, fits, tooMuch), Overflow, Recorded, Overflow)
	m.check(b.ctx, t, b.store)

	// It left no trace: under the same id, another content may come.
	justRight := makeOrder("ORD1", rich, 10)
	m.count(justRight)
	b.wantOutcomes(b.record(justRight, tooMuch), Recorded, Conflict)
	m.check(b.ctx, t, b.store)
}

func freeOrder(t *testing.T, b *fixture) {
	free := makeOrder("ORD1", "U1", 0)
	m := newModel()
	m.count(free)
	b.wantOutcomes(b.record(free), Recorded)
	b.wantOutcomes(b.record(free), Duplicate)
	m.check(b.ctx, t, b.store)
}

func hostileIDs(t *testing.T, b *fixture) {
	m := newModel()
	var orders []order.Order
	names := []string{
		"{o0}", "{o1}top", "a b", "é", "\U0001F600", "*", "2024-05", "orders", "slot", `"`, "\\x00",
	}
	for _, name := range names {
		o := makeOrder(name, name, 100)
		m.count(o)
		orders = append(orders, o)
	}
	b.record(orders...)
	m.check(b.ctx, t, b.store)
}

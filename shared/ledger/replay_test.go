package ledger

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"orderpipeline/shared/order"
)

// replay replays the orders as archived now.
func (b *fixture) replay(kind ReplayKind, orders ...order.Order) []Outcome {
	b.Helper()
	outcomes := make([]Outcome, len(orders))
	if err := b.store.Replay(b.ctx, time.Now(), kind, orders, outcomes); err != nil {
		b.Fatalf("replay: %v", err)
	}
	return outcomes
}

func (b *fixture) messages() MessageCounts {
	b.Helper()
	counts, err := b.store.Messages(b.ctx)
	if err != nil {
		b.Fatal(err)
	}
	return counts
}

// replayLost replays orders of which a part is lost: the lost ones are counted, all else stays.
func replayLost(t *testing.T, b *fixture) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	m := newModel()
	orders := m.withoutConflicts(randomOrders(rand.New(rand.NewPCG(seed, 0)), 600))
	kept := orders[:len(orders)/3]
	known := map[string]bool{}
	for _, o := range kept {
		known[o.ID] = true
	}
	b.record(kept...)
	before := b.messages()

	lost := int64(len(m.counted) - len(known))
	for turn := range 3 {
		outcomes := b.replay(Healing, orders...)
		recorded := 0
		for i, outcome := range outcomes {
			if outcome == Recorded {
				recorded++
			}
			if outcome != Recorded && outcome != Duplicate {
				t.Errorf("outcome %d of %s", outcome, orders[i].ID)
			}
		}
		if want := map[bool]int{true: int(lost), false: 0}[turn == 0]; recorded != want {
			t.Errorf("turn %d recorded %d orders, want %d", turn, recorded, want)
		}
		m.check(b.ctx, t, b.store)
		after := b.messages()
		if after.Duplicate != before.Duplicate {
			t.Errorf("%d duplicates, want %d as before", after.Duplicate, before.Duplicate)
		}
		if after.Healed != lost {
			t.Errorf("%d healed orders, want %d", after.Healed, lost)
		}
	}
}

// replayKinds: only healing adds to the healed orders.
func replayKinds(t *testing.T, b *fixture) {
	m := newModel()
	for i, kind := range []ReplayKind{Rebuilding, Importing} {
		o := makeOrder(fmt.Sprintf("ORD%d", i), "U1", 100)
		b.wantOutcomes(b.replay(kind, o, o), m.count(o), m.count(o))
	}
	m.check(b.ctx, t, b.store)
	if got := b.messages(); got.Healed != 0 || got.Duplicate != 0 {
		t.Errorf("%d healed, %d duplicates, want none", got.Healed, got.Duplicate)
	}
}

// replayConflict: a lost order whose id was taken since is a conflict, and nothing changes.
func replayConflict(t *testing.T, b *fixture) {
	here, there := b.usersApart()
	taken := makeOrder("ORD1", here, 100)
	m := newModel()
	m.count(taken)
	b.record(taken)
	b.wantOutcomes(b.replay(Healing, makeOrder("ORD1", there, 200), taken), Conflict, Duplicate)
	m.check(b.ctx, t, b.store)
}

// replayBesideRecord: several replays and live traffic give the same orders at once.
func replayBesideRecord(t *testing.T, b *fixture) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	m := newModel()
	orders := m.withoutConflicts(randomOrders(rand.New(rand.NewPCG(seed, 0)), 900))
	for i := range orders {
		orders[i].Mismatch = false // the one of a repeated order that comes first would matter
	}
	for id, o := range m.counted {
		o.Mismatch = false
		m.counted[id] = o
	}
	var group sync.WaitGroup
	for caller := range 8 {
		mine := slices.Clone(orders)
		if caller%2 == 1 {
			slices.Reverse(mine)
		}
		group.Go(func() {
			for batch := range slices.Chunk(mine, 90+caller) {
				outcomes := make([]Outcome, len(batch))
				var err error
				if caller < 4 {
					err = b.store.Record(b.ctx, batch, outcomes)
				} else {
					err = b.store.Replay(b.ctx, time.Now(), Healing, batch, outcomes)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	m.check(b.ctx, t, b.store)
}

// replayTooOld: what was archived a retention ago may be replayed into a store that was begun
// since, and into no other.
func replayTooOld(t *testing.T, b *fixture) {
	m := newModel()
	old := makeOrder("ORD1", "U1", 100)
	outcomes := make([]Outcome, 1)
	replay := func(archivedAt time.Time) error {
		return b.store.Replay(b.ctx, archivedAt, Rebuilding, []order.Order{old}, outcomes)
	}

	longAgo := time.Now().Add(-1000 * time.Hour)
	if err := replay(longAgo); err != nil {
		t.Errorf("into a new store: %v", err)
	}
	b.wantOutcomes(outcomes, m.count(old))

	b.age(time.Hour + time.Minute) // the retention, within the margin
	if err := replay(longAgo); !errors.Is(err, ErrTooOld) {
		t.Errorf("into an old store: %v, want ErrTooOld", err)
	}
	b.wantOutcomes(outcomes, Unsettled)
	if err := replay(time.Now().Add(-59 * time.Minute)); err != nil {
		t.Errorf("archived within the retention: %v", err)
	}
	b.wantOutcomes(outcomes, Duplicate)
	if err := replay(time.Now().Add(-61 * time.Minute)); !errors.Is(err, ErrTooOld) {
		t.Errorf("archived before the retention: %v, want ErrTooOld", err)
	}
	b.wantOutcomes(outcomes, Unsettled)
	m.check(b.ctx, t, b.store)
}

// replaySeenAgain: an order that was seen again late is archived again then, so its marker must be
// kept for a retention from there.
func replaySeenAgain(t *testing.T, b *fixture) {
	m := newModel()
	o := makeOrder("ORD1", "U1", 100)
	b.wantOutcomes(b.record(o), m.count(o))
	neighbour := makeOrder("ORD2", "U1", 100)
	for n := 3; b.placeOf(neighbour) != b.placeOf(o); n++ {
		neighbour.ID = fmt.Sprintf("ORD%d", n)
	}

	b.age(lifetime)
	b.wantOutcomes(b.record(neighbour), m.count(neighbour)) // begins another generation
	b.wantOutcomes(b.record(o), Duplicate)                  // archived once more, as a duplicate
	archivedAt := time.Now().Add(-59 * time.Minute)
	b.age(lifetime)
	b.wantOutcomes(b.record(neighbour), Duplicate) // drops the first generation

	outcomes := make([]Outcome, 1)
	err := b.store.Replay(b.ctx, archivedAt, Healing, []order.Order{o}, outcomes)
	if err != nil {
		t.Error(err)
	}
	b.wantOutcomes(outcomes, Duplicate)
	m.check(b.ctx, t, b.store)
}

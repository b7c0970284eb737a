package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"orderpipeline/shared/order"
)

// clearOther clears stores of other layouts, and fills them again in this one.
func clearOther(t *testing.T, b *fixture) {
	orders := make([]order.Order, 300)
	for i := range orders {
		orders[i] = makeOrder(fmt.Sprintf("ORD%d", i), fmt.Sprintf("U%d", i), 100)
	}
	b.record(orders...)
	b.record(orders[:10]...)
	if err := b.store.AddCounters(b.ctx, map[string]int64{FailedMessages: 4}); err != nil {
		t.Fatal(err)
	}
	refused := []RefusedMessage{{MessageID: "m1", Reason: order.InvalidJSON}}
	if err := b.store.CountRefused(b.ctx, refused); err != nil {
		t.Fatal(err)
	}
	before := b.messages()

	for _, shards := range []int{b.shards + 1, b.shards} {
		b.store = b.open(shards)
		outcomes := make([]Outcome, 1)
		if err := b.store.Record(b.ctx, orders[:1], outcomes); !errors.Is(err, ErrLayout) {
			t.Fatalf("with another layout: %v, want ErrLayout", err)
		}
		b.clear()
		newModel().check(b.ctx, t, b.store)
		state, err := b.store.State(b.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if state.Layout != b.store.layout || state.Orders != 0 {
			t.Errorf("state %+v, want layout %s without orders", state, b.store.layout)
		}
		marks, err := b.store.readFields(
			b.ctx, []string{b.store.tags[0] + totalsKey}, []string{fieldBegun},
		)
		if err != nil {
			t.Fatal(err)
		}
		begun, err := strconv.ParseInt(marks[0][0], 10, 64)
		if age := time.Since(time.Unix(begun, 0)); err != nil || age.Abs() > 10*time.Minute {
			t.Errorf("begun at %q, error %v; want now", marks[0][0], err)
		}

		m := newModel()
		for i, outcome := range b.replay(Rebuilding, orders...) {
			b.wantOutcomes([]Outcome{outcome}, m.count(orders[i]))
		}
		m.check(b.ctx, t, b.store)
		equal(t, "message counts", b.messages(), nil, before)
		if state, err = b.store.State(b.ctx); err != nil || state.Orders != int64(len(orders)) {
			t.Errorf("state %+v, %v, want %d orders", state, err, len(orders))
		}
	}
}

func (b *fixture) clear() {
	b.Helper()
	if _, err := b.store.Clear(b.ctx); err != nil {
		b.Fatalf("clear: %v", err)
	}
}

// clearInterrupted stops in the middle: nothing is counted until another call completes it.
func clearInterrupted(t *testing.T, b *fixture) {
	one := makeOrder("ORD1", "U1", 100)
	b.record(one)
	ctx, cancel := context.WithCancel(b.ctx)
	first := b.store.tags[0] + totalsKey
	if err := b.rdb.HSet(b.ctx, first, fieldLayout, clearing+fmt.Sprint(b.shards)).Err(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := b.store.Clear(ctx); err == nil {
		t.Fatal("a cancelled context did not stop it")
	}

	other := b.open(b.shards)
	if err := other.Record(b.ctx, []order.Order{one}, make([]Outcome, 1)); !errors.Is(err, ErrLayout) {
		t.Errorf("recording while it is cleared: %v, want ErrLayout", err)
	}
	b.clear()
	m := newModel()
	b.wantOutcomes(b.record(one), m.count(one))
	m.check(b.ctx, t, b.store)
}

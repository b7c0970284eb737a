package ledger

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"orderpipeline/shared/order"
)

// pageWhileRecording turns pages while customers order and new ones come: who was there at the
// first page is on exactly one.
func pageWhileRecording(t *testing.T, b *fixture) {
	var orders []order.Order
	for i := range 500 {
		orders = append(orders, makeOrder(fmt.Sprintf("ORD%d", i), fmt.Sprintf("U%d", i), 100))
	}
	b.record(orders...)

	pages := map[string]int{}
	cursor := ""
	for turn := 0; turn == 0 || cursor != ""; turn++ {
		page, next, err := b.store.Customers(b.ctx, cursor, 23)
		if err != nil {
			t.Fatal(err)
		}
		for _, customer := range page {
			pages[customer.UserID]++
		}
		cursor = next
		again := makeOrder(fmt.Sprintf("AGAIN%d", turn), fmt.Sprintf("U%d", turn), 100)
		b.record(again, makeOrder(fmt.Sprintf("NEW%d", turn), fmt.Sprintf("new %d", turn), 100))
	}
	for _, o := range orders {
		if pages[o.UserID] != 1 {
			t.Errorf("%s is on %d pages, want 1", o.UserID, pages[o.UserID])
		}
	}
	for user, n := range pages {
		if n > 1 {
			t.Errorf("%s is on %d pages", user, n)
		}
	}
}

// longCustomers have ids that Redis does not store compactly, several of them in one bucket.
func longCustomers(t *testing.T, b *fixture) {
	m := newModel()
	long := strings.Repeat("é", 128)
	orders := []order.Order{makeOrder("LONG", long, 100)}
	for i := 0; len(orders) < 4; i++ {
		user := fmt.Sprint(i)
		if bucketOf(user) == bucketOf(long) && shardOf(user, b.shards) == shardOf(long, b.shards) {
			orders = append(orders, makeOrder("ORD"+user, user, 100))
		}
	}
	for _, o := range orders {
		m.count(o)
	}
	b.record(orders...)
	m.check(b.ctx, t, b.store)

	seen := map[string]bool{}
	cursor := ""
	for range orders {
		page, next, err := b.store.Customers(b.ctx, cursor, 1)
		if err != nil || len(page) != 1 {
			t.Fatalf("page of one: %v, %v", page, err)
		}
		seen[page[0].UserID] = true
		cursor = next
	}
	if len(seen) != len(orders) || cursor != "" {
		t.Errorf("%d customers, cursor %q, want %d and none", len(seen), cursor, len(orders))
	}
}

func badCursors(t *testing.T, b *fixture) {
	var orders []order.Order
	for i := range 3 {
		orders = append(orders, makeOrder(fmt.Sprintf("ORD%d", i), fmt.Sprintf("U%d", i), 100))
	}
	b.record(orders...)
	_, good, err := b.store.Customers(b.ctx, "", 1)
	if err != nil || good == "" {
		t.Fatalf("cursor %q: %v", good, err)
	}
	for _, bad := range []string{
		"U1", "x", "AAAA", good + "A", good[1:], good + "=", "\x00", strings.Repeat("A", 5000),
		base64.RawURLEncoding.EncodeToString([]byte("\x00\x00\x00\x00U1")),
	} {
		if _, _, err := b.store.Customers(b.ctx, bad, 1); !errors.Is(err, ErrBadCursor) {
			t.Errorf("cursor %q: %v, want ErrBadCursor", bad, err)
		}
	}
	other := b.open(b.shards + 1)
	if _, err := other.readCursor(good); !errors.Is(err, ErrBadCursor) {
		t.Errorf("cursor of another layout: %v, want ErrBadCursor", err)
	}
	for _, limit := range []int{-1, 0, MaxPage + 1} {
		if _, _, err := b.store.Customers(b.ctx, "", limit); err == nil {
			t.Errorf("a page of %d customers was answered", limit)
		}
	}
}

package ledger_test

import (
	"context"
	"fmt"
	"time"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
	"orderpipeline/shared/redistest/redisserver"
)

// Orders are counted once, however often they are recorded. Other content under a known order id is
// a conflict: the first stays.
func ExampleStore_Record() {
	store, stop := exampleStore()
	defer stop()

	first := order.Order{
		ID:     "ORD1234",
		UserID: "U5678",
		Placed: time.Date(2024, 12, 13, 10, 0, 0, 0, time.UTC),
		Value:  4000, // cents
	}
	changed := first
	changed.Value = 5000
	orders := []order.Order{first, first, changed}
	outcomes := make([]ledger.Outcome, len(orders))
	if err := store.Record(context.Background(), orders, outcomes); err != nil {
		fmt.Println(err)
		return
	}
	names := map[ledger.Outcome]string{
		ledger.Recorded:  "recorded",
		ledger.Duplicate: "duplicate",
		ledger.Conflict:  "conflict",
	}
	for i, outcome := range outcomes {
		fmt.Println(orders[i].ID, orders[i].Value, names[outcome])
	}

	customer, err := store.User(context.Background(), "U5678")
	fmt.Println(customer.Orders, customer.Spend, err)
	// Output:
	// ORD1234 40.00 recorded
	// ORD1234 40.00 duplicate
	// ORD1234 50.00 conflict
	// 1 40.00 <nil>
}

// A replay counts what Redis lost, here everything, and nothing twice.
func ExampleStore_Replay() {
	store, stop := exampleStore()
	defer stop()

	archived := time.Now()
	orders := []order.Order{{ID: "ORD1", UserID: "U1", Placed: archived, Value: 999}}
	outcomes := make([]ledger.Outcome, 1)
	for range 2 {
		ctx := context.Background()
		if err := store.Replay(ctx, archived, ledger.Healing, orders, outcomes); err != nil {
			fmt.Println(err)
			return
		}
		counts, err := store.Messages(ctx)
		fmt.Println(outcomes[0] == ledger.Recorded, counts.Recorded, counts.Healed, err)
	}
	// Output:
	// true 1 1 <nil>
	// false 1 1 <nil>
}

// exampleStore opens a store on a separate redis-server.
func exampleStore() (store *ledger.Store, stop func()) {
	server, err := redisserver.Start()
	if err != nil {
		panic(err)
	}
	rdb, err := ledger.Connect(ledger.Connection{URL: server.URL()})
	if err != nil {
		panic(err)
	}
	store, err = ledger.New(rdb, ledger.Options{Shards: 1, Retention: 400 * 24 * time.Hour})
	if err != nil {
		panic(err)
	}
	return store, func() {
		_ = store.Close()
		_ = server.Close()
	}
}

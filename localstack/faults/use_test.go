package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
)

// A use is what a function does with Redis, as one of its users.
type use struct {
	name string
	do   func(ctx context.Context, store *ledger.Store, admin redis.UniversalClient) error
}

func someOrders(n int) []order.Order {
	orders := make([]order.Order, n)
	for i := range orders {
		orders[i] = order.Order{
			ID:     fmt.Sprintf("ORD%d", i),
			UserID: fmt.Sprintf("U%d", i%7),
			Value:  100,
			Placed: time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC),
		}
	}
	return orders
}

func record(
	ctx context.Context, store *ledger.Store, orders []order.Order, want ledger.Outcome,
) error {
	outcomes := make([]ledger.Outcome, len(orders))
	if err := store.Record(ctx, orders, outcomes); err != nil {
		return err
	}
	if i := slices.IndexFunc(outcomes, func(o ledger.Outcome) bool { return o != want }); i >= 0 {
		return fmt.Errorf("outcome %d, want %d", outcomes[i], want)
	}
	return nil
}

// writing is all that the order function and the replay function do.
var writing = []use{
	{
		"count refused messages",
		func(ctx context.Context, store *ledger.Store, _ redis.UniversalClient) error {
			return store.CountRefused(
				ctx, []ledger.RefusedMessage{{MessageID: "m1", Reason: order.InvalidJSON}},
			)
		},
	},
	{
		"add to the counters",
		func(ctx context.Context, store *ledger.Store, _ redis.UniversalClient) error {
			return store.AddCounters(ctx, map[string]int64{"a": 1, "b": 2})
		},
	},
	{"record", func(ctx context.Context, store *ledger.Store, _ redis.UniversalClient) error {
		return errors.Join(
			record(ctx, store, someOrders(50), ledger.Recorded),
			record(ctx, store, someOrders(50), ledger.Duplicate),
		)
	}},
	{
		"record when the script is lost",
		func(ctx context.Context, store *ledger.Store, admin redis.UniversalClient) error {
			flush := func(node redis.Cmdable) error { return node.ScriptFlush(ctx).Err() }
			if err := onEveryMaster(ctx, admin, flush); err != nil {
				return err
			}
			return record(ctx, store, someOrders(50), ledger.Recorded)
		},
	},
	{
		"count more customers than the leaderboard holds",
		func(ctx context.Context, store *ledger.Store, _ redis.UniversalClient) error {
			orders := someOrders(3 * 2 * ledger.MaxTop) // enough for each of three shards
			for i := range orders {
				orders[i].UserID = fmt.Sprintf("customer %d", i)
			}
			return record(ctx, store, orders, ledger.Recorded)
		},
	},
	{
		"refuse what would pass the limit",
		func(ctx context.Context, store *ledger.Store, _ redis.UniversalClient) error {
			over := someOrders(50)
			for i := range over {
				over[i].ID += "x"
				over[i].Value = ledger.MaxSpend
			}
			return errors.Join(
				record(ctx, store, someOrders(50), ledger.Recorded), record(ctx, store, over, ledger.Overflow),
			)
		},
	},
	{"replay", func(ctx context.Context, store *ledger.Store, _ redis.UniversalClient) error {
		orders := someOrders(50)
		outcomes := make([]ledger.Outcome, len(orders))
		return store.Replay(ctx, time.Now(), ledger.Healing, orders, outcomes)
	}},
	{
		"clear the store",
		func(ctx context.Context, store *ledger.Store, _ redis.UniversalClient) error {
			if err := record(ctx, store, someOrders(1), ledger.Recorded); err != nil {
				return err
			}
			_, err := store.Clear(ctx)
			return err
		},
	},
	{
		"roll back a half recorded chunk",
		func(ctx context.Context, store *ledger.Store, admin redis.UniversalClient) error {
			for shard := range 3 {
				key := fmt.Sprintf("{o%d}months", shard)
				if err := admin.Set(ctx, key, "not a hash", 0).Err(); err != nil {
					return err
				}
			}
			err := record(ctx, store, someOrders(1), ledger.Recorded)
			if err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
				return fmt.Errorf("over a key of the wrong type: %w", err)
			}
			for shard := range 3 {
				bucket := fmt.Sprintf("{o%d}u*", shard)
				if err := onEveryMaster(ctx, admin, func(node redis.Cmdable) error {
					left, err := node.Keys(ctx, bucket).Result()
					if err == nil && len(left) > 0 {
						err = errNotRolledBack
					}
					return err
				}); err != nil {
					return err
				}
			}
			return nil
		},
	},
}

// errNotRolledBack: figures of a customer without orders are left.
var errNotRolledBack = errors.New("the chunk was not rolled back")

// reading is all that the stats function does.
var reading = []use{
	{
		"ping",
		func(ctx context.Context, store *ledger.Store, _ redis.UniversalClient) error {
			return store.Ping(ctx)
		},
	},
	{
		"answer every question",
		func(ctx context.Context, store *ledger.Store, _ redis.UniversalClient) error {
			_, user := store.User(ctx, "U1")
			_, global := store.Global(ctx)
			_, top := store.Top(ctx, 10)
			_, monthly := store.Monthly(
				ctx, order.MonthOf(time.Unix(0, 0)), order.MonthOf(time.Unix(1e9, 0)),
			)
			_, months := store.Months(ctx)
			_, daily := store.Daily(ctx, order.DayOf(time.Unix(0, 0)), order.DayOf(time.Unix(1e7, 0)))
			_, _, customers := store.Customers(ctx, "", 2)
			_, messages := store.Messages(ctx)
			_, counters := store.Counters(ctx)
			return errors.Join(user, global, top, monthly, months, daily, customers, messages, counters)
		},
	},
	{
		"add to the counters",
		func(ctx context.Context, store *ledger.Store, _ redis.UniversalClient) error {
			return store.AddCounters(ctx, map[string]int64{"a": 1, "b": 2})
		},
	},
}

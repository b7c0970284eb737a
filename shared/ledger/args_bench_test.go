package ledger

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/order"
)

// BenchmarkRecordArgs builds the arguments of full record scripts, without Redis; its time is per
// order.
func BenchmarkRecordArgs(b *testing.B) {
	orders := make([]order.Order, chunkOrders)
	for i := range orders {
		orders[i] = order.Order{
			ID:     fmt.Sprintf("ORD-%09d-%012x", i, i),
			UserID: fmt.Sprintf("U%d", i*7919%10_000),
			Value:  order.Cents(100 + i),
			Placed: time.Date(2024, time.Month(1+i%12), 1+i%28, 0, 0, 0, 0, time.UTC),
		}
	}
	store, err := New(redis.NewClient(&redis.Options{}), Options{Shards: 1, Retention: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	outcomes := make([]Outcome, len(orders))
	b.ReportAllocs()
	for done := 0; done < b.N; done += len(orders) {
		r := store.newRecording(orders, outcomes)
		args := r.recordArgs(chunk{0, r.bySegment()})
		if len(args) < 4*len(orders) {
			b.Fatalf("%d arguments", len(args))
		}
	}
}

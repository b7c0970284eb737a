package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
	"orderpipeline/shared/redistest"
)

// BenchmarkRecord counts new orders of 10,000 customers in batches; its time is per order.
func BenchmarkRecord(b *testing.B) {
	for _, size := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			rdb := redistest.Start(b, "--appendonly", "no").Client()
			store, err := ledger.New(rdb, ledger.Options{Shards: 1, Retention: time.Hour})
			if err != nil {
				b.Fatal(err)
			}
			random := rand.New(rand.NewPCG(1, 1))
			orders, outcomes := make([]order.Order, size), make([]ledger.Outcome, size)
			start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; done += size {
				for i := range orders {
					orders[i] = order.Order{
						ID:     fmt.Sprintf("ORD-%09d-%012x", done+i, random.Uint64()>>16),
						UserID: fmt.Sprintf("U%d", random.IntN(10_000)),
						Placed: start.AddDate(0, random.IntN(12), random.IntN(28)),
						Value:  order.Cents(random.IntN(100_000)),
					}
				}
				if err := store.Record(b.Context(), orders, outcomes); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

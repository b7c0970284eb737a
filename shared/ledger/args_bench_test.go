package ledger

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/order"
)

// BenchmarkRecordArgs lays out the arguments of full record scripts, without Redis; its time is per order.
func BenchmarkRecordArgs(b *testing.B) {
	orders := make([]order.Order, scriptOrders)
	for i := range orders {
		orders[i] = order.Order{ID: fmt.Sprintf("ORD-%09d-%012x", i, i), UserID: fmt.Sprintf("U%d", i*7919%10_000), Value: order.Cents(100 + i),
			Placed: time.Date(2024, time.Month(1+i%12), 1, 0, 0, 0, 0, time.UTC)}
	}
	store, err := New(redis.NewClient(&redis.Options{}), Options{Shards: 1, Retention: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	all := make([]int, len(orders))
	b.ReportAllocs()
	for done := 0; done < b.N; done += len(orders) {
		batch := batch{Store: store, orders: orders, digests: make([]orderDigest, len(orders)), fingerprints: make([]fingerprint, len(orders))}
		for i := range orders {
			batch.digests[i], all[i] = digestOf(orders[i].ID), i
			binary.BigEndian.PutUint64(batch.fingerprints[i][:], orders[i].Fingerprint())
		}
		if args := batch.recordArgs(piece{0, all}); len(args) < 4*len(orders) {
			b.Fatalf("%d arguments", len(args))
		}
	}
}

package ledger

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"orderpipeline/shared/order"
)

// zones have changes of clock, offsets of quarters of an hour, and a day that never was (Apia,
// 2011-12-30).
var zones = []string{
	"Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia",
}

// timeZones counts orders around each change of clock in the days and months of the zone.
func timeZones(t *testing.T, b *fixture) {
	for _, name := range zones {
		b.flush()
		b.openZone(name)
		m := newModel()
		m.zone = b.store.zone
		var orders []order.Order
		for _, around := range []time.Time{
			time.Date(2024, 3, 10, 0, 0, 0, 0, time.UTC),   // New York
			time.Date(2024, 3, 31, 0, 0, 0, 0, time.UTC),   // Berlin
			time.Date(2024, 10, 6, 0, 0, 0, 0, time.UTC),   // Lord Howe
			time.Date(2024, 10, 27, 0, 0, 0, 0, time.UTC),  // Berlin
			time.Date(2024, 12, 31, 12, 0, 0, 0, time.UTC), // a year
		} {
			for quarter := range 4 * 48 {
				o := makeOrder(fmt.Sprintf("ORD%d", len(orders)), "U1", order.Cents(len(orders)))
				o.Placed = around.Add(time.Duration(quarter-96) * 15 * time.Minute)
				m.count(o)
				orders = append(orders, o)
			}
		}
		b.record(orders...)
		m.check(b.ctx, t, b.store)
		if t.Failed() {
			t.Fatalf("in %s", name)
		}
	}
}

// openZone opens the store with another time zone.
func (b *fixture) openZone(name string) {
	b.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		b.Fatal(err)
	}
	b.store, err = New(b.rdb, Options{Shards: b.shards, Retention: time.Hour, Zone: zone})
	if err != nil {
		b.Fatal(err)
	}
}

// manyMonths asks for months of a store that has more of them than are read as a whole.
func manyMonths(t *testing.T, b *fixture) {
	const n = compactMonths + 2
	first := month("2000-01")
	want := make([]MonthTotals, n)
	orders := make([]order.Order, n)
	for i := range n {
		orders[i] = makeOrder(fmt.Sprintf("ORD%d", i), fmt.Sprintf("U%d", i), order.Cents(100+i))
		orders[i].Placed = time.Date(2000, time.Month(1+i), 1, 0, 0, 0, 0, time.UTC)
		want[i] = MonthTotals{Date: first + order.Month(i), Orders: 1, Revenue: order.Cents(100 + i)}
	}
	b.record(orders...)

	for range 2 { // how many there are is known after the first time
		got, err := b.store.Monthly(b.ctx, first+3, first+14)
		equal(t, "a year", got, err, want[3:15])
		got, err = b.store.Monthly(b.ctx, first-12, first+n+12)
		equal(t, "all", got, err, want)
	}
	if !b.store.manyMonths.Load() {
		t.Errorf("%d months are still read as a whole", n)
	}
}

// daysInSmallCalls fills the slots of entries several times, with what is answered in between.
func daysInSmallCalls(t *testing.T, b *fixture) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	m := newModel()
	orders := randomOrders(random, 150*b.shards)
	for i, o := range orders {
		b.wantOutcomes(b.record(o), m.count(o))
		if i%40 == 0 {
			m.check(b.ctx, t, b.store)
		}
	}
	m.check(b.ctx, t, b.store)
	for shard := range b.shards {
		fields := b.rdb.HKeys(b.ctx, tagOf(shard)+daysKey).Val()
		waiting := 0
		for _, field := range fields {
			if len(field) > len(fieldSlot) && field[:len(fieldSlot)] == fieldSlot {
				waiting++
			}
		}
		if waiting >= slots {
			t.Errorf("%d slots of shard %d are used, want fewer than %d", waiting, shard, slots)
		}
	}
}

// daysBeyondDoubles adds to a day's revenue above 2^53, where a double would round.
func daysBeyondDoubles(t *testing.T, b *fixture) {
	const odd = 1<<56 + 1
	days := tagOf(shardOf("U1", b.shards)) + daysKey
	field := fmt.Sprint(int(day("2024-05-01"))) + centsMark
	if err := b.rdb.HSet(b.ctx, days, field, odd).Err(); err != nil {
		t.Fatal(err)
	}
	for i := range slots + 1 {
		b.record(makeOrder(fmt.Sprintf("ORD%d", i), "U1", 1))
	}
	got, err := b.store.Daily(b.ctx, day("2024-05-01"), day("2024-05-01"))
	want := DayTotals{day("2024-05-01"), slots + 1, odd + slots + 1}
	equal(t, "days", got, err, []DayTotals{want})
}

// brokenDay is a day's figure that is no number: orders are refused when it would be added to, and
// nothing is half counted.
func brokenDay(t *testing.T, b *fixture) {
	m := newModel()
	days := tagOf(shardOf("U1", b.shards)) + daysKey
	field := fmt.Sprint(int(day("2024-05-01")))
	if err := b.rdb.HSet(b.ctx, days, field, "not a number").Err(); err != nil {
		t.Fatal(err)
	}
	var refused []order.Order
	for i := range slots {
		o := makeOrder(fmt.Sprintf("ORD%d", i), "U1", order.Cents(i))
		outcomes := make([]Outcome, 1)
		err := b.store.Record(b.ctx, []order.Order{o}, outcomes)
		if err == nil {
			m.count(o)
			continue
		}
		b.wantOutcomes(outcomes, Unsettled)
		refused = append(refused, o)
	}
	if len(refused) != 1 {
		t.Errorf("%d orders were refused, want the one that fills the last slot", len(refused))
	}
	if err := b.rdb.HDel(b.ctx, days, field).Err(); err != nil {
		t.Fatal(err)
	}
	m.check(b.ctx, t, b.store)
	for _, o := range refused {
		b.wantOutcomes(b.record(o), m.count(o))
	}
	m.check(b.ctx, t, b.store)
}

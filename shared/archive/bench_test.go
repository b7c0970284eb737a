package archive_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"orderpipeline/shared/archive"
	"orderpipeline/shared/order"
)

// benchLines makes the lines of a batch of 1,000 orders, of the shape that
// localstack/bench/orders.py writes.
func benchLines(tb testing.TB) []archive.Line {
	tb.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	id := func(bytes int) string {
		raw := make([]byte, bytes)
		for i := range raw {
			raw[i] = byte(rng.Uint32())
		}
		return hex.EncodeToString(raw)
	}
	lines := make([]archive.Line, 1000)
	for i := range lines {
		var items []string
		var total int
		for range 1 + rng.IntN(4) {
			quantity, price := 1+rng.IntN(5), 500+rng.IntN(9500)
			total += quantity * price
			cents, err := json.Marshal(float64(price) / 100)
			if err != nil {
				tb.Fatal(err)
			}
			items = append(items, fmt.Sprintf(
				`{"product_id": "P%03d", "quantity": %d, "price_per_unit": %s}`,
				1+rng.IntN(99), quantity, cents,
			))
		}
		var list bytes.Buffer
		for n, item := range items {
			if n > 0 {
				list.WriteString(", ")
			}
			list.WriteString(item)
		}
		body := fmt.Sprintf(
			`{"order_id": "ORD-%09d-%s", "user_id": "U%d", "order_timestamp": `+
				`"2024-%02d-%02dT%02d:00:00Z", "order_value": %v, "items": [%s]}`,
			i, id(6), 1+rng.IntN(10_000), 1+rng.IntN(12), 1+rng.IntN(28), rng.IntN(24),
			float64(total)/100, list.String(),
		)
		o, err := order.Parse(body)
		if err != nil {
			tb.Fatal(err)
		}
		uuid := id(16)
		lines[i] = archive.Line{
			MessageID: uuid[:8] + "-" + uuid[8:12] + "-" + uuid[12:16] + "-" + uuid[16:20] + "-" + uuid[20:],
			SentAt:    time.UnixMilli(1_735_689_600_000 + int64(i)),
			Outcome:   archive.Recorded,
			Order:     o,
			Body:      body,
		}
	}
	return lines
}

func TestAnOrderTakesAtMost80Bytes(t *testing.T) {
	t.Parallel()
	lines := benchLines(t)
	if got := len(pack(t, lines...)); got > 80*len(lines) {
		t.Errorf("%d orders take %d bytes", len(lines), got)
	}
}

func BenchmarkEncode(b *testing.B) {
	lines := benchLines(b)
	var object bytes.Buffer
	e := archive.NewEncoder(&object)
	b.ReportAllocs()
	for b.Loop() {
		object.Reset()
		e.Reset(&object)
		for i := range lines {
			if err := e.Encode(&lines[i]); err != nil {
				b.Fatal(err)
			}
		}
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
	}
	report(b, len(lines))
	b.ReportMetric(float64(object.Len())/float64(len(lines)), "bytes/order")
}

func BenchmarkRead(b *testing.B) {
	lines := benchLines(b)
	object := pack(b, lines...)
	b.ReportAllocs()
	for b.Loop() {
		got, err := unpack(bytes.NewReader(object))
		if err != nil || len(got) != len(lines) {
			b.Fatalf("%d lines, error %v", len(got), err)
		}
	}
	report(b, len(lines))
}

func report(b *testing.B, orders int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(orders), "ns/order")
}

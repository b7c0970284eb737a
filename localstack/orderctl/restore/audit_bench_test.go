package restore

import (
	"fmt"
	"testing"
	"time"

	"orderpipeline/shared/archive"
	"orderpipeline/shared/order"
)

// BenchmarkAudit adds up an archive of objects with 1,000 orders each, read from an S3 in memory.
func BenchmarkAudit(b *testing.B) {
	const objects, each, users = 100, 1000, 10_000
	c := newCloud(b)
	body := `{"order_id": "ORD-%09d-0f5a3c", "user_id": "U%d", ` +
		`"order_timestamp": "2024-%02d-11T05:00:00Z", "order_value": 99.99, ` +
		`"items": [{"product_id": "P001", "quantity": 2, "price_per_unit": 20.03}, ` +
		`{"product_id": "P002", "quantity": 3, "price_per_unit": 31.5}]}`
	for i := range objects {
		var lines []archive.Line
		for n := i * each; n < (i+1)*each; n++ {
			text := fmt.Sprintf(body, n, n%users, 1+n%12)
			o, err := order.Parse(text)
			if err != nil {
				b.Fatal(err)
			}
			lines = append(lines, archive.Line{
				MessageID: fmt.Sprintf("5fea7756-0ea4-451a-a703-%012d", n), SentAt: time.Unix(int64(n), 0),
				Outcome: archive.Recorded, Order: o, Body: text,
			})
		}
		key := archive.Key(time.Unix(int64(i), 0), uint64(i))
		c.s3.Write(key, archive.Encode(lines...))
	}

	s, _, _ := c.open()
	for b.Loop() {
		book, err := s.audit(b.Context(), time.UTC)
		if err != nil || book.Total.Orders != objects*each {
			b.Fatalf("error %v, %d orders", err, book.Total.Orders)
		}
	}
	perOrder := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / (objects * each)
	b.ReportMetric(perOrder, "ns/order")
}

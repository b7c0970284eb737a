package order_test

import (
	"testing"

	"orderpipeline/shared/order"
)

// The bodies are of the shape that localstack/bench/orders.py writes.
const (
	oneItem = `{"order_id": "ORD-000000017-0f3a2b91c44d", "user_id": "U5678", "order_timestamp": "2024-12-13T10:00:00Z",` +
		` "order_value": 40.0, "items": [{"product_id": "P001", "quantity": 2, "price_per_unit": 20.0}]}`
	fourItems = `{"order_id": "ORD-000000018-9c1f02aa7b3e", "user_id": "U9041", "order_timestamp": "2024-07-02T21:00:00Z",` +
		` "order_value": 618.43, "items": [{"product_id": "P001", "quantity": 2, "price_per_unit": 20.37},` +
		` {"product_id": "P057", "quantity": 5, "price_per_unit": 84.02}, {"product_id": "P090", "quantity": 1, "price_per_unit": 57.6},` +
		` {"product_id": "P012", "quantity": 3, "price_per_unit": 33.33}]}`
)

func BenchmarkParse(b *testing.B) {
	for _, body := range []struct{ name, text string }{
		{"one item", oneItem},
		{"four items", fourItems},
	} {
		b.Run(body.name, func(b *testing.B) {
			b.SetBytes(int64(len(body.text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := order.Parse(body.text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFingerprint(b *testing.B) {
	o, err := order.Parse(fourItems)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		o.Fingerprint()
	}
}

package order_test

import (
	"encoding/json"
	"strings"
	"testing"

	"orderpipeline/shared/order"
)

// The bodies are of the shape that localstack/bench/orders.py writes.
const (
	oneItem = `{"order_id": "ORD-000000017-0f3a2b91c44d", "user_id": "U5678",` +
		` "order_timestamp": "2024-12-13T10:00:00Z", "order_value": 40.0,` +
		` "items": [{"product_id": "P001", "quantity": 2, "price_per_unit": 20.0}]}`
	fourItems = `{"order_id": "ORD-000000018-9c1f02aa7b3e", "user_id": "U9041",` +
		` "order_timestamp": "2024-07-02T21:00:00Z", "order_value": 618.43,` +
		` "items": [{"product_id": "P001", "quantity": 2, "price_per_unit": 20.37},` +
		` {"product_id": "P057", "quantity": 5, "price_per_unit": 84.02},` +
		` {"product_id": "P090", "quantity": 1, "price_per_unit": 57.6},` +
		` {"product_id": "P012", "quantity": 3, "price_per_unit": 33.33}]}`
)

func BenchmarkParse(b *testing.B) {
	for _, body := range []struct {
		name, text string
		accepted   bool
	}{
		{"one item", oneItem, true},
		{"four items", fourItems, true},
		{"four items encoded twice", encode(fourItems), true},
		{"thousand items", with("items", manyItems(1000)), true},
		{"refused for a field", strings.Replace(fourItems, `"quantity": 3`, `"quantity": 0`, 1), false},
		{"refused for its JSON", strings.TrimSuffix(fourItems, "}"), false},
	} {
		b.Run(body.name, func(b *testing.B) {
			b.SetBytes(int64(len(body.text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := order.Parse(body.text); (err == nil) != body.accepted {
					b.Fatalf("accepted: %v (error %v), want %v", err == nil, err, body.accepted)
				}
			}
		})
	}
}

// BenchmarkEncodingJSON is what the standard library takes for the syntax alone, to compare with.
func BenchmarkEncodingJSON(b *testing.B) {
	type message struct {
		OrderID        string      `json:"order_id"`
		UserID         string      `json:"user_id"`
		OrderTimestamp string      `json:"order_timestamp"`
		OrderValue     json.Number `json:"order_value"`
		Items          []struct {
			ProductID    string      `json:"product_id"`
			Quantity     json.Number `json:"quantity"`
			PricePerUnit json.Number `json:"price_per_unit"`
		} `json:"items"`
	}
	b.SetBytes(int64(len(fourItems)))
	b.ReportAllocs()
	for b.Loop() {
		var m message
		if err := json.Unmarshal([]byte(fourItems), &m); err != nil {
			b.Fatal(err)
		}
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

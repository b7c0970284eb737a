package order_test

import (
	"errors"
	"fmt"

	"orderpipeline/shared/order"
)

func ExampleParse() {
	o, err := order.Parse(`{
		"order_id": "ORD1234",
		"user_id": "U5678",
		"order_timestamp": "2024-12-13T10:00:00Z",
		"order_value": 99.99,
		"items": [{"product_id": "P001", "quantity": 2, "price_per_unit": 20.0}]
	}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(o.ID, o.UserID, o.Month(), o.Value, o.Mismatch)
	// Output: ORD1234 U5678 2024-12 40.00 true
}

// A refusal says in a code for programs, a path and a sentence what is wrong.
func ExampleParse_refused() {
	_, err := order.Parse(`{
		"order_id": "ORD1234",
		"user_id": "U5678",
		"order_timestamp": "2024-12-13T10:00:00Z",
		"items": [{"product_id": "P001", "quantity": 1.5, "price_per_unit": 20.0}]
	}`)
	var refusal *order.Refusal
	if errors.As(err, &refusal) {
		fmt.Println(refusal.Reason)
		fmt.Println(refusal.Field)
		fmt.Println(refusal.Detail)
	}
	// Output:
	// invalid_field
	// items[0].quantity
	// items[0].quantity is not a whole number: write a whole number from 1 to 1,000,000.
}

// Two messages that differ only in how they are written hold the same order.
func ExampleOrder_Fingerprint() {
	one, err := order.Parse(
		`{"order_id": "ORD1", "user_id": "U1", "order_timestamp": "2024-12-13T10:00:00Z",
		"items": [{"product_id": "P1", "quantity": 2, "price_per_unit": 20}]}`,
	)
	if err != nil {
		fmt.Println(err)
	}
	other, err := order.Parse(
		`{"user_id": "U1", "order_id": "ORD1", "order_timestamp": "2024-12-13 11:00+01:00",
		"items": [{"price_per_unit": "20.00", "quantity": 2.0, "product_id": "P1"}]}`,
	)
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(one.Fingerprint() == other.Fingerprint())
	// Output: true
}

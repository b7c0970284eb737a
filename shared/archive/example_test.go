package archive_test

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"orderpipeline/shared/archive"
	"orderpipeline/shared/order"
)

// An object is written, and read again.
func Example() {
	body := `{"order_id": "ORD1234", "user_id": "U5678", "order_timestamp": "2024-12-13T10:00:00Z",
		"items": [{"product_id": "P001", "quantity": 2, "price_per_unit": 20.0}]}`
	o, err := order.Parse(body)
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2024, 12, 13, 10, 0, 1, 0, time.UTC)

	var object bytes.Buffer
	e := archive.NewEncoder(&object)
	err = errors.Join(
		e.Encode(
			&archive.Line{MessageID: "m1", SentAt: now, Outcome: archive.Recorded, Order: o, Body: body},
		),
		e.Encode(&archive.Line{MessageID: "m2", SentAt: now, Outcome: archive.Invalid,
			Reason: order.InvalidJSON, Detail: "it is empty", Body: " "}),
		e.Close())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(archive.Key(now, 0x2a))

	for line, err := range archive.Read(&object) {
		fmt.Println(line.MessageID, line.Outcome, line.Reason, line.Order.ID, line.Order.Value, err)
	}
	// Output:
	// messages/v1/date=2024-12-13/hour=10/20241213T100001.000000Z-000000000000002a.ndjson.zst
	// m1 recorded  ORD1234 40.00 <nil>
	// m2 invalid invalid_json  0.00 <nil>
}

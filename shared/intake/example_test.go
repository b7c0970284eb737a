package intake_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderpipeline/shared/intake"
	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
)

// memory is a ledger that forgets everything but ids; a *ledger.Store is a real one.
type memory map[string]bool

func (m memory) Record(_ context.Context, orders []order.Order, outcomes []ledger.Outcome) error {
	for i, o := range orders {
		outcomes[i] = ledger.Recorded
		if m[o.ID] {
			outcomes[i] = ledger.Duplicate
		}
		m[o.ID] = true
	}
	return nil
}

func (memory) CountRefused(context.Context, []ledger.RefusedMessage) error { return nil }
func (memory) AddCounters(context.Context, map[string]int64) error         { return nil }

// bucket prints what it is given; an *archive.Bucket stores it in S3.
type bucket struct{ broken bool }

func (b *bucket) Put(context.Context, string, []byte) error {
	if b.broken {
		return fmt.Errorf("S3 is unavailable")
	}
	fmt.Println("archived one object")
	return nil
}

// queues prints what is sent; an *sqs.Client sends it.
type queues struct{ intake.SQS }

func (queues) SendMessageBatch(
	_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options),
) (*sqs.SendMessageBatchOutput, error) {
	out := &sqs.SendMessageBatchOutput{}
	for _, entry := range in.Entries {
		fmt.Println("rejected:", *entry.MessageAttributes[order.AttributeDetail].StringValue)
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: entry.Id})
	}
	return out, nil
}

func (queues) ChangeMessageVisibilityBatch(
	_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options),
) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	fmt.Println("failed, to be redelivered:", len(in.Entries))
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

// A batch has a new order, the same order again, and a message that is not an order. In the second
// batch S3 is unavailable, so its message fails although the order was recorded; in the third it is
// redelivered as a duplicate.
func ExampleHandler_Handle() {
	s3 := &bucket{}
	handler := intake.New(intake.Config{
		Ledger: memory{}, Archive: s3, SQS: queues{}, OrdersURL: "orders", RejectedURL: "orders-rejected",
		Log: slog.New(slog.DiscardHandler), Now: time.Now,
		FirstDelay: 5 * time.Second, MaxReceives: 300, Jitter: func() float64 { return 0.5 },
	})
	body := func(id string) string {
		return `{"order_id": "` + id + `", "user_id": "U1", "order_timestamp": "2024-12-13T10:00:00Z",
			"items": [{"product_id": "P1", "quantity": 2, "price_per_unit": 20}]}`
	}
	show := func(response events.SQSEventResponse, err error) {
		fmt.Println(len(response.BatchItemFailures), "failures, error:", err)
	}

	show(handler.Handle(context.Background(), []intake.Message{
		{ID: "m1", Body: body("ORD1"), Receives: 1},
		{ID: "m2", Body: body("ORD1"), Receives: 1},
		{ID: "m3", Body: `{"user_id": "U1"}`, Receives: 1},
	}))
	s3.broken = true
	show(
		handler.Handle(
			context.Background(), []intake.Message{{ID: "m4", Body: body("ORD2"), Receives: 1}},
		),
	)
	s3.broken = false
	show(
		handler.Handle(
			context.Background(), []intake.Message{{ID: "m4", Body: body("ORD2"), Receives: 1}},
		),
	)
	// Output:
	// archived one object
	// rejected: order_id is missing: write a string of 1 to 128 characters without control characters.
	// 0 failures, error: <nil>
	// failed, to be redelivered: 1
	// 0 failures, error: no message in the batch was processed: archive the batch: S3 is unavailable
	// archived one object
	// 0 failures, error: <nil>
}

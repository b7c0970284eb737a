package intake

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
)

// instantLedger records every order at once.
type instantLedger struct{}

func (instantLedger) Record(_ context.Context, _ []order.Order, outcomes []ledger.Outcome) error {
	for i := range outcomes {
		outcomes[i] = ledger.Recorded
	}
	return nil
}

func (instantLedger) CountRefused(context.Context, []ledger.RefusedMessage) error { return nil }
func (instantLedger) AddCounters(context.Context, map[string]int64) error         { return nil }

// instantArchive stores nothing.
type instantArchive struct{}

func (instantArchive) Put(context.Context, string, []byte) error { return nil }

// BenchmarkInvoke is the work of the function itself for a batch of 1,000 orders: Redis and S3
// answer at once.
func BenchmarkInvoke(b *testing.B) {
	archives := map[string]Archive{"with archive": instantArchive{}, "without archive": nil}
	for name, to := range archives {
		b.Run(name, func(b *testing.B) {
			payload := benchEvent(b)
			handler := New(Config{
				Ledger: instantLedger{}, Archive: to, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
				Now: time.Now, FirstDelay: time.Second, MaxReceives: 10, Jitter: func() float64 { return 0 },
			})
			for b.Loop() {
				if _, err := handler.Invoke(b.Context(), payload); err != nil {
					b.Fatal(err)
				}
			}
			perMessage(b)
		})
	}
}

// benchEvent is an event of 1,000 orders of four items, as the event source mapping sends them.
func benchEvent(b *testing.B) []byte {
	var event events.SQSEvent
	for i := range 1000 {
		event.Records = append(event.Records, events.SQSMessage{
			MessageId:     fmt.Sprintf("%08x-87a3-44ab-83d2-661975830a7d", i),
			ReceiptHandle: strings.Repeat("AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a", 8),
			Body: fmt.Sprintf(`{"order_id": "ORD-%09d-9c1f02aa7b3e", "user_id": "U9041",`, i) +
				` "order_timestamp": "2024-07-02T21:00:00Z", "order_value": 618.43,` +
				` "items": [{"product_id": "P001", "quantity": 2, "price_per_unit": 20.37},` +
				` {"product_id": "P057", "quantity": 5, "price_per_unit": 84.02},` +
				` {"product_id": "P090", "quantity": 1, "price_per_unit": 57.6},` +
				` {"product_id": "P012", "quantity": 3, "price_per_unit": 33.33}]}`,
			Md5OfBody: "7b270e59b47ff90a553787216d55d91d",
			Attributes: map[string]string{
				"ApproximateReceiveCount": "1", "SentTimestamp": "1735689600000",
				"SenderId": "AIDAIENQZJOLO23YVJ4VO", "ApproximateFirstReceiveTimestamp": "1735689600042",
			},
			MessageAttributes: map[string]events.SQSMessageAttribute{},
			EventSourceARN:    "arn:aws:sqs:us-east-1:000000000000:orders", EventSource: "aws:sqs",
			AWSRegion: "us-east-1",
		})
	}
	payload, err := json.Marshal(event)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	return payload
}

// perMessage reports the time that one of an event's 1,000 messages takes.
func perMessage(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/message")
}

func BenchmarkReadEvent(b *testing.B) {
	payload := benchEvent(b)
	for b.Loop() {
		if messages, err := ReadEvent(payload); err != nil || len(messages) != 1000 {
			b.Fatal(err)
		}
	}
	perMessage(b)
}

// BenchmarkEncodingJSON is what the standard library takes for the same, to compare with.
func BenchmarkEncodingJSON(b *testing.B) {
	payload := benchEvent(b)
	for b.Loop() {
		if messages := asMessages(b, payload); len(messages) != 1000 {
			b.Fatal(len(messages))
		}
	}
	perMessage(b)
}

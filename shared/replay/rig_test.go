package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderpipeline/shared/archive"
	"orderpipeline/shared/archive/s3test"
	"orderpipeline/shared/ledger"
	"orderpipeline/shared/metric"
	"orderpipeline/shared/order"
	"orderpipeline/shared/redistest"
	"orderpipeline/shared/replay/protocol"
)

const (
	bucket = "archive"
	stack  = "order-pipeline"
)

// A rig is a handler over a real Redis and an S3 in memory, with a queue service that accepts
// everything unless a test says otherwise.
type rig struct {
	*Handler
	t      *testing.T
	server *redistest.Server
	s3     *s3test.Server
	store  *ledger.Store
	log    *bytes.Buffer

	rejected []types.SendMessageBatchRequestEntry
	dead     []*sqs.SendMessageInput
	delayed  map[string]int32 // visibility timeout in seconds by receipt handle
	sendErr  error
	deadErr  error
	written  int
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{
		t: t, server: redistest.Start(t), s3: s3test.Start(bucket), log: &bytes.Buffer{},
		delayed: map[string]int32{},
	}
	t.Cleanup(r.s3.Close)
	r.open(1)
	return r
}

// open opens the store with a number of shards, as a function that was deployed with it does.
func (r *rig) open(shards int) {
	r.t.Helper()
	rdb, err := ledger.Connect(ledger.Connection{URL: r.server.URL(), Timeout: time.Minute})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = rdb.Close() })
	r.store, err = ledger.New(rdb, ledger.Options{Shards: shards, Retention: 400 * 24 * time.Hour})
	if err != nil {
		r.t.Fatal(err)
	}
	r.Handler = New(Config{
		Ledger:      r.store,
		Archive:     archive.NewBucket(r.s3.Config(), bucket),
		SQS:         r,
		ReplayURL:   "orders-replay",
		DLQURL:      "orders-replay-dlq",
		RejectedURL: "orders-rejected",
		Stack:       stack,
		Log:         slog.New(slog.NewJSONHandler(r.log, nil)),
		EMF:         metric.EMF{Stack: stack},
		Now:         time.Now,
		FirstDelay:  5 * time.Second,
		MaxReceives: 300,
		Jitter:      func() float64 { return 0.5 },
	})
}

func (r *rig) SendMessageBatch(
	_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options),
) (*sqs.SendMessageBatchOutput, error) {
	if r.sendErr != nil {
		return nil, r.sendErr
	}
	r.rejected = append(r.rejected, in.Entries...)
	return &sqs.SendMessageBatchOutput{}, nil
}

func (r *rig) SendMessage(
	_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options),
) (*sqs.SendMessageOutput, error) {
	if r.deadErr != nil {
		return nil, r.deadErr
	}
	r.dead = append(r.dead, in)
	return &sqs.SendMessageOutput{}, nil
}

func (r *rig) ChangeMessageVisibility(
	_ context.Context, in *sqs.ChangeMessageVisibilityInput, _ ...func(*sqs.Options),
) (*sqs.ChangeMessageVisibilityOutput, error) {
	r.delayed[aws.ToString(in.ReceiptHandle)] = in.VisibilityTimeout
	return &sqs.ChangeMessageVisibilityOutput{}, nil
}

func makeOrder(id string, cents order.Cents) order.Order {
	placed := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	return order.Order{ID: id, UserID: "U1", Placed: placed, Value: cents}
}

// makeOrders makes n orders of one cent, with ids that begin with prefix.
func makeOrders(prefix string, n int) []order.Order {
	orders := make([]order.Order, n)
	for i := range orders {
		orders[i] = makeOrder(fmt.Sprint(prefix, i), 1)
	}
	return orders
}

// object stores an archive object of these orders.
func (r *rig) object(key string, orders ...order.Order) {
	r.t.Helper()
	lines := []archive.Line{{
		MessageID: "refused",
		Outcome:   archive.Invalid,
		Reason:    order.InvalidJSON,
		Body:      "x",
	}}
	for _, o := range orders {
		lines = append(lines, archive.Line{
			MessageID: "m-" + o.ID,
			Outcome:   archive.Duplicate,
			Order:     o,
			Body:      "body of " + o.ID,
		})
	}
	r.s3.Write(key, archive.Encode(lines...))
}

// archived stores an object of the order function that was archived some time ago.
func (r *rig) archived(ago time.Duration, orders ...order.Order) (key string) {
	r.t.Helper()
	r.written++
	key = archive.Key(time.Now().Add(-ago), uint64(r.written))
	r.object(key, orders...)
	return key
}

// ask invokes the handler directly.
func (r *rig) ask(request protocol.Request, answer any) error {
	r.t.Helper()
	payload, err := json.Marshal(request)
	if err != nil {
		r.t.Fatal(err)
	}
	text, err := r.Invoke(r.t.Context(), payload)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, answer); err != nil {
		r.t.Fatalf("%s: %v", text, err)
	}
	return nil
}

func (r *rig) replay(kind, key string) protocol.Counted {
	r.t.Helper()
	var c protocol.Counted
	request := protocol.Request{Operation: protocol.Replay, Kind: kind, Key: key}
	if err := r.ask(request, &c); err != nil {
		r.t.Fatal(err)
	}
	return c
}

// notification is the message of S3 about an object.
func notify(key string) string {
	return fmt.Sprintf(
		`{"Records":[{"eventName":"ObjectCreated:Put","eventTime":"2026-03-01T10:00:00.000Z",`+
			`"s3":{"bucket":{"name":"archive"},"object":{"key":%q,"size":1}}}]}`,
		url.QueryEscape(key),
	)
}

// deliver gives messages to the handler as the event source mapping does, and returns the indexes
// of those that failed.
func (r *rig) deliver(bodies ...string) (failed []string, err error) {
	r.t.Helper()
	var event events.SQSEvent
	for i, body := range bodies {
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: fmt.Sprint(i), ReceiptHandle: fmt.Sprint("handle", i), Body: body,
			Attributes: map[string]string{"ApproximateReceiveCount": "1"},
		})
	}
	payload, err := json.Marshal(event)
	if err != nil {
		r.t.Fatal(err)
	}
	text, err := r.Invoke(r.t.Context(), payload)
	if err != nil {
		return nil, err
	}
	var response events.SQSEventResponse
	if err := json.Unmarshal(text, &response); err != nil {
		r.t.Fatal(err)
	}
	for _, f := range response.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	return failed, nil
}

// totals are the orders and the revenue in the store.
func (r *rig) totals() ledger.Totals {
	r.t.Helper()
	totals, err := r.store.Global(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return totals
}

// record counts orders as the order function does.
func (r *rig) record(orders ...order.Order) {
	r.t.Helper()
	if err := r.store.Record(r.t.Context(), orders, make([]ledger.Outcome, len(orders))); err != nil {
		r.t.Fatal(err)
	}
}

// counts are the counters of messages in the store.
func (r *rig) counts() ledger.MessageCounts {
	r.t.Helper()
	counts, err := r.store.Messages(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return counts
}

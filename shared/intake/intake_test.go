package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
	"orderpipeline/shared/redistest"
)

// A rig is a handler over a real Redis, with a queue service that takes everything unless a test says otherwise.
type rig struct {
	*Handler
	server *redistest.Server
	store  *ledger.Store
	log    *bytes.Buffer

	mu      sync.Mutex
	sent    []types.SendMessageBatchRequestEntry // taken by the queue of rejected messages
	delayed map[string]int32                     // visibility timeout in seconds by receipt handle
	// send decides on one entry, where it is not nil: an error code fails it.
	send func(types.SendMessageBatchRequestEntry) string
	// sendErr fails a whole call.
	sendErr error
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{server: redistest.Start(t), log: &bytes.Buffer{}, delayed: map[string]int32{}}
	rdb, err := ledger.Connect(ledger.Connection{URL: r.server.URL(), Timeout: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	if r.store, err = ledger.New(rdb, ledger.Options{Shards: 1, Retention: time.Hour}); err != nil {
		t.Fatal(err)
	}
	r.Handler = New(Config{
		Ledger: r.store, SQS: r, OrdersURL: "orders", RejectedURL: "rejected",
		Log: slog.New(slog.NewJSONHandler(r.log, nil)), Now: time.Now, FirstDelay: 5 * time.Second, Spread: func() float64 { return 0.5 },
	})
	return r
}

func (r *rig) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := errors.Join(ctx.Err(), r.sendErr); err != nil {
		return nil, err
	}
	if *in.QueueUrl != "rejected" || len(in.Entries) > 10 {
		return nil, fmt.Errorf("%d entries for %s", len(in.Entries), *in.QueueUrl)
	}
	out := &sqs.SendMessageBatchOutput{}
	for _, entry := range in.Entries {
		if r.send != nil {
			if code := r.send(entry); code != "" {
				out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: entry.Id, Code: &code})
				continue
			}
		}
		r.sent = append(r.sent, entry)
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: entry.Id})
	}
	return out, nil
}

func (r *rig) ChangeMessageVisibilityBatch(_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if *in.QueueUrl != "orders" || len(in.Entries) > 10 {
		return nil, fmt.Errorf("%d entries for %s", len(in.Entries), *in.QueueUrl)
	}
	for _, entry := range in.Entries {
		r.delayed[*entry.ReceiptHandle] = entry.VisibilityTimeout
	}
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

// batchOf makes a batch whose messages have the ids m0, m1, … and were received once.
func batchOf(bodies ...string) []Message {
	var messages []Message
	for i, body := range bodies {
		messages = append(messages, Message{ID: fmt.Sprintf("m%d", i), ReceiptHandle: fmt.Sprintf("handle of m%d", i), Body: body, Receives: 1})
	}
	return messages
}

func body(id, user string, price string) string {
	return fmt.Sprintf(`{"order_id":%q,"user_id":%q,"order_timestamp":"2024-12-13T10:00:00Z","items":[{"product_id":"P1","quantity":1,"price_per_unit":%s}]}`, id, user, price)
}

// handle gives a batch to the handler and returns the ids of the messages that must come back.
func (r *rig) handle(t *testing.T, messages []Message) []string {
	t.Helper()
	response, err := r.Handle(t.Context(), messages)
	if err != nil {
		t.Fatalf("handle: %v", err)
	}
	if response.BatchItemFailures == nil {
		t.Error("the list of failures is nil, which Lambda reads as null")
	}
	ids := []string{}
	for _, failure := range response.BatchItemFailures {
		ids = append(ids, failure.ItemIdentifier)
	}
	return ids
}

func (r *rig) wantTotals(t *testing.T, orders int64, revenue order.Cents) {
	t.Helper()
	got, err := r.store.Global(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ledger.Totals{Orders: orders, Revenue: revenue}, got); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
}

func (r *rig) messages(t *testing.T) ledger.MessageCounts {
	t.Helper()
	counts, err := r.store.Messages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

func wantIDs(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	slices.Sort(got)
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestEachMessageHasOneFate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	good, mismatch := body("ORD1", "U1", "40"), `{"order_value":99.99,`+body("ORD2", "U1", "2.50")[1:]
	bad := `{"order_id":"ORD3"`
	batch := batchOf(good, mismatch, bad, good, body("ORD1", "U2", "40"), body("", "U1", "1"))
	wantIDs(t, "failures", r.handle(t, batch))
	r.wantTotals(t, 2, 4250)

	want := ledger.MessageCounts{Recorded: 2, Duplicate: 1, Mismatch: 1,
		Refused: map[order.Reason]int64{order.InvalidJSON: 1, order.InvalidField: 1, order.IDConflict: 1}}
	if diff := cmp.Diff(want, r.messages(t)); diff != "" {
		t.Errorf("message counts (-want +got):\n%s", diff)
	}

	rejected := map[string][3]string{}
	for _, entry := range r.sent {
		attribute := func(name string) string { return aws.ToString(entry.MessageAttributes[name].StringValue) }
		if attribute(order.AttributeDetail) == "" {
			t.Errorf("%s was rejected without a detail", attribute(order.AttributeSourceID))
		}
		rejected[attribute(order.AttributeSourceID)] = [3]string{*entry.MessageBody, attribute(order.AttributeReason), attribute(order.AttributeField)}
	}
	wantRejected := map[string][3]string{
		"m2": {bad, "invalid_json", order.WholeBody},
		"m4": {batch[4].Body, "order_id_conflict", "order_id"},
		"m5": {batch[5].Body, "invalid_field", "order_id"},
	}
	if diff := cmp.Diff(wantRejected, rejected); diff != "" {
		t.Errorf("rejected messages (-want +got):\n%s", diff)
	}
}

func TestEmptyBatch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	wantIDs(t, "failures", r.handle(t, nil))
}

func TestResponseIsAnEmptyListNotNull(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	response, err := r.Handle(t.Context(), batchOf(body("ORD1", "U1", "1")))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(response)
	if err != nil || string(text) != `{"batchItemFailures":[]}` {
		t.Errorf("response %s, %v", text, err)
	}
}

func TestARefusedMessageThatCannotBeSentComesBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var bodies []string
	for range 25 {
		bodies = append(bodies, "no JSON")
	}
	bodies = append(bodies, body("ORD1", "U1", "1"))
	batch := batchOf(bodies...)

	r.send = func(entry types.SendMessageBatchRequestEntry) string {
		if source := *entry.MessageAttributes[order.AttributeSourceID].StringValue; source == "m3" || source == "m17" {
			return "InternalError"
		}
		return ""
	}
	wantIDs(t, "failures when two entries fail", r.handle(t, batch), "m17", "m3")
	r.sendErr = errors.New("queue out of reach")
	again := r.handle(t, batch)
	if len(again) != 25 {
		t.Errorf("%d messages come back when nothing can be sent, want 25", len(again))
	}
	if r.delayed["handle of m0"] != 5 {
		t.Errorf("a message that comes back is invisible for %d s, want 5", r.delayed["handle of m0"])
	}
	r.send, r.sendErr = nil, nil
	wantIDs(t, "failures when all is well", r.handle(t, batch))
	r.wantTotals(t, 1, 100)
	if got := r.messages(t).Refused[order.InvalidJSON]; got != 25 {
		t.Errorf("%d refused messages counted, want each of the 25 once", got)
	}
}

func TestRedisDown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.server.Kill()
	batch := batchOf(body("ORD1", "U1", "40"), body("ORD2", "U2", "2"))
	batch[1].Receives = 3
	if _, err := r.Handle(t.Context(), batch); !errors.Is(err, ErrNothingDone) {
		t.Fatalf("handle while Redis is down: %v, want ErrNothingDone, which Lambda counts", err)
	}
	if diff := cmp.Diff(map[string]int32{"handle of m0": 5, "handle of m1": 80}, r.delayed); diff != "" {
		t.Errorf("visibility timeouts (-want +got):\n%s", diff)
	}

	mixed := batchOf(body("ORD1", "U1", "40"), "no JSON")
	wantIDs(t, "failures while Redis is down", r.handle(t, mixed), "m0")
	r.server.Restart()
	wantIDs(t, "failures when Redis is back", r.handle(t, batch))
	r.wantTotals(t, 2, 4200)
	want := ledger.MessageCounts{Recorded: 2, Failed: 3, Refused: map[order.Reason]int64{order.InvalidJSON: 1}}
	if diff := cmp.Diff(want, r.messages(t)); diff != "" {
		t.Errorf("what happened meanwhile is counted later (-want +got):\n%s", diff)
	}
}

func TestNoTimeLeft(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx, cancel := context.WithTimeout(t.Context(), refuseTime-time.Second)
	defer cancel()
	response, err := r.Handle(ctx, batchOf(body("ORD1", "U1", "40"), "no JSON"))
	if err != nil {
		t.Fatal(err)
	}
	// What needs the ledger must come back; there is still time to refuse.
	want := []events.SQSBatchItemFailure{{ItemIdentifier: "m0"}}
	if diff := cmp.Diff(want, response.BatchItemFailures); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	r.wantTotals(t, 0, 0)
}

func TestLargestBodyHasRoomForItsAttributes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	large := strings.Repeat("x", callBytes-4096)
	wantIDs(t, "failures", r.handle(t, batchOf(large, large, "small")))
	for _, entry := range r.sent {
		size := len(*entry.MessageBody)
		for name, value := range entry.MessageAttributes {
			size += len(name) + len(*value.DataType) + len(*value.StringValue)
		}
		if size > callBytes {
			t.Errorf("a rejected message has %d bytes, over the %d that a queue takes", size, callBytes)
		}
	}
	if len(r.sent) != 3 {
		t.Errorf("%d messages rejected, want 3", len(r.sent))
	}
}

func TestDelay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		receives int
		spread   float64
		want     time.Duration
	}{
		{1, 0.5, 5 * time.Second}, {2, 0.5, 20 * time.Second}, {3, 0.5, 80 * time.Second}, {4, 0.5, 320 * time.Second},
		{5, 0.5, 15 * time.Minute}, {1000, 0.99, 15 * time.Minute}, {1, 0, 4 * time.Second}, {0, 0.5, 5 * time.Second},
		{4, 0, 256 * time.Second},
	} {
		if got := Delay(5*time.Second, c.receives, c.spread).Round(time.Millisecond); got != c.want {
			t.Errorf("delay after %d receives, spread %v: %v, want %v", c.receives, c.spread, got, c.want)
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"items[2].quantity", 100, "items[2].quantity"}, {"a\x00b\nc", 100, "a?b?c"}, {"\uFFFE\xff", 100, "??"}, {"ééé", 5, "éé"}, {"abc", 2, "ab"},
	} {
		if got := plain(c.text, c.limit); got != c.want {
			t.Errorf("plain(%q, %d) = %q, want %q", c.text, c.limit, got, c.want)
		}
	}
}

func TestLogLine(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.handle(t, batchOf(body("ORD-SECRET", "U-SECRET", "1"), `{"user_id":"U-SECRET"}`, `{"order_value":5,`+body("ORD-2", "U-SECRET", "1")[1:]))
	if strings.Contains(r.log.String(), "SECRET") {
		t.Errorf("an id of a customer or order is in the log above debug:\n%s", r.log)
	}
	var line struct {
		AWS struct {
			Timestamp         int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name, Unit string }
			}
		} `json:"_aws"`
		Recorded, Refused, Mismatch int
	}
	if err := json.Unmarshal(r.log.Bytes(), &line); err != nil {
		t.Fatalf("the log of a batch is not one line of JSON: %v\n%s", err, r.log)
	}
	if line.Recorded != 2 || line.Refused != 1 || line.Mismatch != 1 || line.AWS.Timestamp == 0 {
		t.Errorf("log line %s", r.log)
	}
	var members map[string]any
	if err := json.Unmarshal(r.log.Bytes(), &members); err != nil {
		t.Fatal(err)
	}
	for _, m := range line.AWS.CloudWatchMetrics[0].Metrics {
		if _, isNumber := members[m.Name].(float64); !isNumber {
			t.Errorf("the line declares the metric %s and has no number of that name: %s", m.Name, r.log)
		}
	}
}

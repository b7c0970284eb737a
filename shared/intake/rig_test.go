package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/archive"
	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
	"orderpipeline/shared/redistest"
)

// A rig is a handler over a real Redis, with a queue service and an archive that accept everything
// unless a test says otherwise.
type rig struct {
	*Handler
	server *redistest.Server
	store  *ledger.Store
	log    *bytes.Buffer
	now    time.Time

	mu      sync.Mutex
	calls   []string                             // in their order: put, send, hide, postpone, delete
	sent    []types.SendMessageBatchRequestEntry // accepted by orders-rejected
	delayed map[string]int32                     // visibility timeout in seconds by receipt handle
	deleted []string                             // receipt handles
	ends    map[string]time.Time                 // when the last call of a kind would be given up
	objects map[string][]byte                    // accepted by the archive

	// decides on one entry: an error code fails it
	send      func(types.SendMessageBatchRequestEntry) string
	sendErr   error                       // fails a whole call
	hideErr   error                       // fails a whole call
	deleteErr error                       // fails a whole call
	put       func(context.Context) error // is called before an object is stored
	// is returned although the object is stored
	putLost error
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{
		server: redistest.Start(t), log: &bytes.Buffer{}, now: time.Now(),
		delayed: map[string]int32{}, objects: map[string][]byte{}, ends: map[string]time.Time{},
	}
	rdb, err := ledger.Connect(ledger.Connection{URL: r.server.URL(), Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	if r.store, err = ledger.New(rdb, ledger.Options{Shards: 1, Retention: time.Hour}); err != nil {
		t.Fatal(err)
	}
	r.Handler = New(Config{
		Ledger: r.store, Archive: r, SQS: r, OrdersURL: "orders", RejectedURL: "rejected",
		Log: slog.New(slog.NewJSONHandler(r.log, nil)), Now: func() time.Time { return r.now },
		FirstDelay: 5 * time.Second, MaxReceives: 300, Jitter: func() float64 { return 0.5 },
	})
	return r
}

func (r *rig) Put(ctx context.Context, key string, object []byte) error {
	if r.put != nil {
		if err := r.put(ctx); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, "put")
	r.objects[key] = slices.Clone(object)
	return r.putLost
}

func (r *rig) SendMessageBatch(
	ctx context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options),
) (*sqs.SendMessageBatchOutput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, "send")
	r.ends["send"], _ = ctx.Deadline()
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

func (r *rig) ChangeMessageVisibilityBatch(
	ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options),
) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	hide := in.Entries[0].VisibilityTimeout == int32(hideTime.Seconds())
	if hide {
		r.calls = append(r.calls, "hide")
	} else {
		r.calls = append(r.calls, "postpone")
		r.ends["postpone"], _ = ctx.Deadline()
	}
	if hide && r.hideErr != nil {
		return nil, r.hideErr
	}
	if *in.QueueUrl != "orders" || len(in.Entries) > 10 {
		return nil, fmt.Errorf("%d entries for %s", len(in.Entries), *in.QueueUrl)
	}
	for _, entry := range in.Entries {
		r.delayed[*entry.ReceiptHandle] = entry.VisibilityTimeout
	}
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

func (r *rig) DeleteMessageBatch(
	_ context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options),
) (*sqs.DeleteMessageBatchOutput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, "delete")
	if r.deleteErr != nil {
		return nil, r.deleteErr
	}
	if *in.QueueUrl != "orders" || len(in.Entries) > 10 {
		return nil, fmt.Errorf("%d entries for %s", len(in.Entries), *in.QueueUrl)
	}
	for _, entry := range in.Entries {
		r.deleted = append(r.deleted, *entry.ReceiptHandle)
	}
	return &sqs.DeleteMessageBatchOutput{}, nil
}

// batchOf makes a batch whose messages have the ids m0, m1, … and were received once.
func batchOf(bodies ...string) []Message {
	var messages []Message
	for i, text := range bodies {
		messages = append(messages, Message{
			ID: fmt.Sprintf("m%d", i), ReceiptHandle: fmt.Sprintf("handle of m%d", i), Body: text,
			Receives: 1,
		})
	}
	return messages
}

func body(id, user string, price string) string {
	return fmt.Sprintf(`{"order_id":%q,"user_id":%q,"order_timestamp":"2024-12-13T10:00:00Z",`+
		`"items":[{"product_id":"P1","quantity":1,"price_per_unit":%s}]}`, id, user, price)
}

// handle gives a batch to the handler and returns the ids of the messages that failed.
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

// archived returns the outcomes in the archive by message id, in the order of the objects.
func (r *rig) archived(t *testing.T) map[string][]archive.Outcome {
	t.Helper()
	outcomes := map[string][]archive.Outcome{}
	for _, line := range r.lines(t) {
		outcomes[line.MessageID] = append(outcomes[line.MessageID], line.Outcome)
	}
	return outcomes
}

func (r *rig) lines(t *testing.T) []archive.Line {
	t.Helper()
	var lines []archive.Line
	for key, object := range r.objects {
		if _, err := archive.ArchivedAt(key); err != nil {
			t.Errorf("object %q: %v", key, err)
		}
		for line, err := range archive.Read(bytes.NewReader(object)) {
			if err != nil {
				t.Fatalf("object %s: %v", key, err)
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func (r *rig) wantArchived(t *testing.T, want map[string][]archive.Outcome) {
	t.Helper()
	if diff := cmp.Diff(want, r.archived(t)); diff != "" {
		t.Errorf("archived outcomes (-want +got):\n%s", diff)
	}
}

// rejected returns the attribute source_message_id of every message in orders-rejected.
func (r *rig) rejected() []string {
	ids := []string{}
	for _, entry := range r.sent {
		ids = append(ids, attribute(entry, order.AttributeSourceID))
	}
	return ids
}

func attribute(entry types.SendMessageBatchRequestEntry, name string) string {
	return aws.ToString(entry.MessageAttributes[name].StringValue)
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

// messages returns the counts of messages, of refused ones without those that are zero.
func (r *rig) messages(t *testing.T) ledger.MessageCounts {
	t.Helper()
	counts, err := r.store.Messages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(counts.Refused, func(_ order.Reason, n int64) bool { return n == 0 })
	return counts
}

func wantIDs(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	slices.Sort(got)
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

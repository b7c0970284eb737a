package intake

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/archive"
	"orderpipeline/shared/ledger"
	"orderpipeline/shared/metric"
	"orderpipeline/shared/order"
)

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
		source := attribute(entry, order.AttributeSourceID)
		if attribute(entry, order.AttributeDetail) == "" {
			t.Errorf("%s was rejected without a detail", source)
		}
		rejected[source] = [3]string{
			*entry.MessageBody, attribute(entry, order.AttributeReason),
			attribute(entry, order.AttributeField),
		}
	}
	wantRejected := map[string][3]string{
		"m2": {bad, "invalid_json", order.WholeBody},
		"m4": {batch[4].Body, "order_id_conflict", "order_id"},
		"m5": {batch[5].Body, "invalid_field", "order_id"},
	}
	if diff := cmp.Diff(wantRejected, rejected); diff != "" {
		t.Errorf("rejected messages (-want +got):\n%s", diff)
	}
	r.wantArchived(t, map[string][]archive.Outcome{
		"m0": {archive.Recorded}, "m1": {archive.Recorded}, "m2": {archive.Invalid},
		"m3": {archive.Duplicate}, "m4": {archive.Invalid}, "m5": {archive.Invalid},
	})
}

func TestEmptyBatch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	wantIDs(t, "failures", r.handle(t, nil))
	if len(r.objects) != 0 {
		t.Errorf("%d objects archived for no message", len(r.objects))
	}
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

// No queue accepts a message without a body, so it can be neither recorded nor quarantined.
func TestAMessageWithoutABodyFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	batch := batchOf("", "no JSON", body("ORD1", "U1", "40"))
	wantIDs(t, "failures", r.handle(t, batch), "m0")
	r.wantTotals(t, 1, 4000)
	wantIDs(t, "rejected", r.rejected(), "m1")
	_, err := r.Handle(t.Context(), batch[:1])
	if !errors.Is(err, ErrNothingDone) || !strings.Contains(err.Error(), "no body") {
		t.Errorf("error %v, want ErrNothingDone for a message without a body", err)
	}
}

func TestARefusedMessageThatCannotBeSentFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var bodies []string
	for range 25 {
		bodies = append(bodies, "no JSON")
	}
	bodies = append(bodies, body("ORD1", "U1", "1"))
	batch := batchOf(bodies...)

	r.send = func(entry types.SendMessageBatchRequestEntry) string {
		if source := attribute(entry, order.AttributeSourceID); source == "m3" || source == "m17" {
			return "InternalError"
		}
		return ""
	}
	wantIDs(t, "failures when two entries fail", r.handle(t, batch), "m17", "m3")
	r.sendErr = errors.New("queue out of reach")
	if failed := r.handle(t, batch); len(failed) != 25 {
		t.Errorf("%d messages failed when nothing can be sent, want 25", len(failed))
	}
	if r.delayed["handle of m0"] != 5 {
		t.Errorf("a failed message is invisible for %d s, want 5", r.delayed["handle of m0"])
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
	batch[1].FirstReceived = r.now.Add(-25 * time.Second)
	if _, err := r.Handle(t.Context(), batch); !errors.Is(err, ErrNothingDone) {
		t.Fatalf("handle while Redis is down: %v, want ErrNothingDone, which Lambda counts", err)
	}
	late := r.delayed["handle of m1"]
	if r.delayed["handle of m0"] != 5 || late < 80 || late > 110 {
		t.Errorf("visibility timeouts %v, want 5 for m0 and 80 to 110 for m1", r.delayed)
	}

	mixed := batchOf(body("ORD1", "U1", "40"), "no JSON")
	wantIDs(t, "failures while Redis is down", r.handle(t, mixed), "m0")
	r.wantArchived(t, map[string][]archive.Outcome{"m1": {archive.Invalid}})
	r.server.Restart()
	wantIDs(t, "failures when Redis is back", r.handle(t, batch))
	r.wantTotals(t, 2, 4200)
	want := ledger.MessageCounts{
		Recorded: 2, Failed: 3, Refused: map[order.Reason]int64{order.InvalidJSON: 1},
	}
	if diff := cmp.Diff(want, r.messages(t)); diff != "" {
		t.Errorf("what happened during the outage is counted later (-want +got):\n%s", diff)
	}
}

// The deadline is looked at before each step: what cannot be followed by the next step is not
// begun.
func TestNoTimeLeft(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		left   time.Duration
		failed []string // nil: all
		sent   int
	}{
		"to record":     {archiveTime - time.Second, []string{"m0"}, 1},
		"to archive":    {quarantineTime - time.Second, nil, 0},
		"to quarantine": {answerTime - 100*time.Millisecond, nil, 0},
		"at all":        {0, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			ctx, cancel := context.WithTimeout(t.Context(), c.left)
			defer cancel()
			response, err := r.Handle(ctx, batchOf(body("ORD1", "U1", "40"), "no JSON"))
			if (err != nil) != (c.failed == nil) {
				t.Fatalf("error %v", err)
			}
			var failed []string
			for _, failure := range response.BatchItemFailures {
				failed = append(failed, failure.ItemIdentifier)
			}
			if diff := cmp.Diff(c.failed, failed); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			if len(r.sent) != c.sent {
				t.Errorf("%d messages rejected, want %d", len(r.sent), c.sent)
			}
			if len(r.objects) != c.sent {
				t.Errorf("%d objects archived, want %d", len(r.objects), c.sent)
			}
			r.wantTotals(t, 0, 0)
		})
	}
}

func TestLogLine(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.config.EMF = metric.EMF{Stack: "stack-1"}
	r.handle(t, batchOf(body("ORD-SECRET", "U-SECRET", "1"), `{"user_id":"U-SECRET"}`,
		`{"order_value":5,`+body("ORD-2", "U-SECRET", "1")[1:]))
	if strings.Contains(r.log.String(), "SECRET") {
		t.Errorf("an id of a customer or order is in the log above debug:\n%s", r.log)
	}
	var line struct {
		AWS struct {
			CloudWatchMetrics []struct {
				Dimensions [][]string
				Metrics    []struct{ Name string }
			}
		} `json:"_aws"`
		Stack                               string
		Received, Recorded, Refused, Failed int
		Mismatch                            int
	}
	if err := json.Unmarshal(r.log.Bytes(), &line); err != nil {
		t.Fatalf("the log of a batch is not one line of JSON: %v\n%s", err, r.log)
	}
	if line.Received != 3 || line.Recorded != 2 || line.Refused != 1 || line.Mismatch != 1 ||
		line.Failed != 0 {
		t.Errorf("log line %s", r.log)
	}
	if line.Stack != "stack-1" || line.AWS.CloudWatchMetrics[0].Dimensions[0][0] != "Stack" {
		t.Errorf("the metrics do not have the dimension Stack: %s", r.log)
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

func TestBreaker(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.server.Kill()
	batch := batchOf(body("ORD1", "U1", "40"))
	for range breakerBatches {
		_, err := r.Handle(t.Context(), batch)
		if errors.Is(err, errFailingFast) || !errors.Is(err, ErrNothingDone) {
			t.Fatalf("error %v, want a try of Redis", err)
		}
	}
	r.server.Restart()
	_, err := r.Handle(t.Context(), batch)
	if !errors.Is(err, errFailingFast) || !errors.Is(err, ErrNothingDone) {
		t.Fatalf("error %v, want to fail fast", err)
	}
	if r.delayed["handle of m0"] != 5 {
		t.Errorf("a message that failed fast is invisible for %d s, want 5", r.delayed["handle of m0"])
	}
	r.wantTotals(t, 0, 0)

	r.now = r.now.Add(breakerPause)
	wantIDs(t, "failures after the pause", r.handle(t, batch))
	r.wantTotals(t, 1, 4000)
	want := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	got, err := r.Handle(t.Context(), batch)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("the breaker is closed: error %v, response (-want +got):\n%s", err, diff)
	}
}

func TestBreakerTriesOneBatchAfterThePause(t *testing.T) {
	t.Parallel()
	var b breaker
	now := time.Now()
	for range breakerBatches {
		b.note(now, true, 0.5)
	}
	if b.check(now.Add(breakerPause-1)) == nil || b.check(now.Add(breakerPause)) != nil {
		t.Errorf("the pause does not last %v", breakerPause)
	}
	now = now.Add(breakerPause)
	b.note(now, true, 0)
	if b.check(now.Add(breakerPause/2-1)) == nil || b.check(now.Add(breakerPause/2)) != nil {
		t.Errorf("a batch that failed after the pause does not begin another one, half as long")
	}
	b.note(now, false, 0)
	b.note(now, true, 0)
	if err := b.check(now); err != nil {
		t.Errorf("one failure after a success: %v", err)
	}
}

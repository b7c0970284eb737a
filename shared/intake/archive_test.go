package intake

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/archive"
	"orderpipeline/shared/order"
)

var errS3 = errors.New("S3 is out of reach")

// If the archive cannot be written, nothing is acknowledged and nothing is sent to orders-rejected.
// After the redelivery each order is counted once, and each refused message is rejected once.
func TestAFailedPutFailsTheBatch(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*rig){
		"refused": func(r *rig) {
			r.put = func(context.Context) error { return errS3 }
		},
		"stored, but the answer was lost": func(r *rig) {
			r.putLost = errS3
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			fail(r)
			batch := batchOf(body("ORD1", "U1", "40"), "no JSON", body("ORD1", "U2", "40"))
			_, err := r.Handle(t.Context(), batch)
			if !errors.Is(err, ErrNothingDone) || !errors.Is(err, errS3) {
				t.Fatalf("error %v, want ErrNothingDone because of S3", err)
			}
			if len(r.sent) != 0 {
				t.Errorf("%d messages in orders-rejected before they were archived", len(r.sent))
			}
			if len(r.delayed) != len(batch) {
				t.Errorf("visibility timeouts %v, want one for each message", r.delayed)
			}
			r.wantTotals(t, 1, 4000)

			r.put, r.putLost = nil, nil
			clear(r.objects)
			wantIDs(t, "failures when S3 is back", r.handle(t, batch))
			r.wantTotals(t, 1, 4000)
			wantIDs(t, "rejected", r.rejected(), "m1", "m2")
			r.wantArchived(t, map[string][]archive.Outcome{
				"m0": {archive.Duplicate}, "m1": {archive.Invalid}, "m2": {archive.Invalid},
			})
			if got := r.messages(t); got.Recorded != 1 || got.Duplicate != 1 || got.Failed != 3 {
				t.Errorf("message counts %+v", got)
			}
		})
	}
}

// A put that hangs ends in time for the response.
func TestAPutThatHangs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	deadline := time.Now().Add(time.Hour)
	ctx, cancel := context.WithDeadline(t.Context(), deadline)
	defer cancel()
	var ends time.Time
	r.put = func(ctx context.Context) error {
		ends, _ = ctx.Deadline()
		return context.DeadlineExceeded
	}
	_, err := r.Handle(ctx, batchOf(body("ORD1", "U1", "40"), "no JSON"))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that of the deadline", err)
	}
	if left := deadline.Sub(ends); left != quarantineTime {
		t.Errorf("a put that hangs ends %v before the deadline, want %v", left, quarantineTime)
	}
	r.wantTotals(t, 1, 4000)
	if len(r.sent) != 0 {
		t.Errorf("%d messages in orders-rejected", len(r.sent))
	}
}

// killed gives a batch to the handler, whose instance dies when it calls die: that call never
// returns. The rig has a new instance afterwards.
func killed(t *testing.T, r *rig, batch []Message, kill func(die func())) {
	t.Helper()
	died := make(chan struct{})
	returned := make(chan struct{})
	kill(func() {
		close(died)
		<-t.Context().Done()
	})
	handler := r.Handler
	go func() {
		defer close(returned)
		_, _ = handler.Handle(t.Context(), batch)
	}()
	select {
	case <-died:
	case <-returned:
		t.Fatal("the instance did not die")
	}
	config := handler.config
	config.Ledger, config.Archive, config.SQS = r.store, r, r
	r.Handler = New(config)
	r.put = nil
	r.now = r.now.Add(time.Second)
}

func TestAnInstanceDiesBetweenTheSteps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kill     func(*rig, func())
		outcomes map[string][]archive.Outcome
	}{
		"before the put": {
			func(r *rig, die func()) { r.put = func(context.Context) error { die(); return nil } },
			map[string][]archive.Outcome{"m0": {archive.Duplicate}, "m1": {archive.Invalid}},
		},
		"before the rejected are sent": {
			func(r *rig, die func()) { r.config.SQS = dies{r, die} },
			// The lines of both deliveries are archived: an order counts once for each order_id.
			map[string][]archive.Outcome{
				"m0": {archive.Recorded, archive.Duplicate}, "m1": {archive.Invalid, archive.Invalid},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			batch := batchOf(body("ORD1", "U1", "40"), "no JSON")
			killed(t, r, batch, func(die func()) { c.kill(r, die) })

			wantIDs(t, "failures after the redelivery", r.handle(t, batch))
			r.wantTotals(t, 1, 4000)
			wantIDs(t, "rejected", r.rejected(), "m1")
			got := r.archived(t)
			for id, outcomes := range got {
				if len(outcomes) == 2 && outcomes[0] == archive.Duplicate {
					got[id] = []archive.Outcome{outcomes[1], outcomes[0]} // objects are read in any order
				}
			}
			if diff := cmp.Diff(c.outcomes, got); diff != "" {
				t.Errorf("archived (-want +got):\n%s", diff)
			}
		})
	}
}

// A line holds all that a replay and a query need.
func TestArchivedLine(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	sent := r.now.Add(-time.Minute).Truncate(time.Millisecond).UTC()
	text := `{"order_value":99.99,` + body("ORD1", "U1", "40")[1:]
	batch := []Message{{ID: "m0", Body: text, Receives: 1, SentAt: sent, TraceHeader: "Root=1-2-3"}}
	r.handle(t, batch)
	want := []archive.Line{{
		MessageID: "m0", SentAt: sent, Outcome: archive.Recorded, Trace: "Root=1-2-3", Body: text,
		Order: order.Order{ID: "ORD1", UserID: "U1", Value: 4000, Mismatch: true,
			Placed: time.Date(2024, 12, 13, 10, 0, 0, 0, time.UTC)},
	}}
	if diff := cmp.Diff(want, r.lines(t)); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
	for key := range r.objects {
		if at, err := archive.ArchivedAt(key); err != nil || !at.Equal(r.now.Truncate(time.Microsecond)) {
			t.Errorf("archived at %v, error %v, want the start of the batch", at, err)
		}
	}
}

// A conflict is invalid, but its body is an order: queries want its fields.
func TestTheLineOfAConflictHasTheOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.handle(t, batchOf(body("ORD1", "U1", "40"), body("ORD1", "U2", "1")))
	for _, line := range r.lines(t) {
		if line.Outcome == archive.Invalid &&
			(line.Reason != order.IDConflict || line.Order.UserID != "U2") {
			t.Errorf("line %+v", line)
		}
	}
}

func TestAnArchiveObjectHasTheWholeBatch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var bodies []string
	for i := range 2_500 {
		bodies = append(bodies, body(fmt.Sprintf("ORD%d", i), "U1", "1"))
	}
	wantIDs(t, "failures", r.handle(t, batchOf(bodies...)))
	if len(r.objects) != 1 || len(r.lines(t)) != len(bodies) {
		t.Errorf("%d objects with %d lines", len(r.objects), len(r.lines(t)))
	}
	r.wantTotals(t, 2_500, 250_000)
}

// A large object is not kept in memory for the next batch.
func TestTheEncoderReleasesALargeObject(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.encoder.object.WriteString(strings.Repeat("x", keepObject+1))
	r.handle(t, batchOf(body("ORD1", "U1", "1")))
	if got := r.encoder.object.Cap(); got > keepObject {
		t.Errorf("%d bytes are kept", got)
	}
	r.wantArchived(t, map[string][]archive.Outcome{"m0": {archive.Recorded}})
}

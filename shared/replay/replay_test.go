package replay

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/archive"
	"orderpipeline/shared/archive/s3test"
	"orderpipeline/shared/order"
	"orderpipeline/shared/replay/protocol"
)

func TestALossIsHealedByTheNotification(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	orders := makeOrders("a", 2500)
	r.record(orders...)
	first, second := r.archived(
		time.Minute,
		orders[:1500]...), r.archived(
		time.Minute,
		orders[1500:]...)
	before := r.totals()
	if err := r.server.Client().FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}

	failed, err := r.deliver(
		notify(first), `{"Service":"Amazon S3","Event":"s3:TestEvent"}`, notify(second),
	)
	if err != nil || len(failed) > 0 {
		t.Fatalf("failed %v, error %v", failed, err)
	}
	if got := r.totals(); got != before {
		t.Errorf("totals %+v, want %+v as before the loss", got, before)
	}
	if counts := r.counts(); counts.Healed != 2500 || counts.Duplicate != 0 {
		t.Errorf("%d healed, %d duplicates; want 2,500 and 0", counts.Healed, counts.Duplicate)
	}
	if !strings.Contains(r.log.String(), `"Healed":1500`) ||
		!strings.Contains(r.log.String(), `"Stack":"order-pipeline"`) {
		t.Errorf("the log has no metric of 1,500 healed orders: %s", r.log)
	}
}

func TestReplayingWhatIsKnownChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	orders := makeOrders("a", 10)
	r.record(orders...)
	key := r.archived(time.Minute, orders...)
	before, counts := r.totals(), r.counts()
	for range 3 {
		if failed, err := r.deliver(notify(key)); err != nil || len(failed) > 0 {
			t.Fatalf("failed %v, error %v", failed, err)
		}
	}
	if got := r.totals(); got != before || !cmp.Equal(r.counts(), counts) {
		t.Errorf("totals %+v, counts %+v; want %+v, %+v", got, r.counts(), before, counts)
	}
}

func TestDirectInvocationAnswersWhatWasCounted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	orders := []order.Order{
		makeOrder("a", 100),
		makeOrder("b", 250),
		makeOrder("c", 399),
		makeOrder("d", 5),
	}
	r.record(orders[0], makeOrder("d", 6))
	key := r.archived(time.Minute, orders...)
	for _, kind := range []string{protocol.KindReplay, protocol.KindRebuild, protocol.KindImport} {
		want := protocol.Counted{Orders: 4, Duplicate: 3, Conflict: 1}
		if kind == protocol.KindReplay { // the first
			want = protocol.Counted{Orders: 4, Recorded: 2, Duplicate: 1, Conflict: 1, Value: 649}
		}
		if got := r.replay(kind, key); got != want {
			t.Errorf("%s: %+v, want %+v", kind, got, want)
		}
	}
	if counts := r.counts(); counts.Healed != 2 {
		t.Errorf("%d healed, want 2", counts.Healed)
	}
}

func TestAnOrderWhoseIDWasTakenAfterALossIsRejected(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.record(makeOrder("a", 999)) // after a loss another order took the id
	key := r.archived(time.Minute, makeOrder("a", 100), makeOrder("b", 5))
	if failed, err := r.deliver(notify(key)); err != nil || len(failed) > 0 {
		t.Fatalf("failed %v, error %v", failed, err)
	}
	if len(r.rejected) != 1 {
		t.Fatalf("%d messages in orders-rejected, want 1", len(r.rejected))
	}
	entry := r.rejected[0]
	attributes := entry.MessageAttributes
	if *entry.MessageBody != "body of a" ||
		aws.ToString(attributes[order.AttributeReason].StringValue) != "order_id_conflict" ||
		aws.ToString(attributes[order.AttributeSourceID].StringValue) != "m-a" ||
		!strings.Contains(
			aws.ToString(attributes[order.AttributeDetail].StringValue), "before Redis lost data",
		) {
		t.Errorf("rejected: body %q, attributes %v", *entry.MessageBody, attributes)
	}
	if got := r.totals(); got.Orders != 2 || got.Revenue != 1004 {
		t.Errorf("totals %+v, want the later order and b", got)
	}
}

func TestAConflictThatCannotBeRejectedFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.record(makeOrder("a", 999))
	key := r.archived(time.Minute, makeOrder("a", 100))
	r.sendErr = errors.New("SQS is away")
	if _, err := r.deliver(notify(key)); err == nil {
		t.Error("the message was acknowledged")
	}
	r.sendErr = nil
	if failed, err := r.deliver(notify(key)); err != nil || len(failed) > 0 || len(r.rejected) != 1 {
		t.Errorf("failed %v, error %v, %d rejected; want success and 1", failed, err, len(r.rejected))
	}
}

func TestBrokenObjectsGoToTheirQueueWithTheReason(t *testing.T) {
	t.Parallel()
	good := makeOrders("good", 3)
	for _, c := range []struct {
		name   string
		body   func(*rig) string
		reason string
		orders int64 // counted all the same
	}{
		{"no JSON", func(*rig) string { return "hello" }, "unreadable", 0},
		{"neither notification nor request", func(*rig) string { return `{"a":1}` }, "unreadable", 0},
		{"an unknown key", func(*rig) string { return notify("operations/x.json") }, "unreadable", 0},
		{
			"no such object",
			func(*rig) string { return notify(archive.Key(time.Now(), 7)) },
			"unreadable", 0,
		},
		{"truncated", func(r *rig) string {
			key := r.archived(time.Minute, good...)
			object := r.s3.Content(key)
			r.s3.Write(key, object[:len(object)-3])
			return notify(key)
		}, "unreadable", 0},
		{"a broken line", func(r *rig) string {
			key := r.archived(time.Minute, append(slices.Clone(good), makeOrder("", 1))...)
			return notify(key)
		}, "unreadable", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			other := r.archived(time.Minute, makeOrder("other", 1))
			body := c.body(r)
			failed, err := r.deliver(body, notify(other))
			if err != nil || len(failed) > 0 {
				t.Fatalf("failed %v, error %v; want that both are acknowledged", failed, err)
			}
			if len(r.dead) != 1 || *r.dead[0].MessageBody != body ||
				*r.dead[0].QueueUrl != "orders-replay-dlq" {
				t.Fatalf("messages in orders-replay-dlq: %+v", r.dead)
			}
			attributes := r.dead[0].MessageAttributes
			if got := aws.ToString(attributes[order.AttributeReason].StringValue); got != c.reason ||
				aws.ToString(attributes[order.AttributeDetail].StringValue) == "" {
				t.Errorf("attributes %v, want reason %s", attributes, c.reason)
			}
			if got := r.totals(); got.Orders != c.orders+1 {
				t.Errorf("%d orders, want %d", got.Orders, c.orders+1)
			}
		})
	}
}

func TestAnObjectThatIsTooOldIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.record(makeOrder("x", 1))
	begun := time.Now().Add(-500 * 24 * time.Hour).Unix()
	if err := r.server.Client().HSet(t.Context(), "{o0}totals", "begun", begun).Err(); err != nil {
		t.Fatal(err)
	}
	key := r.archived(450*24*time.Hour, makeOrder("a", 1))
	failed, err := r.deliver(notify(key))
	if err != nil || len(failed) > 0 || len(r.dead) != 1 {
		t.Fatalf("failed %v, error %v, %d in orders-replay-dlq", failed, err, len(r.dead))
	}
	reason := r.dead[0].MessageAttributes[order.AttributeReason]
	if got := aws.ToString(reason.StringValue); got != "too_old" {
		t.Errorf("reason %q, want too_old", got)
	}
	var c protocol.Counted
	err = r.ask(protocol.Request{Operation: protocol.Replay, Kind: protocol.KindReplay, Key: key}, &c)
	if err == nil || !protocol.Final(err.Error()) {
		t.Errorf("direct: error %v, want one that is final", err)
	}
	if got := r.totals(); got.Orders != 1 {
		t.Errorf("%d orders, want 1", got.Orders)
	}
	// The same orders as an import: they never were messages.
	if got := r.replay(protocol.KindImport, key); got.Recorded != 1 {
		t.Errorf("import: %+v, want 1 recorded", got)
	}
}

func TestAnImportIsAsOldAsItsObject(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	key := archive.ImportKey([32]byte{1}, 0)
	r.object(key, makeOrders("i", 3)...)
	if failed, err := r.deliver(notify(key)); err != nil || len(failed) > 0 || r.totals().Orders != 3 {
		t.Errorf("failed %v, error %v, totals %+v", failed, err, r.totals())
	}
}

func TestWhatMaySucceedLaterFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		damage func(*rig) (mend func())
	}{
		{"Redis is away", func(r *rig) func() {
			r.server.Kill()
			return r.server.Restart
		}},
		{"S3 fails", func(r *rig) func() {
			r.s3.Judge(func(s3test.Call) s3test.Fault {
				return s3test.Fault{Status: http.StatusForbidden}
			})
			return func() { r.s3.Judge(nil) }
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			key := r.archived(time.Minute, makeOrders("a", 3)...)
			mend := c.damage(r)
			if _, err := r.deliver(notify(key)); err == nil {
				t.Error("the message was acknowledged")
			}
			if r.delayed["handle0"] != 5 || len(r.dead) > 0 {
				t.Errorf(
					"visibility timeouts %v, %d in orders-replay-dlq; want 5 s and none",
					r.delayed, len(r.dead),
				)
			}
			mend()
			if failed, err := r.deliver(notify(key)); err != nil || len(failed) > 0 {
				t.Errorf("later: failed %v, error %v; want none", failed, err)
			}
			if got := r.totals().Orders; got != 3 {
				t.Errorf("orders after the replay: got %d, want 3", got)
			}
		})
	}
}

func TestOneFailureDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	bad := r.archived(time.Minute, makeOrder("bad", 1))
	good := r.archived(time.Minute, makeOrder("good", 1))
	r.s3.Judge(func(call s3test.Call) s3test.Fault {
		if call.Key == bad {
			return s3test.Fault{Status: http.StatusForbidden}
		}
		return s3test.Fault{}
	})
	failed, err := r.deliver(notify(bad), notify(good))
	if err != nil || !slices.Equal(failed, []string{"0"}) || r.totals().Orders != 1 {
		t.Errorf(
			"failed %v, error %v, totals %+v; want the first to fail and the second to count",
			failed, err, r.totals(),
		)
	}
}

func TestAMessageThatCannotBeGivenUpFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deadErr = errors.New("SQS is away")
	if _, err := r.deliver("hello"); err == nil {
		t.Error("the message was acknowledged")
	}
}

func TestBeginClearsTheStoreForOtherShards(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	orders := makeOrders("a", 300)
	r.record(orders...)
	key := r.archived(time.Minute, orders...)
	before := r.totals()

	r.open(4)
	var found protocol.Found
	if err := r.ask(protocol.Request{Operation: protocol.State}, &found); err != nil {
		t.Fatal(err)
	}
	if found.Orders != 300 || !strings.Contains(found.Layout, ":1:") {
		t.Fatalf("state %+v, want 300 orders in one shard", found)
	}
	for _, confirm := range []string{"", "another-stack"} {
		var cleared protocol.Cleared
		request := protocol.Request{Operation: protocol.Begin, Confirm: confirm}
		if err := r.ask(request, &cleared); err == nil {
			t.Fatalf("confirm %q: the store was cleared", confirm)
		}
	}
	var cleared protocol.Cleared
	err := r.ask(protocol.Request{Operation: protocol.Begin, Confirm: stack}, &cleared)
	if err != nil || !cleared.Done || cleared.Deleted == 0 {
		t.Fatalf("begin: %+v, error %v", cleared, err)
	}
	if got := r.replay(protocol.KindRebuild, key); got.Recorded != 300 || r.totals() != before {
		t.Errorf("rebuilt %+v, totals %+v; want %+v", got, r.totals(), before)
	}
	if counts := r.counts(); counts.Healed != 0 {
		t.Errorf("a rebuild counts %d orders as healed", counts.Healed)
	}
}

func TestAStackWithoutANameIsNeverCleared(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.config.Stack = ""
	var cleared protocol.Cleared
	if err := r.ask(protocol.Request{Operation: protocol.Begin}, &cleared); err == nil {
		t.Error("the store was cleared")
	}
}

func TestForeignPayloadsAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	key := archive.Key(time.Now(), 1)
	for _, payload := range []string{
		"{}", "[]", "x", `{"orderpipeline":"x"}`,
		`{"orderpipeline":"replay","kind":"x","key":"` + key + `"}`,
	} {
		if answer, err := r.Invoke(t.Context(), []byte(payload)); err == nil {
			t.Errorf("%s: answer %s, want an error", payload, answer)
		}
	}
}

package intake

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderpipeline/shared/archive"
	"orderpipeline/shared/backoff"
	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
)

// dies is a queue service at whose first send the instance dies.
type dies struct {
	*rig
	die func()
}

func (d dies) SendMessageBatch(
	context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options),
) (*sqs.SendMessageBatchOutput, error) {
	d.die()
	return nil, errors.New("not reached")
}

// poison is a ledger that calls do when it is given the order POISON.
type poison struct {
	*ledger.Store
	do func()
}

func (p poison) Record(ctx context.Context, orders []order.Order, outcomes []ledger.Outcome) error {
	for i := range orders {
		if orders[i].ID == "POISON" {
			p.do()
		}
	}
	return p.Store.Record(ctx, orders, outcomes)
}

func TestAPanicFailsItsMessageAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.config.Ledger = poison{r.store, func() { panic("secret") }}
	bodies := []string{"no JSON"}
	for i := range 20 {
		bodies = append(bodies, body(fmt.Sprintf("ORD%d", i), "U1", "1"))
	}
	bodies[7] = body("POISON", "U1", "1")
	batch := batchOf(bodies...)
	batch[7].Attributes = []Attribute{{Name: "traceparent", DataType: "String", Text: "00-trace-7"}}

	wantIDs(t, "failures", r.handle(t, batch), "m7")
	r.wantTotals(t, 19, 1900)
	if got := r.messages(t).Duplicate; got != 0 {
		t.Errorf("%d duplicates counted, want none: only the poisoned half is repeated", got)
	}
	log := r.log.String()
	if !strings.Contains(log, `"message_id":"m7"`) || !strings.Contains(log, "00-trace-7") {
		t.Errorf("the log does not name the message and its trace:\n%s", log)
	}
	if strings.Contains(log, "secret") {
		t.Errorf("the log quotes the panic:\n%s", log)
	}
}

// A panic between the steps of one message does not fail the others either.
func TestGuard(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.newBatch(batchOf("a", "b"))
	for i := range b.entries {
		b.entries[i].fate = invalid
		b.guard(i, "test", func() {
			if i == 0 {
				panic(errors.New("broken"))
			}
		})
	}
	if b.entries[0].fate != pending || b.entries[1].fate != invalid {
		t.Errorf("fates %v, %v", b.entries[0].fate, b.entries[1].fate)
	}
}

func TestSuspect(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, c := range []struct {
		receives int
		age      time.Duration // since the first receive; 0: not known
		want     bool
	}{
		{0, 0, false}, {1, 0, false}, {1, time.Hour, false},
		{2, 5 * time.Second, false}, {2, 0, true}, {2, 181 * time.Second, true},
		{4, 126 * time.Second, false}, {4, 300 * time.Second, true},
		{5, 5 * time.Second, true}, {100, time.Hour, true},
	} {
		m := Message{Receives: c.receives}
		if c.age > 0 {
			m.FirstReceived = now.Add(-c.age)
		}
		if got := suspect(&m, now); got != c.want {
			t.Errorf("%d receives, the first %v ago: suspect %t, want %t", c.receives, c.age, got, c.want)
		}
	}
}

// The delays before the receives that are known to be harmless add up to less than crashAge, and a
// crash takes longer than it: 181 s, the visibility timeout of the queue.
func TestCrashAgeTellsACrashFromADelay(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 1, time.UTC) // the longest alignment
	var sum time.Duration
	for receives := 1; receives < knownReceives; receives++ {
		timeout := backoff.Visibility(now, 5*time.Second, receives, 300, 0.999)
		sum += time.Duration(timeout) * time.Second
	}
	if sum >= crashAge || crashAge >= 181*time.Second {
		t.Errorf("the delays are %v long together, crashAge is %v", sum, crashAge)
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{0: 0, 1: 1, 100: 1, 101: 4, 1000: 32, 10_000: 313} {
		list := make([]int, n)
		for i := range list {
			list[i] = i
		}
		var all []int
		for group := range groups(list) {
			if len(group) > want {
				t.Errorf("%d suspects: a group of %d, want at most %d", n, len(group), want)
			}
			all = append(all, group...)
		}
		if !slices.Equal(all, list) {
			t.Errorf("%d suspects: groups hold %d", n, len(all))
		}
	}
}

// A simulated queue gives out batches, and makes messages visible again after their timeouts.
func TestAKillerIsAloneAtItsThirdReceive(t *testing.T) {
	t.Parallel()
	const visibility, messages, killer = 181 * time.Second, 1_000, 700
	r := newRig(t)
	together := 0 // messages of the call that killed the instance last
	deaths := 0
	r.config.Ledger = poisonGroup{r.store, func(size int) {
		together = size
		deaths++
		runtime.Goexit() // ends the handler without a response, as the end of its process does
	}}
	type state struct {
		Message
		visible time.Time
	}
	var queue []*state
	for i := range messages {
		id := fmt.Sprintf("ORD%d", i)
		if i == killer {
			id = "POISON"
		}
		queue = append(queue, &state{Message: Message{
			ID: fmt.Sprintf("m%d", i), ReceiptHandle: fmt.Sprintf("m%d", i), Body: body(id, "U1", "1"),
		}})
	}

	for receive := 1; receive <= 4; receive++ {
		var batch []Message
		slices.SortFunc(queue, func(a, b *state) int { return a.visible.Compare(b.visible) })
		if receive > 1 && len(queue) > 0 && queue[0].visible.After(r.now) {
			r.now = queue[0].visible
		}
		for _, m := range queue {
			if m.visible.After(r.now) {
				continue
			}
			m.Receives++
			if m.Receives == 1 {
				m.FirstReceived = r.now
			}
			m.visible = r.now.Add(visibility)
			batch = append(batch, m.Message)
		}
		clear(r.delayed)
		before := deaths
		acknowledged := map[string]bool{}
		handler := r.Handler
		done := make(chan bool)
		go func() {
			defer func() { done <- true }()
			response, err := handler.Handle(t.Context(), batch)
			if err != nil {
				return
			}
			for i := range batch {
				acknowledged[batch[i].ID] = true
			}
			for _, failure := range response.BatchItemFailures {
				delete(acknowledged, failure.ItemIdentifier)
			}
		}()
		<-done

		crashed := deaths > before
		if crashed {
			r.Handler = New(r.config) // the next instance
		}
		queue = slices.DeleteFunc(queue, func(m *state) bool {
			return acknowledged[m.ID] || slices.Contains(r.deleted, m.ReceiptHandle)
		})
		for _, m := range queue {
			if seconds, found := r.delayed[m.ReceiptHandle]; found {
				m.visible = r.now.Add(time.Duration(seconds) * time.Second)
			}
		}
		if crashed && receive == 2 && together > maxGroups {
			t.Errorf("the killer had %d messages beside it at its second receive", together-1)
		}
	}
	// 1: all together. 2: in a group. 3: the suspects of other groups, without the killer. 4: alone.
	if deaths != 3 || together != 1 {
		t.Errorf("%d deaths, the last one with %d messages; want 3, the last one alone", deaths, together)
	}
	var left []string
	for _, m := range queue {
		left = append(left, m.ID)
		if m.Receives > 3 {
			t.Errorf("%s was received %d times", m.ID, m.Receives)
		}
	}
	if len(left) > maxGroups {
		t.Errorf("%d messages are left: %v", len(left), left)
	}
	// The neighbours of its last group are redelivered without it.
	for _, m := range queue {
		if m.ID != fmt.Sprintf("m%d", killer) {
			wantIDs(t, "failures", r.handle(t, []Message{m.Message}))
		}
	}
	r.wantTotals(t, messages-1, 100*(messages-1))
}

// poisonGroup is a ledger that calls do with the number of orders beside POISON, itself included.
type poisonGroup struct {
	*ledger.Store
	do func(size int)
}

func (p poisonGroup) Record(
	ctx context.Context, orders []order.Order, outcomes []ledger.Outcome,
) error {
	for i := range orders {
		if orders[i].ID == "POISON" {
			p.do(len(orders))
		}
	}
	return p.Store.Record(ctx, orders, outcomes)
}

// The others of the batch are archived and deleted before a suspect is touched.
func TestSuspectsComeLast(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	batch := batchOf(body("OLD", "U1", "1"), body("NEW", "U1", "1"), "no JSON")
	batch[0].Receives = 9
	wantIDs(t, "failures", r.handle(t, batch))
	want := []string{"put", "send", "delete", "hide", "put"}
	if !slices.Equal(r.calls, want) {
		t.Errorf("calls %v, want %v", r.calls, want)
	}
	wantIDs(t, "deleted", r.deleted, "handle of m1", "handle of m2")
	if got := r.delayed["handle of m0"]; got != int32(hideTime.Seconds()) {
		t.Errorf("the suspect is hidden for %d s, want %v", got, hideTime)
	}
	r.wantTotals(t, 2, 200)
	r.wantArchived(t, map[string][]archive.Outcome{
		"m0": {archive.Recorded}, "m1": {archive.Recorded}, "m2": {archive.Invalid},
	})
}

func TestASuspectThatCannotBeHiddenFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.hideErr = errors.New("throttled")
	batch := batchOf(body("OLD", "U1", "1"), body("NEW", "U1", "1"))
	batch[0].Receives = 9
	wantIDs(t, "failures", r.handle(t, batch), "m0")
	r.wantTotals(t, 1, 100)
	_, err := r.Handle(t.Context(), batch[:1])
	if !errors.Is(err, ErrNothingDone) || !errors.Is(err, errNotHidden) {
		t.Errorf("error %v, want ErrNothingDone because it could not be hidden", err)
	}
}

func TestAFailedDeleteHoldsUpNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deleteErr = errors.New("throttled")
	batch := batchOf(body("OLD", "U1", "1"), body("NEW", "U1", "1"))
	batch[0].Receives = 9
	wantIDs(t, "failures", r.handle(t, batch))
	r.wantTotals(t, 2, 200)
}

// After an outage all waiting messages are suspects: they are recorded in groups, not one by one.
func TestAfterAnOutageSuspectsAreRecordedInGroups(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var bodies []string
	for i := range 1_000 {
		bodies = append(bodies, body(fmt.Sprintf("ORD%d", i), "U1", "1"))
	}
	batch := batchOf(bodies...)
	for i := range batch {
		batch[i].Receives = 100
	}
	wantIDs(t, "failures", r.handle(t, batch))
	if len(r.objects) != maxGroups {
		t.Errorf("%d objects, want %d", len(r.objects), maxGroups)
	}
	r.wantTotals(t, 1_000, 100_000)
}

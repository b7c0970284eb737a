package intake

import (
	"errors"
	"testing"
	"time"
)

func TestDelay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		receives int
		jitter   float64
		want     time.Duration
	}{
		{1, 0.5, 5 * time.Second}, {2, 0.5, 20 * time.Second}, {3, 0.5, 80 * time.Second},
		{4, 0.5, 320 * time.Second},
		{5, 0.5, 420 * time.Second}, {1000, 0.5, 420 * time.Second}, {1, 0, 4 * time.Second},
		{0, 0.5, 5 * time.Second},
		{4, 0, 256 * time.Second}, {1000, 1, 504 * time.Second},
	} {
		if got := Delay(5*time.Second, c.receives, c.jitter).Round(time.Millisecond); got != c.want {
			t.Errorf("delay after %d receives, jitter %v: %v, want %v", c.receives, c.jitter, got, c.want)
		}
	}
	if got := Delay(15*time.Minute, 1, 0.5); got != maxDelay {
		t.Errorf("a first delay of 15 minutes becomes %v, want %v", got, maxDelay)
	}
}

// Long delays end together, so that waiting messages are received in few batches.
func TestVisibilitySeconds(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 12, 0, 10, 0, time.UTC)
	for _, c := range []struct {
		now   time.Time
		delay time.Duration
		want  int32
	}{
		{at, 5 * time.Second, 5},
		{at, 4200 * time.Millisecond, 5}, // rounded up: zero would mean at once
		{at, time.Millisecond, 1},
		{at, 60 * time.Second, 80},   // 12:01:10 becomes 12:01:30
		{at, 79 * time.Second, 80},   // 12:01:29
		{at, 80 * time.Second, 110},  // 12:01:30 becomes 12:02:00
		{at, 504 * time.Second, 530}, // under nine minutes
		{at.Add(time.Millisecond), 60 * time.Second, 80},
	} {
		if got := VisibilitySeconds(c.now, c.delay); got != c.want {
			t.Errorf("%v after %v: %d s, want %d", c.delay, c.now.Format(time.TimeOnly), got, c.want)
		}
	}
}

// 300 receives, the maxReceiveCount of the queue, take more than a day whatever the jitter.
func TestTheReceivesLastADay(t *testing.T) {
	t.Parallel()
	var sum time.Duration
	longest := time.Duration(0)
	for receives := 1; receives < 300; receives++ {
		sum += Delay(5*time.Second, receives, 0)
		longest = max(longest, Delay(5*time.Second, receives, 1)+alignTo)
	}
	if sum < 24*time.Hour {
		t.Errorf("the delays last %v, want a day", sum)
	}
	if longest > 9*time.Minute {
		t.Errorf("the longest delay is %v, want under 10 minutes with time to record", longest)
	}
}

// The delay after the last receive is short: it ends in the dead-letter queue without an attempt.
func TestTheLastReceiveHasTheFirstDelay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.server.Kill()
	batch := batchOf(body("ORD1", "U1", "1"), body("ORD2", "U1", "1"))
	batch[0].Receives, batch[1].Receives = 299, 300
	if _, err := r.Handle(t.Context(), batch); !errors.Is(err, ErrNothingDone) {
		t.Fatalf("error %v", err)
	}
	if before := r.delayed["handle of m0"]; before < 336 {
		t.Errorf("after the last receive but one: %d s, want the longest delay", before)
	}
	if last := r.delayed["handle of m1"]; last != 5 {
		t.Errorf("after the last receive: %d s, want 5", last)
	}
}

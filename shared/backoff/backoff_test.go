package backoff

import (
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
	if got := Delay(15*time.Minute, 1, 0.5); got != longest {
		t.Errorf("a first delay of 15 minutes becomes %v, want %v", got, longest)
	}
}

// Long delays end together, so that waiting messages are received in few batches.
func TestSeconds(t *testing.T) {
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
		if got := seconds(c.now, c.delay); got != c.want {
			t.Errorf("%v after %v: %d s, want %d", c.delay, c.now.Format(time.TimeOnly), got, c.want)
		}
	}
}

// 300 receives, the maxReceiveCount of the queue, take more than a day whatever the jitter.
func TestTheReceivesLastADay(t *testing.T) {
	t.Parallel()
	var sum time.Duration
	for receives := 1; receives < 300; receives++ {
		sum += Delay(5*time.Second, receives, 0)
	}
	if sum < 24*time.Hour {
		t.Errorf("the delays last %v, want a day", sum)
	}
}

// The visibility timeout never exceeds Longest, which users see.
func TestWithin(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		receives int
		want     time.Duration
	}{
		{1, 6 * time.Second},
		{2, 24 * time.Second},
		{3, 126 * time.Second}, // 96 s, to a full half minute
		{4, 414 * time.Second},
		{5, Longest},
		{1000, Longest},
	} {
		within := Within(5*time.Second, c.receives)
		if within != c.want {
			t.Errorf("after %d receives: within %v, want %v", c.receives, within, c.want)
		}
		for second := range 60 {
			now := start.Add(time.Duration(second) * time.Second)
			timeout := seconds(now, Delay(5*time.Second, c.receives, 0.999999))
			if got := time.Duration(timeout) * time.Second; got > within {
				t.Errorf("after %d receives: %v, want at most %v", c.receives, got, within)
			}
		}
	}
}

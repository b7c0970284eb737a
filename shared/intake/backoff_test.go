package intake

import (
	"errors"
	"testing"
)

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

package intake

import (
	"errors"
	"time"
)

// errFailingFast says that the function does not try at present.
var errFailingFast = errors.New("failing fast: the last batches had no answer from Redis or S3")

// When to stop trying: after breakerBatches batches in a row without an answer from Redis or S3, an
// instance fails batches at once for breakerPause, with ±50 % jitter. Then it tries one batch. So
// an outage costs neither Lambda time nor a flood of connections, and its end is noticed within a
// quarter of a minute.
const (
	breakerBatches = 3
	breakerPause   = 10 * time.Second
)

// A breaker is the circuit breaker of one instance.
type breaker struct {
	failures int
	until    time.Time
}

// check returns an error while the breaker is open.
func (b *breaker) check(now time.Time) error {
	if now.Before(b.until) {
		return errFailingFast
	}
	return nil
}

// note notes how a batch ended. Jitter is in [0, 1).
func (b *breaker) note(now time.Time, down bool, jitter float64) {
	if !down {
		*b = breaker{}
		return
	}
	b.failures++
	if b.failures >= breakerBatches {
		b.until = now.Add(time.Duration(float64(breakerPause) * (0.5 + jitter)))
	}
}

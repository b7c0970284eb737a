package operator

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/backoff"
	"orderpipeline/shared/statsapi/answer"
)

// Orders whose attempt failed are in flight until their next attempt: the order function sets their
// visibility timeout, see package backoff. Nothing in SQS tells them from messages that are being
// processed, so they are recognised by what does not happen: nothing is recorded, and the number in
// flight does not change.

const (
	defaultDelay = 5 * time.Second // RETRY_DELAY_SECONDS where it cannot be read
	// stillTime is how long nothing may happen before messages in flight are taken for waiting. A
	// batch is processed in a fraction of it.
	stillTime = 2 * time.Second
)

// Waiting are orders that wait for their next attempt.
type waiting struct {
	Orders int64   `json:"orders"`
	Within float64 `json:"next_within_seconds"` // the next attempt comes within this time
}

func (w *waiting) text() string {
	return fmt.Sprintf("%s orders wait for their next attempt, the next comes within %s",
		console.Count(w.Orders), console.Ago(time.Duration(w.Within*float64(time.Second))))
}

// A stillness watches the orders queue over several looks.
type stillness struct {
	since  time.Time
	depth  queue.Depth
	counts *answer.Counts
}

// look compares with the last look. It returns nil while nothing waits for its next attempt. counts
// is nil while they are unknown: then nothing can be recorded, and all in flight waits.
func (st *stillness) look(
	ctx context.Context, s *session.Session, d queue.Depth, counts *answer.Counts,
) *waiting {
	now := time.Now()
	moving := st.since.IsZero() || d.InFlight == 0 || d.InFlight != st.depth.InFlight ||
		counts != nil && (st.counts == nil || counts.Recorded != st.counts.Recorded)
	if moving {
		st.since = now
	}
	st.depth, st.counts = d, counts
	if d.InFlight == 0 || counts != nil && now.Sub(st.since) < stillTime {
		return nil
	}
	return &waiting{d.InFlight, session.Seconds(nextAttempt(ctx, s, d))}
}

// nextAttempt is the longest time until the next attempt of a message in flight.
func nextAttempt(ctx context.Context, s *session.Session, d queue.Depth) time.Duration {
	if !s.Local {
		return backoff.Longest
	}
	l, err := s.Orders.Listed(ctx, s.Endpoint, d, time.Now())
	if err != nil || l.Receives == 0 {
		return backoff.Longest
	}
	return backoff.Within(retryDelay(ctx, s), l.Receives)
}

// retryDelay reads the delay after a first failed attempt from the order function's settings.
func retryDelay(ctx context.Context, s *session.Session) time.Duration {
	name := s.Outputs["OrdersFunctionName"]
	f, err := s.Lambda.GetFunctionConfiguration(ctx,
		&lambda.GetFunctionConfigurationInput{FunctionName: &name})
	if err != nil || f.Environment == nil {
		return defaultDelay
	}
	seconds, err := strconv.Atoi(f.Environment.Variables["RETRY_DELAY_SECONDS"])
	if err != nil || seconds <= 0 {
		return defaultDelay
	}
	return time.Duration(seconds) * time.Second
}

package intake

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
)

// instantLedger records every order at once.
type instantLedger struct{}

func (instantLedger) Record(_ context.Context, _ []order.Order, outcomes []ledger.Outcome) error {
	for i := range outcomes {
		outcomes[i] = ledger.Recorded
	}
	return nil
}

func (instantLedger) CountRefused(context.Context, []ledger.RefusedMessage) error { return nil }
func (instantLedger) AddCounters(context.Context, map[string]int64) error         { return nil }

// instantArchive stores nothing.
type instantArchive struct{}

func (instantArchive) Put(context.Context, string, []byte) error { return nil }

// BenchmarkInvoke is the work of the function itself for a batch of 1,000 orders: Redis and S3 answer
// at once.
func BenchmarkInvoke(b *testing.B) {
	for name, to := range map[string]Archive{"with archive": instantArchive{}, "without archive": nil} {
		b.Run(name, func(b *testing.B) {
			payload := benchEvent(b)
			handler := New(Config{
				Ledger: instantLedger{}, Archive: to, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
				Now: time.Now, FirstDelay: time.Second, MaxReceives: 10, Jitter: func() float64 { return 0 },
			})
			for b.Loop() {
				if _, err := handler.Invoke(b.Context(), payload); err != nil {
					b.Fatal(err)
				}
			}
			perMessage(b)
		})
	}
}

package statsapi

import (
	"context"
	"fmt"
	"time"

	"orderpipeline/shared/metric"
)

// flushLimit bounds one Flush.
const flushLimit = 250 * time.Millisecond

// count counts one answered request in memory.
func (a *API) count(route, status string, took time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	metric.APIRequests.Add(a.delta, 1, route, status)
	metric.APIDuration.Observe(a.delta, took.Microseconds(), route)
}

// Flush adds the requests counted in memory to the counters that all servers share. After an error,
// which is also logged, they are kept for the next Flush. If only Redis's reply was lost, they are
// then added twice.
func (a *API) Flush(ctx context.Context) error {
	a.mu.Lock()
	delta := a.delta
	a.delta = make(metric.Delta, len(delta))
	a.mu.Unlock()
	if len(delta) == 0 {
		return nil
	}

	ctx, cancel := context.WithTimeout(ctx, flushLimit)
	defer cancel()
	err := a.config.Store.AddCounters(ctx, delta)
	if err == nil {
		return nil
	}

	a.mu.Lock()
	defer a.mu.Unlock()
	for key, n := range delta {
		a.delta[key] += n
	}
	a.config.Log.WarnContext(ctx, "request counters are kept for the next flush", "error", err)
	return fmt.Errorf("add the request counters: %w", err)
}

// FlushEvery flushes at each interval until ctx is done, and then once more.
func (a *API) FlushEvery(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = a.Flush(ctx) // logged, and retried at the next tick
		case <-ctx.Done():
			_ = a.Flush(context.WithoutCancel(ctx)) // logged
			return
		}
	}
}

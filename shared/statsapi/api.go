// Package statsapi answers questions about the figures over HTTP: JSON, the Prometheus text format, and two pages for
// people. It is plain net/http, so it runs in Lambda (see Lambda) and outside alike.
//
// The routes are declared once, in routes.go; validation and the OpenAPI document both follow from there.
package statsapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/metric"
	"orderpipeline/shared/order"
)

// Store is what the API asks: a *ledger.Store. Every error other than ledger.ErrNotFound is answered with 503.
type Store interface {
	User(ctx context.Context, id string) (ledger.UserStats, error)
	Global(ctx context.Context) (ledger.Totals, error)
	Top(ctx context.Context, n int) ([]ledger.Spender, error)
	Monthly(ctx context.Context, from, to order.Month) ([]ledger.MonthTotals, error)
	Messages(ctx context.Context) (ledger.MessageCounts, error)
	AddCounters(ctx context.Context, delta map[string]int64) error
	Counters(ctx context.Context) (map[string]int64, error)
	Ping(ctx context.Context) error
}

// Queues tells how many messages wait. What it returns beside an error is shown; the error is only logged.
type Queues interface {
	Depths(ctx context.Context) ([]QueueDepth, error)
}

// QueueDepth is how many messages a queue holds, approximately.
type QueueDepth struct {
	Queue    string // the queue's name
	Visible  int64  // waiting to be received
	InFlight int64  // received, neither deleted nor visible again
	Delayed  int64  // not yet to be received
}

// Config of an API. Only Store and Log are needed.
type Config struct {
	Store  Store
	Queues Queues // nil: no queue depth is shown
	Log    *slog.Logger
	Now    func() time.Time // nil: time.Now
	Limit  time.Duration    // for one answer; what takes longer is a 503. Zero: one second
}

// flushLimit bounds one Flush: a request in Lambda waits for it.
const flushLimit = 250 * time.Millisecond

// An API is an http.Handler, safe for concurrent use.
type API struct {
	store  Store
	queues Queues
	log    *slog.Logger
	now    func() time.Time
	limit  time.Duration
	mux    *http.ServeMux

	mu    sync.Mutex
	delta metric.Delta // what was counted and not yet added to the shared counters
}

// New makes an API. It asks the store nothing yet.
func New(c Config) *API {
	a := &API{
		store: c.Store, queues: c.Queues, log: c.Log, now: c.Now, limit: c.Limit,
		mux: http.NewServeMux(), delta: metric.Delta{},
	}
	if a.now == nil {
		a.now = time.Now
	}
	if a.limit == 0 {
		a.limit = time.Second
	}
	document := a.routes()
	a.pages(document)
	return a
}

// count notes one answered request.
func (a *API) count(route, status string, took time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	metric.APIRequests.Add(a.delta, 1, route, status)
	metric.APIDuration.Observe(a.delta, took.Microseconds(), route)
}

// Flush adds what this instance counted to the counters that all instances share. After an error, which is also
// logged, it is kept for the next time. An answer that is lost on its way back is such an error: what it stood for is
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
	err := a.store.AddCounters(ctx, delta)
	if err == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, n := range delta {
		a.delta[key] += n
	}
	a.log.WarnContext(ctx, "request counters are kept for the next time", "error", err)
	return fmt.Errorf("add the request counters: %w", err)
}

// FlushEvery flushes until ctx is done, and then once more. It is for a server; in Lambda, Flush follows each request.
func (a *API) FlushEvery(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = a.Flush(ctx) // logged, and tried again
		case <-ctx.Done():
			_ = a.Flush(context.WithoutCancel(ctx)) // logged
			return
		}
	}
}

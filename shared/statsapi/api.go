// Package statsapi answers queries about the figures over HTTP: JSON, the Prometheus text format,
// and two pages for people. It is plain net/http, so it runs in Lambda (see Lambda) and outside.
//
// The routes are declared once, in routes.go; validation and the OpenAPI document follow from
// there. A handler returns an error; errors.go alone maps errors to status codes.
package statsapi

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/metric"
	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

// Store is where the figures are: a *ledger.Store.
type Store interface {
	User(ctx context.Context, id string) (ledger.UserStats, error)
	Global(ctx context.Context) (ledger.Totals, error)
	Top(ctx context.Context, n int) ([]ledger.Spender, error)
	Customers(
		ctx context.Context, cursor string, limit int,
	) (page []ledger.UserStats, next string, err error)
	Monthly(ctx context.Context, from, to order.Month) ([]ledger.MonthTotals, error)
	Months(ctx context.Context) ([]ledger.MonthTotals, error)
	Daily(ctx context.Context, from, to order.Day) ([]ledger.DayTotals, error)
	Messages(ctx context.Context) (ledger.MessageCounts, error)
	AddCounters(ctx context.Context, delta map[string]int64) error
	Counters(ctx context.Context) (map[string]int64, error)
	Ping(ctx context.Context) error
}

// Queues reads how many messages wait. Depths returned beside an error are shown; the error is
// logged.
type Queues interface {
	Depths(ctx context.Context) ([]answer.Queue, error)
}

// Config of an API. Store and Log are required.
type Config struct {
	Store  Store
	Queues Queues // nil: no queue depth is shown
	Log    *slog.Logger
	Now    func() time.Time // nil: time.Now
	Zone   *time.Location   // of months and days; nil: UTC
	Limit  time.Duration    // for one answer; what takes longer is a 503. Zero: one second

	// EMF makes the log line of each request a CloudWatch metric. Requests are then not counted in
	// Redis, and /metrics shows nothing about them: that is for Lambda, where instances come and go
	// and a write for each read would be the only way. Nil: they are counted in memory, Flush adds
	// them to the shared counters, and /metrics shows them.
	EMF *metric.EMF
}

// An API is an http.Handler, safe for concurrent use.
type API struct {
	config Config
	mux    *http.ServeMux

	mu    sync.Mutex
	delta metric.Delta // counted and not yet added to the shared counters
}

// New makes an API. It does not query the store yet.
func New(c Config) *API {
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Zone = cmp.Or(c.Zone, time.UTC)
	c.Limit = cmp.Or(c.Limit, time.Second)
	a := &API{config: c, mux: http.NewServeMux(), delta: metric.Delta{}}

	document := a.routes()
	a.pages(document)
	a.mux.HandleFunc("/", a.unmatched)
	return a
}

package statsapi_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
	"orderpipeline/shared/redistest"
	"orderpipeline/shared/statsapi"
)

// BenchmarkRoutes answers one request after another from a real store of 1,000 customers: the
// handler and one round trip to Redis, without HTTP around it.
func BenchmarkRoutes(b *testing.B) {
	store, err := ledger.New(
		redistest.Start(b, "--appendonly", "no").Client(),
		ledger.Options{Shards: 1, Retention: time.Hour},
	)
	if err != nil {
		b.Fatal(err)
	}
	orders := make([]order.Order, 1000)
	for i := range orders {
		orders[i] = order.Order{
			ID:     fmt.Sprintf("O%d", i),
			UserID: fmt.Sprintf("U%d", i),
			Value:  order.Cents(100 + i),
			Placed: time.Date(2024, time.Month(1+i%12), 1, 0, 0, 0, 0, time.UTC),
		}
	}
	if err := store.Record(b.Context(), orders, make([]ledger.Outcome, len(orders))); err != nil {
		b.Fatal(err)
	}
	api := statsapi.New(
		statsapi.Config{Store: store, Log: slog.New(slog.NewJSONHandler(io.Discard, nil))},
	)
	for _, path := range []string{
		"/health", "/users/U77/stats", "/stats/global", "/stats/top/10", "/stats/monthly",
		"/stats/messages", "/metrics",
	} {
		b.Run(path[1:], func(b *testing.B) {
			request := httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, http.NoBody)
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				if api.ServeHTTP(w, request); w.Code != http.StatusOK {
					b.Fatalf("status %d: %s", w.Code, w.Body)
				}
			}
		})
	}
}

package browser_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
	"orderpipeline/shared/redistest"
	"orderpipeline/shared/statsapi"
	"orderpipeline/shared/statsapi/answer"
)

// A site is an API with its pages, and what a test does to it.
type site struct {
	url     string   // with the stage, without a slash at its end
	aliases []string // other forms of url
	send    func(t *testing.T, messages ...string)
	freeze  func(t *testing.T) // Redis no longer answers …
	thaw    func(t *testing.T) // … and answers again

	// Only of the handler itself, not of a deployed API:
	queues  *depths
	gateway *gateway
	now     func() time.Time // its clock
}

// open returns the deployed API when there is one, and one of the test's own otherwise.
func open(t *testing.T) site {
	t.Helper()
	if url := os.Getenv("BROWSER_API_URL"); url != "" {
		return deployed(t, url)
	}
	return local(t)
}

// stages are the paths under which the handler answers, as an API Gateway's stage on AWS and on
// LocalStack.
var stages = []string{"/v1", "/_aws/execute-api/abcdefghij/v1"}

// local is the handler itself with a new, empty Redis. Its clock begins at noon, so that no day
// ends in a test.
func local(t *testing.T) site {
	t.Helper()
	server := redistest.Start(t)
	rdb, err := ledger.Connect(ledger.Connection{URL: server.URL(), Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	store, err := ledger.New(rdb, ledger.Options{Shards: 1, Retention: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	queues := &depths{}
	queues.set(answer.Depth{}, 0, 2)
	begun := time.Now()
	ahead := begun.UTC().Truncate(24 * time.Hour).Add(12 * time.Hour).Sub(begun)
	now := func() time.Time { return time.Now().Add(ahead) }
	handler := func(limit time.Duration) http.Handler {
		return statsapi.New(statsapi.Config{
			Store: store, Queues: queues, Log: slog.New(slog.DiscardHandler), Now: now, Limit: limit,
		})
	}
	front := &gateway{patient: handler(5 * time.Second), hasty: handler(time.Second)}
	listener := httptest.NewServer(front)
	t.Cleanup(listener.Close)
	return site{
		url:     listener.URL + stages[0],
		aliases: []string{listener.URL + stages[1]},
		queues:  queues,
		gateway: front,
		now:     now,
		send:    func(t *testing.T, messages ...string) { t.Helper(); take(t, store, messages) },
		freeze: func(*testing.T) {
			server.Freeze()
			front.frozen.Store(true)
		},
		thaw: func(*testing.T) {
			server.Thaw()
			front.frozen.Store(false)
		},
	}
}

// A gateway does what API Gateway does: it takes the stage off each path, and may want a key for
// everything that holds figures.
//
// While Redis is frozen it asks an API with the time limit of production. Otherwise it asks one
// with nearly as much time as the page has, because a busy machine may give Redis none for a
// second: then the page would show an outage that no test made.
type gateway struct {
	patient  http.Handler
	hasty    http.Handler
	frozen   atomic.Bool
	requests atomic.Int64
	key      atomic.Pointer[string] // nil: no key is needed
	broken   atomic.Bool            // every connection breaks
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.broken.Load() {
		panic(http.ErrAbortHandler)
	}
	for _, stage := range stages {
		rest, found := strings.CutPrefix(r.URL.Path, stage)
		if !found || rest != "" && rest[0] != '/' {
			continue
		}
		if rest == "" {
			r.URL.Path = stage + "/"
		}
		figures := strings.HasPrefix(rest, "/stats") || strings.HasPrefix(rest, "/users")
		if figures {
			g.requests.Add(1)
		}
		if key := g.key.Load(); key != nil && figures && r.Header.Get("X-Api-Key") != *key {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"message":"Forbidden"}`))
			return
		}
		api := g.patient
		if g.frozen.Load() {
			api = g.hasty
		}
		http.StripPrefix(stage, api).ServeHTTP(w, r)
		return
	}
	http.NotFound(w, r)
}

// take does with messages what the order function does.
func take(t *testing.T, store *ledger.Store, messages []string) {
	t.Helper()
	var orders []order.Order
	var refused []ledger.RefusedMessage
	for _, message := range messages {
		o, err := order.Parse(message)
		var refusal *order.Refusal
		switch {
		case errors.As(err, &refusal):
			refused = append(refused, ledger.RefusedMessage{MessageID: rand.Text(), Reason: refusal.Reason})
		case err != nil:
			t.Fatal(err)
		default:
			orders = append(orders, o)
		}
	}
	if err := store.Record(t.Context(), orders, make([]ledger.Outcome, len(orders))); err != nil {
		t.Fatal(err)
	}
	if err := store.CountRefused(t.Context(), refused); err != nil {
		t.Fatal(err)
	}
}

// depths are what SQS would say.
type depths struct {
	mu     sync.Mutex
	queues []answer.Queue
}

// set makes the queue of orders this deep, beside the given numbers of dead and rejected messages.
func (d *depths) set(orders answer.Depth, dead, rejected int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queues = []answer.Queue{
		{Queue: "orders", Depth: orders},
		{Queue: "orders-dlq", Depth: answer.Depth{Visible: dead}},
		{Queue: "orders-rejected", Depth: answer.Depth{Visible: rejected}},
	}
}

func (d *depths) Depths(context.Context) ([]answer.Queue, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.queues, nil
}

// message is an order of one item.
func message(t *testing.T, id, user, day, price string) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"order_id":        id,
		"user_id":         user,
		"order_timestamp": day,
		"order_value":     json.Number(price),
		"items": []map[string]any{
			{"product_id": "P1", "quantity": 1, "price_per_unit": json.Number(price)},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

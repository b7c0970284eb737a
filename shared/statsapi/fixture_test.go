package statsapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
	"orderpipeline/shared/redistest"
	"orderpipeline/shared/statsapi"
	"orderpipeline/shared/statsapi/answer"
)

// newStore is a real ledger on a real redis-server.
func newStore(t *testing.T, client redis.UniversalClient) *ledger.Store {
	t.Helper()
	store, err := ledger.New(client, ledger.Options{Shards: 1, Retention: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// patience is the time limit of answers where none is tested: a busy machine may give Redis or the
// API no processor time for a second.
const patience = time.Minute

// newAPI is an API over a real, empty store.
func newAPI(t *testing.T) (*statsapi.API, *ledger.Store) {
	t.Helper()
	store := newStore(t, redistest.Client(t))
	return statsapi.New(statsapi.Config{
		Store: store, Log: slog.New(slog.DiscardHandler), Limit: patience,
	}), store
}

// placed makes an order of a value in a month, such as 2024-12.
func placed(t *testing.T, id, user, month string, cents order.Cents) order.Order {
	t.Helper()
	at, err := time.Parse("2006-01", month)
	if err != nil {
		t.Fatal(err)
	}
	return order.Order{ID: id, UserID: user, Placed: at, Value: cents}
}

// record counts orders and fails the test when one is not new.
func record(t *testing.T, store *ledger.Store, orders ...order.Order) {
	t.Helper()
	outcomes := make([]ledger.Outcome, len(orders))
	if err := store.Record(t.Context(), orders, outcomes); err != nil {
		t.Fatal(err)
	}
	for i, outcome := range outcomes {
		if outcome != ledger.Recorded {
			t.Fatalf("order %s: outcome %v", orders[i].ID, outcome)
		}
	}
}

// reply is the answer to one request.
type reply struct {
	status int
	header http.Header
	body   string
}

// ask sends one request to the handler itself.
func ask(t *testing.T, h http.Handler, method, target string) reply {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, target, http.NoBody))
	return reply{w.Code, w.Header(), w.Body.String()}
}

// get sends one GET over a connection, as a client does.
func get(t *testing.T, url string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(body)}
}

// problem reads problem details, and fails the test when the answer is none.
func (a reply) problem(t *testing.T) (detail string) {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("content type is %q, want problem details; body %s", got, a.body)
	}
	var p struct {
		Title, Detail string
		Status        int
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("not JSON: %v: %s", err, a.body)
	}
	if p.Status != a.status || p.Title != http.StatusText(a.status) || p.Detail == "" {
		t.Fatalf("problem %s does not fit status %d", a.body, a.status)
	}
	return p.Detail
}

// fakeStore is a store for failures that a real one does not have on demand. A nil function is not
// expected to be called.
type fakeStore struct {
	statsapi.Store
	global      func(context.Context) (ledger.Totals, error)
	messages    func(context.Context) (ledger.MessageCounts, error)
	counters    func(context.Context) (map[string]int64, error)
	ping        func(context.Context) error
	addCounters func(context.Context, map[string]int64) error
}

// silentStore never answers.
func silentStore() fakeStore {
	silent := func(ctx context.Context) error {
		<-ctx.Done()
		return fmt.Errorf("%w: %w", ledger.ErrUnavailable, ctx.Err())
	}
	return fakeStore{
		global: func(ctx context.Context) (t ledger.Totals, err error) { return t, silent(ctx) },
		messages: func(ctx context.Context) (c ledger.MessageCounts, err error) {
			return c, silent(ctx)
		},
		counters: func(ctx context.Context) (map[string]int64, error) { return nil, silent(ctx) },
		ping:     silent,
	}
}

// emptyStore answers at once.
func emptyStore() fakeStore {
	return fakeStore{
		global:   func(context.Context) (t ledger.Totals, err error) { return t, nil },
		messages: func(context.Context) (c ledger.MessageCounts, err error) { return c, nil },
		counters: func(context.Context) (map[string]int64, error) { return map[string]int64{}, nil },
	}
}

func (f fakeStore) Global(ctx context.Context) (ledger.Totals, error) { return f.global(ctx) }
func (f fakeStore) Messages(ctx context.Context) (ledger.MessageCounts, error) {
	return f.messages(ctx)
}
func (f fakeStore) Counters(ctx context.Context) (map[string]int64, error) {
	return f.counters(ctx)
}
func (f fakeStore) Ping(ctx context.Context) error { return f.ping(ctx) }
func (f fakeStore) AddCounters(ctx context.Context, d map[string]int64) error {
	return f.addCounters(ctx, d)
}

// patientStore is a real store on which a flush has no time limit: what a flush that ends at its
// limit was to count is kept, and may be counted twice.
type patientStore struct{ *ledger.Store }

func (s patientStore) AddCounters(ctx context.Context, d map[string]int64) error {
	return s.Store.AddCounters(context.WithoutCancel(ctx), d)
}

// fakeQueues answers as SQS would.
type fakeQueues struct {
	depths func(context.Context) ([]answer.Queue, error)
}

func (f fakeQueues) Depths(ctx context.Context) ([]answer.Queue, error) { return f.depths(ctx) }

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
	"testing"
	"time"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
	"orderpipeline/shared/redistest"
	"orderpipeline/shared/statsapi"
	"orderpipeline/shared/statsapi/answer"
)

// A site is an API with its pages, the way in for orders, and a hand on its Redis.
type site struct {
	url     string   // with the stage, without a slash at its end
	aliases []string // other forms of url
	send    func(t *testing.T, messages ...string)
	freeze  func(t *testing.T) // Redis no longer answers …
	thaw    func(t *testing.T) // … and answers again
}

// open returns the deployed API when there is one, and one of the test's own otherwise.
func open(t *testing.T) site {
	t.Helper()
	if url := os.Getenv("BROWSER_API_URL"); url != "" {
		return deployed(t, url)
	}
	return local(t)
}

// stages are the paths under which the handler answers, as an API Gateway's stage on AWS and on LocalStack.
var stages = []string{"/v1", "/_aws/execute-api/abcdefghij/v1"}

// local is the handler with an empty Redis of its own.
func local(t *testing.T) site {
	t.Helper()
	server := redistest.Start(t)
	rdb, err := ledger.Connect(ledger.Connection{URL: server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	store, err := ledger.New(rdb, ledger.Options{Shards: 1, Retention: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	api := statsapi.New(statsapi.Config{
		Store: store, Queues: depths{}, Log: slog.New(slog.DiscardHandler), Limit: 300 * time.Millisecond,
	})
	gateway := httptest.NewServer(staged(api))
	t.Cleanup(gateway.Close)
	return site{
		url:     gateway.URL + stages[0],
		aliases: []string{gateway.URL + stages[1]},
		send:    func(t *testing.T, messages ...string) { t.Helper(); take(t, store, messages) },
		freeze:  func(*testing.T) { server.Freeze() },
		thaw:    func(*testing.T) { server.Thaw() },
	}
}

// staged takes the stage off each path, as API Gateway does.
func staged(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, stage := range stages {
			if rest, found := strings.CutPrefix(r.URL.Path, stage); found && (rest == "" || rest[0] == '/') {
				if rest == "" {
					r.URL.Path = stage + "/"
				}
				http.StripPrefix(stage, api).ServeHTTP(w, r)
				return
			}
		}
		http.NotFound(w, r)
	})
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
type depths struct{}

func (depths) Depths(context.Context) ([]answer.Queue, error) {
	return []answer.Queue{{Queue: "orders", Depth: answer.Depth{Visible: 12, InFlight: 3}}, {Queue: "orders-dlq"}, {Queue: "orders-rejected", Depth: answer.Depth{Visible: 2}}}, nil
}

// message is an order of one item.
func message(t *testing.T, id, user, day, price string) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"order_id": id, "user_id": user, "order_timestamp": day, "order_value": json.Number(price),
		"items": []map[string]any{{"product_id": "P1", "quantity": 1, "price_per_unit": json.Number(price)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

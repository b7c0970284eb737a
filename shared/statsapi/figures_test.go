package statsapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
	"orderpipeline/shared/redistest"
	"orderpipeline/shared/statsapi"
	"orderpipeline/shared/statsapi/answer"
)

func TestAnyCustomerIDCanBeAskedFor(t *testing.T) {
	t.Parallel()
	api, store := newAPI(t)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	for name, id := range map[string]string{
		"a slash":             "a/b",
		"two slashes":         "a//b",
		"a percent sign":      "100%",
		"an encoded slash":    "a%2Fb",
		"a question mark":     "who?",
		"a hash":              "#1",
		"a plus and a space":  "a+b c",
		"markup":              `<img src=x onerror="alert(1)">`,
		"an emoji":            "👩‍🚀",
		"right to left":       "עברית\u202e",
		"a quote, a backlash": `"\`,
		"128 characters":      strings.Repeat("é", 128),
		"semicolon and comma": "a;b,c=d&e",
		"dots":                "..a..",
		"a dot alone":         ".",
		"two dots alone":      "..",
	} {
		t.Run(name, func(t *testing.T) {
			record(t, store, placed(t, "order of "+name, id, "2024-05", 4200))
			got := get(t, server.URL+"/users/"+url.PathEscape(id)+"/stats")
			if got.status != http.StatusOK {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			want := `"order_count":1,"total_spend":42.00`
			if !strings.Contains(got.body, want) || decode(t, got.body)["user_id"] != id {
				t.Errorf("got %s, want %s of %q", got.body, want, id)
			}
		})
	}
}

func TestHEADAnswersWithoutABody(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(t)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	statuses := map[string]int{"/health": 200, "/users/U1/stats": 404, "/stats/top/0": 422}
	for path, want := range statuses {
		response, err := http.Head(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want || response.ContentLength <= 0 {
			t.Errorf(
				"%s: status %d, length %d; want %d and the length of GET", path,
				response.StatusCode, response.ContentLength, want,
			)
		}
	}
}

func TestMessagesTellWhatHappenedAndWhatWaits(t *testing.T) {
	t.Parallel()
	store := newStore(t, redistest.Client(t))
	queues := fakeQueues{func(context.Context) ([]answer.Queue, error) {
		return []answer.Queue{{
			Queue: "orders", Depth: answer.Depth{Visible: 7, InFlight: 3, Delayed: 1},
		}}, errors.New("one queue did not answer")
	}}
	api := statsapi.New(statsapi.Config{
		Store: store, Queues: queues, Log: slog.New(slog.DiscardHandler), Limit: patience,
	})
	overridden := placed(t, "O1", "U1", "2024-01", 100)
	overridden.Mismatch = true
	record(t, store, overridden)
	again := []order.Order{overridden}
	if err := store.Record(t.Context(), again, make([]ledger.Outcome, 1)); err != nil {
		t.Fatal(err)
	}
	refused := []ledger.RefusedMessage{
		{MessageID: "m1", Reason: order.InvalidJSON}, {MessageID: "m2", Reason: order.InvalidJSON},
		{MessageID: "m3", Reason: order.IDConflict},
	}
	if err := store.CountRefused(t.Context(), refused); err != nil {
		t.Fatal(err)
	}
	if err := store.AddCounters(t.Context(), map[string]int64{ledger.FailedMessages: 4}); err != nil {
		t.Fatal(err)
	}

	got := ask(t, api, http.MethodGet, "/stats/messages")
	want := map[string]any{
		"recorded":  1.0,
		"duplicate": 1.0,
		"mismatch":  1.0,
		"healed":    0.0,
		"failed":    4.0,
		"refused": map[string]any{
			"invalid_json": 2.0, "missing_field": 0.0, "invalid_field": 0.0, "order_too_large": 0.0,
			"order_id_conflict": 1.0, "total_overflow": 0.0,
		},
		"redis_up": true,
		"queues": []any{
			map[string]any{"queue": "orders", "visible": 7.0, "in_flight": 3.0, "delayed": 1.0},
		},
	}
	if diff := cmp.Diff(want, decode(t, got.body)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Over all pages every customer comes exactly once.
func TestEveryCustomerIsOnOnePage(t *testing.T) {
	t.Parallel()
	api, store := newAPI(t)
	want := map[string]bool{}
	for i := range 57 {
		id := fmt.Sprintf("U%d/%d", i, i%3)
		want[id] = true
		record(t, store, placed(t, fmt.Sprint("O", i), id, "2024-01", 100))
	}
	got, pages := map[string]bool{}, 0
	for path := "/users?limit=10"; path != ""; pages++ {
		var page answer.Customers
		if err := json.Unmarshal([]byte(ask(t, api, http.MethodGet, path).body), &page); err != nil {
			t.Fatal(err)
		}
		if len(page.Users) == 0 || len(page.Users) > 10 {
			t.Fatalf("a page of %d customers", len(page.Users))
		}
		for _, u := range page.Users {
			if got[u.UserID] {
				t.Errorf("%s comes twice", u.UserID)
			}
			got[u.UserID] = true
		}
		path = ""
		if page.Next != "" {
			path = "/users?limit=10&cursor=" + url.QueryEscape(page.Next)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || pages != 6 {
		t.Errorf("%d pages, customers (-want +got):\n%s", pages, diff)
	}
}

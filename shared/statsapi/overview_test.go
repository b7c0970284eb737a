package statsapi_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/redistest"
	"orderpipeline/shared/statsapi"
	"orderpipeline/shared/statsapi/answer"
)

func TestTheOverviewHoldsWhatThePageShows(t *testing.T) {
	t.Parallel()
	store := newStore(t, redistest.Client(t))
	queues := fakeQueues{func(context.Context) ([]answer.Queue, error) {
		return []answer.Queue{{Queue: "orders", Depth: answer.Depth{Visible: 7}}}, nil
	}}
	now := time.Date(2026, 11, 25, 21, 0, 0, 0, time.UTC)
	zone, err := time.LoadLocation("Asia/Kathmandu")
	if err != nil {
		t.Fatal(err)
	}
	api := statsapi.New(statsapi.Config{
		Store: store, Queues: queues, Log: slog.New(slog.DiscardHandler), Zone: zone,
		Now: func() time.Time { return now }, Limit: patience,
	})
	record(t, store,
		placed(t, "O1", "U1", "2024-01", 1999),
		placed(t, "O2", "..", "2062-03", 100),
		placed(t, "O3", "U3", "2024-01", 50))

	for query, want := range map[string]struct{ top, user string }{
		"": {
			`[{"user_id":"U1","total_spend":19.99},{"user_id":"..","total_spend":1.00},` +
				`{"user_id":"U3","total_spend":0.50}]`,
			"",
		},
		"?top=1": {`[{"user_id":"U1","total_spend":19.99}]`, ""},
		"?top=1&user=..": {
			`[{"user_id":"U1","total_spend":19.99}]`,
			`,"user":{"user_id":"..","order_count":1,"total_spend":1.00}`,
		},
		"?top=1&user=U9": {`[{"user_id":"U1","total_spend":19.99}]`, ""},
	} {
		got := strings.TrimSpace(ask(t, api, http.MethodGet, "/stats/overview"+query).body)
		want := `{"time":"2026-11-25T21:00:00Z","time_zone":"Asia/Kathmandu",` +
			`"redis_up":true,"figures":{` +
			`"totals":{"total_orders":3,"total_revenue":21.49},` +
			`"messages":{"recorded":3,"duplicate":0,"mismatch":0,"healed":0,"failed":0,` +
			`"refused":{"invalid_field":0,"invalid_json":0,"missing_field":0,` +
			`"order_id_conflict":0,"order_too_large":0,"total_overflow":0}},` +
			`"top":` + want.top + `,"months":{"2024-01":{"orders":2,"revenue":20.49},` +
			`"2062-03":{"orders":1,` +
			`"revenue":1.00}},"today":{"orders":0,"revenue":0.00}` + want.user +
			`},"queues":[{"queue":"orders","visible":7,"in_flight":0,"delayed":0}]}`
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}

	for query, want := range map[string]string{
		"?top=0":                            "top: expected number >= 1",
		"?top=1001":                         "top: expected number <= 1000",
		"?top=x":                            "top: invalid integer",
		"?user=":                            "user: expected a value",
		"?user=a%0A":                        "user: expected string to be without control characters",
		"?user=" + strings.Repeat("x", 129): "user: expected length <= 128",
	} {
		got := ask(t, api, http.MethodGet, "/stats/overview"+query)
		if got.status != http.StatusUnprocessableEntity || !strings.Contains(got.problem(t), want) {
			t.Errorf("%s: %d %s, want %s", query, got.status, got.body, want)
		}
	}
}

// Today and the days of the overview are those of the deployment's time zone.
func TestTheOverviewShowsDays(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Asia/Kathmandu")
	if err != nil {
		t.Fatal(err)
	}
	store, err := ledger.New(
		redistest.Client(t), ledger.Options{Shards: 1, Retention: time.Hour, Zone: zone},
	)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 24, 21, 0, 0, 0, time.UTC) // 02:45 on the 25th in Kathmandu
	api := statsapi.New(statsapi.Config{
		Store: store, Log: slog.New(slog.DiscardHandler), Zone: zone,
		Now: func() time.Time { return now }, Limit: patience,
	})
	today := placed(t, "O1", "U1", "2024-01", 1999)
	today.Placed = now
	yesterday := placed(t, "O2", "U1", "2024-01", 500)
	yesterday.Placed = now.Add(-3 * time.Hour)
	record(t, store, today, yesterday)

	var overview answer.Overview
	body := ask(t, api, http.MethodGet, "/stats/overview?start=2026-11-01&end=2026-11-30").body
	if err := json.Unmarshal([]byte(body), &overview); err != nil {
		t.Fatal(err)
	}
	if want := (answer.Today{Orders: 1, Revenue: 1999}); overview.Figures.Today != want {
		t.Errorf("today is %v, want %v", overview.Figures.Today, want)
	}
	days := `"days":{"2026-11-24":{"orders":1,"revenue":5.00},` +
		`"2026-11-25":{"orders":1,"revenue":19.99}}`
	if !strings.Contains(body, days) {
		t.Errorf("days are missing: %s", body)
	}
}

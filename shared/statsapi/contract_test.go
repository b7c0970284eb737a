package statsapi_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnEmptyStore(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(t)
	for path, want := range map[string]string{
		"/health":        `{"status":"ok"}`,
		"/stats/global":  `{"total_orders":0,"total_revenue":0.00}`,
		"/stats/top/10":  `[]`,
		"/stats/monthly": `{}`,
		"/users":         `{"users":[]}`,
		"/stats/daily?start=2024-01-01&end=2024-12-31": `{}`,
		"/stats/messages": `{"recorded":0,"duplicate":0,"mismatch":0,"healed":0,"failed":0,` +
			`"refused":{"invalid_field":0,"invalid_json":0,"missing_field":0,` +
			`"order_id_conflict":0,"order_too_large":0,"total_overflow":0},"redis_up":true,` +
			`"queues":[]}`,
	} {
		got := ask(t, api, http.MethodGet, path)
		if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: status %d, type %q", path, got.status, got.header.Get("Content-Type"))
		}
		if diff := cmp.Diff(want, strings.TrimSpace(got.body)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestAnswersOfTheContract(t *testing.T) {
	t.Parallel()
	api, store := newAPI(t)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	record(t, store,
		placed(t, "O1", "U1", "2024-01", 1999),
		placed(t, "O2", "U1", "2024-01", 1999),
		placed(t, "O3", "U1", "2024-03", 1999),
		placed(t, "O4", "U2", "2023-12", 5),
		placed(t, "O5", "U3", "2025-01", 100_000_000_000),
	)
	tests := map[string]struct{ path, want string }{
		"a customer": {
			"/users/U1/stats", `{"user_id":"U1","order_count":3,"total_spend":59.97}`,
		},
		"a customer of a few cents": {
			"/users/U2/stats",
			`{"user_id":"U2","order_count":1,"total_spend":0.05}`,
		},
		"totals": {
			"/stats/global",
			`{"total_orders":5,"total_revenue":1000000060.02}`,
		},
		"the leader alone": {"/stats/top/1", `[{"user_id":"U3","total_spend":1000000000.00}]`},
		"all on the leaderboard": {
			"/stats/top/1000",
			`[{"user_id":"U3","total_spend":1000000000.00},{"user_id":"U1",` +
				`"total_spend":59.97},{"user_id":"U2","total_spend":0.05}]`,
		},
		"months: 2024 by default": {
			"/stats/monthly",
			`{"2024-01":{"orders":2,"revenue":39.98},"2024-03":{"orders":1,"revenue":19.99}}`,
		},
		"months: a range over years": {
			"/stats/monthly?start=2023-12&end=2025-01",
			`{"2023-12":{"orders":1,"revenue":0.05},"2024-01":{"orders":2,"revenue":39.98},` +
				`"2024-03":{"orders":1,"revenue":19.99},"2025-01":{"orders":1,` +
				`"revenue":1000000000.00}}`,
		},
		"days": {
			"/stats/daily?start=2023-12-01&end=2024-12-31",
			`{"2023-12-01":{"orders":1,"revenue":0.05},"2024-01-01":{"orders":2,` +
				`"revenue":39.98},"2024-03-01":{"orders":1,"revenue":19.99}}`,
		},
		"days: one": {
			"/stats/daily?start=2024-01-01&end=2024-01-01",
			`{"2024-01-01":{"orders":2,"revenue":39.98}}`,
		},
		"days: the longest range": {
			"/stats/daily?start=2024-01-01&end=2025-02-03",
			`{"2024-01-01":{"orders":2,"revenue":39.98},"2024-03-01":{"orders":1,` +
				`"revenue":19.99},"2025-01-01":{"orders":1,"revenue":1000000000.00}}`,
		},
		"months: one": {
			"/stats/monthly?start=2024-03&end=2024-03", `{"2024-03":{"orders":1,"revenue":19.99}}`,
		},
		"months: the longest range": {
			"/stats/monthly?start=1970-01&end=2069-12",
			`{"2023-12":{"orders":1,"revenue":0.05},"2024-01":{"orders":2,"revenue":39.98},` +
				`"2024-03":{"orders":1,"revenue":19.99},"2025-01":{"orders":1,` +
				`"revenue":1000000000.00}}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := get(t, server.URL+test.path)
			if got.status != http.StatusOK {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			if diff := cmp.Diff(test.want, strings.TrimSpace(got.body)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsNotAnsweredWith200(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(t)
	tests := map[string]struct {
		method, path string
		status       int
		detail       string // a part of it
	}{
		"a customer without orders": {http.MethodGet, "/users/U404/stats", 404, "no orders"},
		"an id of 129 characters": {
			http.MethodGet, "/users/" + strings.Repeat("x", 129) + "/stats", 422,
			"id: expected length <= 128",
		},
		"a control character": {
			http.MethodGet, "/users/a%0Ab/stats", 422,
			"id: expected string to be without control characters",
		},
		"an id that is not UTF-8": {http.MethodGet, "/users/%FF%FE/stats", 422, "UTF-8"},
		"no id":                   {http.MethodGet, "/users//stats", 404, "nothing at this path"},
		"top 0":                   {http.MethodGet, "/stats/top/0", 422, "n: expected number >= 1"},
		"top -1":                  {http.MethodGet, "/stats/top/-1", 422, "n: expected number >= 1"},
		"top 1001":                {http.MethodGet, "/stats/top/1001", 422, "n: expected number <= 1000"},
		"top of no number":        {http.MethodGet, "/stats/top/ten", 422, "n: invalid integer"},
		"top of a fraction":       {http.MethodGet, "/stats/top/1.5", 422, "n: invalid integer"},
		"top beyond 64 bits": {
			http.MethodGet, "/stats/top/99999999999999999999", 422, "n: invalid integer",
		},
		"a month in words": {
			http.MethodGet, "/stats/monthly?start=January", 422,
			"start: expected string to be YYYY-MM",
		},
		"a thirteenth month": {
			http.MethodGet, "/stats/monthly?start=2024-13", 422,
			"start: expected string to be YYYY-MM",
		},
		"an empty month": {
			http.MethodGet, "/stats/monthly?start=&end=2024-01", 422, "start: expected a value",
		},
		"a month with a day": {
			http.MethodGet, "/stats/monthly?end=2024-12-01", 422,
			"end: expected string to be YYYY-MM",
		},
		"a month before 1970": {
			http.MethodGet, "/stats/monthly?start=1969-12", 422,
			"start: expected string to be YYYY-MM",
		},
		"start after end": {
			http.MethodGet, "/stats/monthly?start=2024-02&end=2024-01", 400,
			"start (2024-02) is after end (2024-01)",
		},
		"start after the default end": {http.MethodGet, "/stats/monthly?start=2025-01", 400, "after end"},
		"1,201 months": {
			http.MethodGet, "/stats/monthly?start=1970-01&end=2070-01", 400, "1200 months",
		},
		"days without a range": {http.MethodGet, "/stats/daily", 422, "start: required"},
		"days without an end":  {http.MethodGet, "/stats/daily?start=2024-01-01", 422, "end: required"},
		"a day that is not": {
			http.MethodGet, "/stats/daily?start=2023-02-29&end=2024-01-01", 422,
			`start: "2023-02-29" is not a day`,
		},
		"a month for a day": {
			http.MethodGet, "/stats/daily?start=2024-01&end=2024-02-01", 422,
			"start: expected string to be YYYY-MM-DD",
		},
		"days turned around": {
			http.MethodGet, "/stats/daily?start=2024-01-02&end=2024-01-01", 400,
			"start (2024-01-02) is after end (2024-01-01)",
		},
		"401 days": {
			http.MethodGet, "/stats/daily?start=2024-01-01&end=2025-02-04", 400,
			"more than 400 days",
		},
		"overview: only a start": {http.MethodGet, "/stats/overview?start=2024-01-01", 422, "end:"},
		"overview: days turned around": {
			http.MethodGet, "/stats/overview?start=2024-01-02&end=2024-01-01", 400, "is after end",
		},
		"a page of no customers": {http.MethodGet, "/users?limit=0", 422, "limit: expected number >= 1"},
		"a page of 1,001 customers": {
			http.MethodGet, "/users?limit=1001", 422, "limit: expected number <= 1000",
		},
		"a cursor that is none": {
			http.MethodGet, "/users?cursor=U1", 422, "cursor: this is not the next of a page",
		},
		"an empty cursor":     {http.MethodGet, "/users?cursor=", 422, "cursor: expected a value"},
		"a route that is not": {http.MethodGet, "/nowhere", 404, "nothing at this path"},
		"a trailing slash":    {http.MethodGet, "/health/", 404, "nothing at this path"},
		"a parameter of no route": {
			http.MethodGet, "/stats/global?x=1", 422, "x: unknown parameter, this route has none",
		},
		"a misspelt parameter": {
			http.MethodGet, "/stats/monthly?from=2024-01", 422,
			"from: unknown parameter, this route has start, end",
		},
		"a parameter in capitals": {
			http.MethodGet, "/stats/monthly?START=2024-01", 422, "START: unknown parameter",
		},
		"a parameter given twice": {
			http.MethodGet, "/stats/monthly?start=2024-01&start=2024-02", 422,
			"start: given 2 times",
		},
		"a query that is none": {
			http.MethodGet, "/stats/monthly?start=2024-05%&end=2024-06", 422, "cannot be parsed",
		},
		"a semicolon in a query": {
			http.MethodGet, "/stats/monthly?start=2024-05;end=2024-06", 422, "cannot be parsed",
		},
		"dots in the path": {http.MethodGet, "/stats/../health", 404, "nothing at this path"},
		"a POST":           {http.MethodPost, "/stats/global", 405, "GET"},
		"a DELETE":         {http.MethodDelete, "/users/U1/stats", 405, "GET"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ask(t, api, test.method, test.path)
			if got.status != test.status {
				t.Fatalf("status %d, want %d: %s", got.status, test.status, got.body)
			}
			if detail := got.problem(t); !strings.Contains(detail, test.detail) {
				t.Errorf("detail %q does not say %q", detail, test.detail)
			}
			if allow := got.header.Get("Allow"); test.status == http.StatusMethodNotAllowed &&
				allow != "GET, HEAD" {
				t.Errorf("Allow is %q", allow)
			}
		})
	}
}

// Each route refuses what it does not understand of a query, and no route falls back on a default.
func TestEveryRouteRefusesAQueryThatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(t)
	routes := slices.Concat(
		dataRoutes,
		[]string{"/", "/dashboard", "/docs", "/docs/docs.js", "/openapi.json", "/openapi-3.0.json"},
	)
	for _, route := range routes {
		for _, query := range []string{
			"unknown=1", "unknown", "=", "%", "a=%zz", "a;b", "start=2024-01&unknown=1", "%00=1",
		} {
			separator := "?"
			if strings.Contains(route, "?") {
				separator = "&"
			}
			got := ask(t, api, http.MethodGet, route+separator+query)
			if got.status != http.StatusUnprocessableEntity {
				t.Errorf("%s?%s: status %d, want 422", route, query, got.status)
				continue
			}
			got.problem(t)
		}
	}
}

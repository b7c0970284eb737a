package api

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/statsapi/answer"
)

func client(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return &Client{Base: server.URL + "/v1", HTTP: &http.Client{Timeout: 5 * time.Second}}
}

func TestAnswersOfTheContract(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"/v1/health":                                  `{"status":"ok"}`,
		"/v1/stats/global":                            `{"total_orders":3,"total_revenue":59.97}`,
		"/v1/users/%2E%2E/stats":                      `{"user_id":"..","order_count":1,"total_spend":1.00}`,
		"/v1/users/U%2F1%20/stats":                    `{"user_id":"U/1 ","order_count":3,"total_spend":59.97}`,
		"/v1/stats/top/2":                             `[{"user_id":"U1","total_spend":59.97},{"user_id":"U2","total_spend":1.00}]`,
		"/v1/stats/monthly?end=2024-03&start=2024-01": `{"2024-01":{"orders":2,"revenue":39.98},"2024-03":{"orders":1,"revenue":19.99}}`,
		"/v1/stats/messages":                          `{"recorded":5,"duplicate":4,"mismatch":3,"failed":2,"refused":{"invalid_json":1},"queues":[]}`,
	}
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		text, ok := answers[r.RequestURI]
		if !ok {
			http.Error(w, "no route "+r.RequestURI, http.StatusTeapot)
			return
		}
		_, _ = io.WriteString(w, text)
	})
	ctx := t.Context()
	check := func(what string, got any, err error, want any) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	if err := c.Health(ctx); err != nil {
		t.Errorf("health: %v", err)
	}
	totals, err := c.Global(ctx)
	check("global", totals, err, answer.Totals{Orders: 3, Revenue: 5997})
	user, err := c.User(ctx, "U/1 ")
	check("user", user, err, answer.User{UserID: "U/1 ", Orders: 3, Spend: 5997})
	dots, err := c.User(ctx, "..")
	check("a customer that is a path", dots, err, answer.User{UserID: "..", Orders: 1, Spend: 100})
	top, err := c.Top(ctx, 2)
	check("top", top, err, []answer.Spender{{UserID: "U1", Spend: 5997}, {UserID: "U2", Spend: 100}})
	months, err := c.Months(ctx, "2024-01", "2024-03")
	check("months", months, err, answer.Months{
		{Month: 2024 * 12, Period: answer.Period{Orders: 2, Revenue: 3998}},
		{Month: 2024*12 + 2, Period: answer.Period{Orders: 1, Revenue: 1999}},
	})
	messages, err := c.Messages(ctx)
	check(
		"messages",
		messages.Recorded+messages.Duplicate*10+messages.Mismatch*100+messages.Failed*1000+
			messages.Refused["invalid_json"]*10000,
		err,
		int64(12345),
	)
}

func TestErrorsTellWhatToDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   error
		text   string
	}{
		{"a customer without orders", 404, `{"title":"Not Found","detail":"This customer has no orders."}`, ErrNotFound, "This customer has no orders."},
		{"Redis is down", 503, `{"detail":"The figures cannot be read now."}`, ErrUnavailable, "the API answers, but Redis does not: The figures cannot be read now."},
		{"an answer without a problem", 502, `<html>`, ErrUnavailable, "status 502 Bad Gateway"},
		{"a bad parameter", 422, `{"title":"Unprocessable Entity"}`, ErrRefused, "Unprocessable Entity"},
		{"another service", 200, `<html>`, nil, "is not the pipeline's API"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := client(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}).Global(t.Context())
			if err == nil || c.want != nil && !errors.Is(err, c.want) ||
				!strings.Contains(err.Error(), c.text) {
				t.Errorf("error %v, want %v with %q", err, c.want, c.text)
			}
		})
	}
	silent := &Client{Base: "http://127.0.0.1:1", HTTP: &http.Client{Timeout: time.Second}}
	if _, err := silent.Global(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("no server: error %v, want ErrUnavailable", err)
	}
}

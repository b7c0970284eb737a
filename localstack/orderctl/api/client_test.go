package api

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/order"
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
		"/v1/users/%2E%2E/stats":   `{"user_id":"..","order_count":1,"total_spend":1.00}`,
		"/v1/users/U%2F1%20/stats": `{"user_id":"U/1 ","order_count":3,"total_spend":59.97}`,
		"/v1/stats/top/2": `[{"user_id":"U1","total_spend":59.97},` +
			`{"user_id":"U2","total_spend":1.00}]`,
		"/v1/stats/overview": `{"time_zone":"UTC","figures":{` +
			`"totals":{"total_orders":3,"total_revenue":59.97},"months":{},` +
			`"messages":{"recorded":5,"duplicate":4,"refused":{"invalid_json":1}}}}`,
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
	overview, err := c.Figures(ctx)
	check("figures", overview, err, answer.Overview{TimeZone: "UTC", Figures: &answer.Figures{
		Totals: answer.Totals{Orders: 3, Revenue: 5997}, Months: answer.Months{},
		Messages: answer.Counts{
			Recorded: 5, Duplicate: 4, Refused: map[order.Reason]int64{order.InvalidJSON: 1},
		},
	}})
	user, err := c.User(ctx, "U/1 ")
	check("user", user, err, answer.User{UserID: "U/1 ", Orders: 3, Spend: 5997})
	dots, err := c.User(ctx, "..")
	check("a customer that is a path", dots, err, answer.User{UserID: "..", Orders: 1, Spend: 100})
	top, err := c.Top(ctx, 2)
	check("top", top, err, []answer.Spender{{UserID: "U1", Spend: 5997}, {UserID: "U2", Spend: 100}})
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
		{
			"a customer without orders", 404,
			`{"title":"Not Found","detail":"This customer has no orders."}`, ErrNotFound,
			"This customer has no orders.",
		},
		{
			"Redis is down", 503, `{"detail":"The figures cannot be read now."}`, ErrUnavailable,
			"the API answers, but Redis does not: The figures cannot be read now.",
		},
		{
			"Redis is down, the queues are known", 200, `{"redis_up":false,"queues":[]}`, ErrUnavailable,
			"the API answers, but Redis does not: The figures cannot be read right now.",
		},
		{"an answer without a problem", 502, `<html>`, ErrUnavailable, "status 502 Bad Gateway"},
		{
			"a bad parameter", 422, `{"title":"Unprocessable Entity"}`, nil,
			"the API refuses: Unprocessable Entity",
		},
		{"another service", 200, `<html>`, nil, "is not the pipeline's API"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := client(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}).Figures(t.Context())
			if err == nil || c.want != nil && !errors.Is(err, c.want) ||
				!strings.Contains(err.Error(), c.text) {
				t.Errorf("error %v, want %v with %q", err, c.want, c.text)
			}
		})
	}
	silent := &Client{Base: "http://127.0.0.1:1", HTTP: &http.Client{Timeout: time.Second}}
	if _, err := silent.Figures(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("no server: error %v, want ErrUnavailable", err)
	}
}

// Days are asked for with few requests, and never for empty years between two months.
func TestDaysOfMonths(t *testing.T) {
	t.Parallel()
	const all = order.Day(math.MaxInt32)
	for _, c := range []struct {
		months      []string
		first, last order.Day
		want        []string
	}{
		{nil, 0, all, nil},
		{[]string{"2024-01"}, 0, all, []string{"2024-01-01 2024-01-31"}},
		{[]string{"2024-01", "2024-03", "2025-01"}, 0, all, []string{"2024-01-01 2025-01-31"}},
		{
			[]string{"2024-01", "2025-02", "2025-03"}, 0, all,
			[]string{"2024-01-01 2024-01-31", "2025-02-01 2025-03-31"},
		},
		{
			[]string{"2024-01", "9999-12"}, 0, all,
			[]string{"2024-01-01 2024-01-31", "9999-12-01 9999-12-31"},
		},
		{[]string{"1970-01", "1970-02"}, 14, 35, []string{"1970-01-15 1970-02-05"}},
		{[]string{"1970-01", "1973-01", "1974-03"}, 40, 1400, []string{"1973-01-01 1973-01-31"}},
	} {
		var asked []string
		client := client(t, func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			asked = append(asked, q.Get("start")+" "+q.Get("end"))
			_, _ = fmt.Fprintf(w, `{%q:{"orders":1,"revenue":2.00}}`, q.Get("start"))
		})
		var months []order.Month
		for _, name := range c.months {
			m, err := order.ParseMonth(name)
			if err != nil {
				t.Fatal(err)
			}
			months = append(months, m)
		}
		days, err := client.Days(t.Context(), months, c.first, c.last)
		if err != nil {
			t.Errorf("%v: %v", c.months, err)
		}
		if diff := cmp.Diff(c.want, asked); diff != "" {
			t.Errorf("%v: requests (-want +got):\n%s", c.months, diff)
		}
		if got, want := len(days), len(c.want); got != want {
			t.Errorf("%v: got %d days, want %d", c.months, got, want)
		}
	}
}

func TestCustomersAreReadPageByPage(t *testing.T) {
	t.Parallel()
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		switch cursor := r.URL.Query().Get("cursor"); cursor {
		case "":
			_, _ = io.WriteString(w, `{"users":[{"user_id":"U1"},{"user_id":"U2"}],"next":"2"}`)
		case "2":
			_, _ = io.WriteString(w, `{"users":[{"user_id":"U3"}],"next":"3"}`)
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	var got []string
	var failed error
	for users, err := range c.Customers(t.Context()) {
		failed = err
		for _, u := range users {
			got = append(got, u.UserID)
		}
	}
	if diff := cmp.Diff([]string{"U1", "U2", "U3"}, got); diff != "" {
		t.Errorf("customers (-want +got):\n%s", diff)
	}
	if !errors.Is(failed, ErrUnavailable) {
		t.Errorf("the last page: got error %v, want ErrUnavailable", failed)
	}
}

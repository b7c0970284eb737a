package faults

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"orderpipeline/localstack/lab/labtest"
	"orderpipeline/localstack/lab/sandbox"
)

// An api is the stats function, asked as API Gateway asks it.
type api struct{ *labtest.Sandbox }

func startAPI(t testing.TB, env ...string) api {
	return api{
		labtest.Start(t, sandbox.Function{Path: binaries.stats, Timeout: 10 * time.Second, Env: env}),
	}
}

// get returns the status and the body of one answer.
func (a api) get(path string) (int, string, error) {
	route, query, _ := strings.Cut(path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return 0, "", err
	}
	parameters := map[string]string{}
	for name := range values {
		parameters[name] = values.Get(name)
	}
	result := a.Invoke(map[string]any{
		"resource":              "/{proxy+}",
		"path":                  route,
		"httpMethod":            http.MethodGet,
		"headers":               map[string]string{"Host": "api.test"},
		"queryStringParameters": parameters,
		"pathParameters":        map[string]string{"proxy": strings.TrimPrefix(route, "/")},
		"requestContext":        map[string]string{"stage": "v1"},
	})
	if result.Error != "" {
		return 0, "", fmt.Errorf("the stats function failed: %s", result.Error)
	}
	var answer struct {
		StatusCode int
		Body       string
	}
	if err := json.Unmarshal(result.Payload, &answer); err != nil {
		return 0, "", fmt.Errorf("not the answer of a proxy integration: %w: %s", err, result.Payload)
	}
	return answer.StatusCode, answer.Body, nil
}

// money reads an amount with exactly two decimals, without a float in between.
type money int64

func (m *money) UnmarshalJSON(text []byte) error {
	whole, decimals, _ := strings.Cut(string(text), ".")
	cents, err := strconv.ParseInt(whole+decimals, 10, 64)
	if err != nil || len(decimals) != 2 {
		return fmt.Errorf("%s is not an amount with two decimals", text)
	}
	*m = money(cents)
	return nil
}

// read asks the API for everything it knows of the customers, and of all others among the top
// thousand.
func (a api) read(users map[string]bool) (figures, error) {
	f := figures{Users: map[string]sum{}, Months: map[string]sum{}, Top: []spend{}}
	into := func(path string, to any) error {
		status, body, err := a.get(path)
		if err != nil {
			return err
		}
		if status != http.StatusOK {
			return fmt.Errorf("GET %s: %d: %s", path, status, body)
		}
		if err := json.Unmarshal([]byte(body), to); err != nil {
			return fmt.Errorf("GET %s: %w: %s", path, err, body)
		}
		return nil
	}
	var global struct {
		Orders  int64 `json:"total_orders"`
		Revenue money `json:"total_revenue"`
	}
	var months map[string]struct {
		Orders  int64
		Revenue money
	}
	var top []struct {
		User  string `json:"user_id"`
		Spend money  `json:"total_spend"`
	}
	var messages struct{ Recorded, Mismatch int64 }
	for path, to := range map[string]any{
		"/stats/global": &global,
		"/stats/monthly?start=1970-01&end=2069-12": &months,
		"/stats/top/1000":                          &top,
		"/stats/messages":                          &messages,
	} {
		if err := into(path, to); err != nil {
			return figures{}, err
		}
	}
	f.Orders = global.Orders
	f.Revenue = int64(global.Revenue)
	f.Recorded = messages.Recorded
	f.Mismatches = messages.Mismatch
	for month, s := range months {
		f.Months[month] = sum{s.Orders, int64(s.Revenue)}
	}
	for _, s := range top {
		users[s.User] = true
		f.Top = append(f.Top, spend{s.User, int64(s.Spend)})
	}
	for user := range users {
		var one struct {
			Count int64 `json:"order_count"`
			Spend money `json:"total_spend"`
		}
		path := "/users/" + url.PathEscape(user) + "/stats"
		if status, _, err := a.get(path); err == nil && status == http.StatusNotFound {
			continue
		}
		if err := into(path, &one); err != nil {
			return figures{}, err
		}
		f.Users[user] = sum{one.Count, int64(one.Spend)}
	}
	return f, nil
}

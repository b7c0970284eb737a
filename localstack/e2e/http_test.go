package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestEachFormOfTheURLAnswers(t *testing.T) {
	mustSend(t, newOrder("form-1", "form").body(t))
	wantUser(t, "form", 1, "40.00")
	api, err := url.Parse(pipeline.Outputs["ApiUrl"])
	if err != nil {
		t.Fatal(err)
	}
	id := strings.Split(api.Path, "/")[3] // /_aws/execute-api/<id>/v1
	const path = "/users/form/stats"
	for _, test := range []struct{ name, url, host string }{
		{"path", pipeline.Endpoint + "/_aws/execute-api/" + id + "/v1" + path, ""},
		{"older path", pipeline.Endpoint + "/restapis/" + id + "/v1/_user_request_" + path, ""},
		// The name needs DNS, the request does not: it goes to the same address with this name in its
		// header.
		{
			"host name", pipeline.Endpoint + "/v1" + path,
			id + ".execute-api.localhost.localstack.cloud:" + api.Port(),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.host != "" {
				skipOnMiniStack(t, "does not answer at LocalStack's host names of APIs")
			}
			status, body, header := fetch(t, test.url, test.host)
			if want := `{"user_id":"form","order_count":1,"total_spend":40.00}`; status != http.StatusOK ||
				body != want {
				t.Errorf("answered %d %s; want 200 %s", status, body, want)
			}
			if got := header.Get("Content-Type"); got != "application/json" {
				t.Errorf("Content-Type is %q; want application/json", got)
			}
		})
	}
}

func TestHealth(t *testing.T) {
	if status, body := get(t, "/health"); status != http.StatusOK || body != `{"status":"ok"}` {
		t.Errorf("answered %d %s; want 200 {\"status\":\"ok\"}", status, body)
	}
}

func TestErrorsAreProblems(t *testing.T) {
	for _, test := range []struct {
		path   string
		status func(int) bool
	}{
		{"/users/nobody/stats", exactly(http.StatusNotFound)},
		{"/users/a%20b%2Fc/stats", exactly(http.StatusNotFound)},
		{"/nothing/here", exactly(http.StatusNotFound)},
		{"/stats/top/0", refusal},
		{"/stats/top/1001", refusal},
		{"/stats/top/-1", refusal},
		{"/stats/top/ten", refusal},
		{"/stats/monthly?start=2024-13", refusal},
		{"/stats/monthly?start=2024-12&end=2024-01", refusal},
		{"/stats/monthly?start=1970-01&end=2070-01", refusal},
		{"/stats/monthly?start=yesterday", refusal},
	} {
		t.Run(test.path, func(t *testing.T) {
			status, body, header := fetch(t, pipeline.Outputs["ApiUrl"]+test.path, "")
			if !test.status(status) {
				t.Errorf("status is %d: %s", status, body)
			}
			if got := header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("Content-Type is %q; want application/problem+json", got)
			}
			var problem struct{ Detail string }
			if err := json.Unmarshal([]byte(body), &problem); err != nil || problem.Detail == "" {
				t.Errorf("body is %s (%v); want a problem with a detail", body, err)
			}
		})
	}
}

func exactly(want int) func(int) bool { return func(status int) bool { return status == want } }

func refusal(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusNotFound ||
		status == http.StatusUnprocessableEntity
}

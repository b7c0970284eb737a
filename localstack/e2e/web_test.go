package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// A browser sends what any page tells it to send. These are requests that acted on the deployment
// before they were refused.
func TestRequestsOfWebPagesAreRefused(t *testing.T) {
	before := messages(t)
	endpoint := pipeline.Endpoint
	body := url.QueryEscape(newOrder("web-1", "web").body(t))
	order := endpoint + "/000000000000/orders?Action=SendMessage&MessageBody=" + body
	for _, test := range []struct {
		name, method, url, host string
		header                  map[string]string
	}{
		{
			"a link to an action, without a referrer", http.MethodGet, order, "",
			map[string]string{"Sec-Fetch-Site": "cross-site"},
		},
		{
			"a page on another port of this machine", http.MethodGet, order, "",
			map[string]string{"Sec-Fetch-Site": "same-site"},
		},
		{
			"a question of another site", http.MethodGet, endpoint + "/?Action=ListQueues", "",
			map[string]string{"Sec-Fetch-Site": "cross-site"},
		},
		{
			"a form of another site", http.MethodPost, endpoint + "/?Action=ListQueues", "",
			map[string]string{"Sec-Fetch-Site": "cross-site"},
		},
		{
			"a typed link with an action", http.MethodGet, order, "",
			map[string]string{"Sec-Fetch-Site": "none"},
		},
		{
			"a browser that does not say where from", http.MethodGet, order, "",
			map[string]string{"User-Agent": browser},
		},
		{"the same by HEAD", http.MethodHead, order, "", map[string]string{"User-Agent": browser}},
		{"the dashboard in a frame of another site", http.MethodGet,
			pipeline.Outputs["ApiUrl"] + "/dashboard", "",
			map[string]string{"Sec-Fetch-Site": "cross-site"}},
		{
			"a name that was rebound to this machine", http.MethodGet, endpoint + "/_localstack/health",
			"rebound.example", nil,
		},
		{
			"the same for the API", http.MethodGet, pipeline.Outputs["ApiUrl"] + "/stats/global",
			"rebound.example:4566", nil,
		},
		{
			"a name that begins like ours", http.MethodGet, endpoint + "/_localstack/health",
			"localhost.example", nil,
		},
		{
			"a name that ends like ours", http.MethodGet, endpoint + "/_localstack/health",
			"evillocalhost.localstack.cloud", nil,
		},
		{
			"an address of another machine", http.MethodGet, endpoint + "/_localstack/health",
			"192.0.2.1:4566", nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if status := answer(
				t, test.method, test.url, test.host, test.header,
			); status != http.StatusForbidden {
				t.Errorf("%s %s answered %d; want 403", test.method, test.url, status)
			}
		})
	}
	mustSend(t, newOrder("web-2", "web").body(t))
	wantUser(t, "web", 1, "40.00")
	wantCounts(t, before, counts{recorded: 1})
}

// What people and programs do is not refused.
func TestRequestsOfPeopleAndProgramsAreAnswered(t *testing.T) {
	endpoint, api := pipeline.Endpoint, pipeline.Outputs["ApiUrl"]
	port := endpoint[strings.LastIndex(endpoint, ":"):]
	for _, test := range []struct {
		name, url, host string
		header          map[string]string
	}{
		{"curl with an action", endpoint + "/?Action=ListQueues", "", nil},
		{
			"the page's address, typed", api + "/dashboard", "",
			map[string]string{"Sec-Fetch-Site": "none", "User-Agent": browser},
		},
		{
			"the page's own question", api + "/stats/global", "",
			map[string]string{"Sec-Fetch-Site": "same-origin", "User-Agent": browser},
		},
		{"127.0.0.1", api + "/stats/global", "127.0.0.1" + port, nil},
		{"IPv6", api + "/stats/global", "[::1]" + port, nil},
		{"capital letters", api + "/stats/global", "LOCALHOST" + port, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if status := answer(
				t, http.MethodGet, test.url, test.host, test.header,
			); status != http.StatusOK {
				t.Errorf("%s answered %d; want 200", test.url, status)
			}
		})
	}
}

// answer is the status of the answer.
func answer(t *testing.T, method, url, host string, header map[string]string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	for name, value := range header {
		request.Header.Set(name, value)
	}
	got, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	got.Body.Close()
	return got.StatusCode
}

package statsapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/backoff"
	"orderpipeline/shared/order"
)

// openAPI is what the tests read of the document.
type openAPI struct {
	OpenAPI string `json:"openapi"`
	Servers []struct{ URL string }
	Paths   map[string]struct {
		Get struct {
			OperationID string `json:"operationId"`
			Summary     string
			Description string
			Parameters  []struct {
				Name, In, Description string
				Schema                map[string]any
			}
			Responses map[string]struct {
				Description string
				Content     map[string]struct {
					Schema  map[string]any
					Example any
				}
			}
		}
	}
	Components struct{ Schemas map[string]map[string]any }
}

func document(t *testing.T, h http.Handler, path string) openAPI {
	t.Helper()
	got := ask(t, h, http.MethodGet, path)
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/json" {
		t.Fatalf("%s: %d %s", path, got.status, got.header.Get("Content-Type"))
	}
	var d openAPI
	if err := json.Unmarshal([]byte(got.body), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheDocumentDescribesEveryRouteAndAnswer(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(t)
	want := map[string][]string{
		"/health":            {"200", "422", "500", "503"},
		"/users/{id}/stats":  {"200", "404", "422", "500", "503"},
		"/stats/global":      {"200", "422", "500", "503"},
		"/stats/top/{n}":     {"200", "422", "500", "503"},
		"/stats/monthly":     {"200", "400", "422", "500", "503"},
		"/stats/messages":    {"200", "422", "500", "503"},
		"/users":             {"200", "422", "500", "503"},
		"/stats/daily":       {"200", "400", "422", "500", "503"},
		"/stats/overview":    {"200", "400", "422", "500", "503"},
		"/metrics":           {"200", "422", "500", "503"},
		"/schema/order.json": {"200", "422", "500", "503"},
	}
	versions := map[string]string{"/openapi.json": "3.1.0", "/openapi-3.0.json": "3.0.3"}
	for path, version := range versions {
		d := document(t, api, path)
		if d.OpenAPI != version {
			t.Errorf("%s is of version %s, want %s", path, d.OpenAPI, version)
		}
		if len(d.Servers) != 1 || d.Servers[0].URL != "." {
			t.Errorf("servers %v are not relative to the document", d.Servers)
		}
		got := map[string][]string{}
		for route, p := range d.Paths {
			got[route] = slices.Sorted(maps.Keys(p.Get.Responses))
			if p.Get.Summary == "" || p.Get.Description == "" || p.Get.OperationID == "" {
				t.Errorf("%s: %s is not described", path, route)
			}
			for code, response := range p.Get.Responses {
				if code != "200" && response.Content["application/problem+json"].Example == nil {
					t.Errorf("%s: the %s of %s has no example", path, code, route)
				}
			}
			for _, parameter := range p.Get.Parameters {
				if parameter.Description == "" {
					t.Errorf("%s: %s of %s is not described", path, parameter.Name, route)
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// The limits that the document states are the limits that requests meet: the last value inside is
// accepted and the first outside refused.
func TestTheDocumentStatesTheLimitsThatHold(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(t)
	d := document(t, api, "/openapi.json")
	schema := func(path, name string) map[string]any {
		for _, parameter := range d.Paths[path].Get.Parameters {
			if parameter.Name == name {
				return parameter.Schema
			}
		}
		t.Fatalf("%s has no parameter %s", path, name)
		return nil
	}
	status := func(path string) int { return ask(t, api, http.MethodGet, path).status }

	n := schema("/stats/top/{n}", "n")
	if n["minimum"] != 1.0 || n["maximum"] != 1000.0 {
		t.Errorf("n is documented from %v to %v", n["minimum"], n["maximum"])
	}
	for path, want := range map[string]int{
		"/stats/top/1": 200, "/stats/top/1000": 200, "/stats/top/0": 422, "/stats/top/1001": 422,
	} {
		if got := status(path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}

	id := schema("/users/{id}/stats", "id")
	if id["minLength"] != 1.0 || id["maxLength"] != 128.0 {
		t.Errorf("an id is documented with %v to %v characters", id["minLength"], id["maxLength"])
	}
	for characters, want := range map[int]int{1: 404, 128: 404, 129: 422} {
		if got := status("/users/" + strings.Repeat("%C3%A9", characters) + "/stats"); got != want {
			t.Errorf("an id of %d characters: %d, want %d", characters, got, want)
		}
	}

	months := regexp.MustCompile(schema("/stats/monthly", "start")["pattern"].(string))
	for _, month := range []string{
		"1970-01", "2024-12", "9999-12", "1969-12", "2024-00", "2024-13", "10000-01", "2024-1",
		"24-01", "", " 2024-01",
	} {
		want := http.StatusUnprocessableEntity
		if months.MatchString(month) {
			want = http.StatusOK
		}
		escaped := strings.ReplaceAll(month, " ", "%20")
		if got := status("/stats/monthly?start=" + escaped + "&end=" + escaped); got != want {
			t.Errorf("month %q: %d, and the document says %d", month, got, want)
		}
	}
	if got := schema("/stats/monthly", "start")["default"]; got != "2024-01" {
		t.Errorf("start is documented to default to %v", got)
	}
}

func TestTheDashboardIsSmallSelfContainedAndLockedDown(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(t)
	for _, path := range []string{"/", "/dashboard"} {
		got := ask(t, api, http.MethodGet, path)
		if got.status != http.StatusOK || got.header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Fatalf("%s: %d %s", path, got.status, got.header.Get("Content-Type"))
		}
		if len(got.body) > 60_000 {
			t.Errorf("%s is %d bytes, more than 60,000", path, len(got.body))
		}
		for _, outside := range []string{
			`src="`, `href="http`, "@import", "url(", " style=", " onclick", "/*style*/",
			"/*script*/",
		} {
			if strings.Contains(got.body, outside) {
				t.Errorf("%s holds %q", path, outside)
			}
		}
	}
	for _, path := range []string{"/", "/docs"} {
		header := ask(t, api, http.MethodGet, path).header
		policy := header.Get("Content-Security-Policy")
		for _, needed := range []string{
			"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'",
			"connect-src 'self'",
		} {
			if !strings.Contains(policy, needed) {
				t.Errorf("%s: the policy lacks %s", path, needed)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") ||
			strings.Contains(policy, "http") {
			t.Errorf("%s: the policy allows too much: %s", path, policy)
		}
		if header.Get("X-Content-Type-Options") != "nosniff" ||
			header.Get("Referrer-Policy") != "no-referrer" || header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: headers %v", path, header)
		}
	}
}

func TestTheViewerIsServedFromHere(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(t)
	page := ask(t, api, http.MethodGet, "/docs").body
	assets := regexp.MustCompile(`(?:src|href)="([^":]+)"`).FindAllStringSubmatch(page, -1)
	if len(assets) < 3 {
		t.Fatalf("%d assets", len(assets))
	}
	for _, asset := range assets {
		address, err := (&url.URL{Path: "/docs"}).Parse(asset[1])
		if err != nil {
			t.Fatal(err)
		}
		got := ask(t, api, http.MethodGet, address.Path)
		encoding := got.header.Get("Content-Encoding")
		if got.status != http.StatusOK || len(got.body) < 100 || encoding != "" {
			t.Errorf("%s: %d, %d bytes", asset[1], got.status, len(got.body))
		}
	}
	if got := ask(t, api, http.MethodGet, "/docs/"); got.status != http.StatusPermanentRedirect ||
		got.header.Get("Location") != "../docs" {
		t.Errorf("/docs/: %d to %q", got.status, got.header.Get("Location"))
	}
	if got := ask(t, api, http.MethodGet, "/docs/../page.go"); got.status != http.StatusNotFound {
		t.Errorf("a file outside: %d", got.status)
	}
}

func TestTheSchemaOfAnOrderIsServed(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(t)
	got := ask(t, api, http.MethodGet, "/schema/order.json")
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/schema+json" {
		t.Errorf("status %d, type %q", got.status, got.header.Get("Content-Type"))
	}
	if got.body != order.Schema() {
		t.Errorf("it is not the schema of package order: %s", got.body)
	}
}

// The page names the longest delay of a message that failed, in full minutes.
func TestThePageKnowsTheLongestDelay(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(t)
	page := ask(t, api, http.MethodGet, "/").body
	want := fmt.Sprintf("within %.0f minutes", math.Ceil(backoff.Longest.Minutes()))
	got := regexp.MustCompile(`within \d+ minutes`).FindAllString(page, -1)
	if diff := cmp.Diff([]string{want}, got); diff != "" {
		t.Errorf("delays (-backoff +page):\n%s", diff)
	}
}

// The page has a name for each reason of the contract, and for no other.
func TestThePageNamesEveryReason(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(t)
	page := ask(t, api, http.MethodGet, "/").body
	_, names, found := strings.Cut(page, "const reasonNames = {")
	names, _, ends := strings.Cut(names, "};")
	if !found || !ends {
		t.Fatal("the page has no list of reasons")
	}
	var got []string
	for _, line := range regexp.MustCompile(`(?m)^(\w+): ".+",$`).FindAllStringSubmatch(names, -1) {
		got = append(got, line[1])
	}
	var want []string
	for _, reason := range order.Reasons() {
		want = append(want, string(reason))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reasons (-contract +page):\n%s", diff)
	}
}

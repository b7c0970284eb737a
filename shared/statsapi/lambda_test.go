package statsapi_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/redistest"
	"orderpipeline/shared/statsapi"
)

// Events as API Gateway on AWS and as LocalStack give them; RESOURCE, PATH and PARAMETERS stand for the request's.
const (
	awsEvent = `{
		"resource": "RESOURCE", "path": "PATH", "httpMethod": "GET",
		"headers": {"Accept": "application/json", "accept-encoding": "gzip", "Host": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com", "X-Forwarded-Proto": "https"},
		"multiValueHeaders": {"Accept": ["application/json"], "accept-encoding": ["gzip"], "Host": ["a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"], "X-Forwarded-Proto": ["https"]},
		"queryStringParameters": null, "multiValueQueryStringParameters": null, "pathParameters": PARAMETERS, "stageVariables": null,
		"requestContext": {"resourceId": "x2y3z4", "resourcePath": "RESOURCE", "httpMethod": "GET", "path": "/v1PATH", "accountId": "123456789012",
			"protocol": "HTTP/1.1", "stage": "v1", "domainPrefix": "a1b2c3d4e5", "requestTimeEpoch": 1732270000000, "requestId": "4a2c",
			"identity": {"sourceIp": "203.0.113.9", "userAgent": "curl/8"}, "domainName": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com", "apiId": "a1b2c3d4e5"},
		"body": null, "isBase64Encoded": false}`
	localEvent = `{
		"headers": {"Host": "localhost:4566", "User-Agent": "curl/8", "X-Forwarded-Port": "4566"},
		"multiValueHeaders": {"Host": ["localhost:4566"], "User-Agent": ["curl/8"], "X-Forwarded-Port": ["4566"]},
		"body": null, "isBase64Encoded": false,
		"requestContext": {"accountId": "000000000000", "apiId": "abcdefghij", "domainName": "localhost:4566", "domainPrefix": "localhost:4566",
			"httpMethod": "GET", "identity": {"sourceIp": "127.0.0.1", "userAgent": "curl/8"}, "path": "/v1PATH", "protocol": "HTTP/1.1",
			"requestId": "7e1b", "resourceId": "x2y3z4", "resourcePath": "RESOURCE", "stage": "v1"},
		"stageVariables": null, "queryStringParameters": null, "multiValueQueryStringParameters": null,
		"pathParameters": PARAMETERS, "httpMethod": "GET", "path": "PATH", "resource": "RESOURCE"}`
)

func event(t *testing.T, form, resource, path string, parameters map[string]string) events.APIGatewayProxyRequest {
	t.Helper()
	params, err := json.Marshal(parameters)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("RESOURCE", resource, "PATH", path, "PARAMETERS", string(params)).Replace(form)
	var e events.APIGatewayProxyRequest
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return e
}

func TestLambdaFindsTheRouteInEveryEvent(t *testing.T) {
	t.Parallel()
	var seen string
	echo := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.URL.EscapedPath() + "?" + r.URL.RawQuery })
	writing := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { echo(w, r); w.WriteHeader(http.StatusOK) })
	handle := statsapi.Lambda(writing, nil)

	long := strings.Repeat("%C3%A9", 128)
	proxy := func(p string) map[string]string { return map[string]string{"proxy": p} }
	tests := map[string]struct {
		form, resource, path string
		parameters           map[string]string
		want                 string
	}{
		"AWS: the root":                         {awsEvent, "/", "/", nil, "/"},
		"AWS: a proxy resource":                 {awsEvent, "/{proxy+}", "/stats/global", proxy("stats/global"), "/stats/global"},
		"AWS: an explicit resource":             {awsEvent, "/users/{id}/stats", "/users/U1/stats", map[string]string{"id": "U1"}, "/users/U1/stats"},
		"AWS: an encoded slash":                 {awsEvent, "/{proxy+}", "/users/a%2Fb/stats", proxy("users/a/b/stats"), "/users/a%2Fb/stats"},
		"AWS: an encoded slash, explicit":       {awsEvent, "/users/{id}/stats", "/users/a%2Fb/stats", map[string]string{"id": "a/b"}, "/users/a%2Fb/stats"},
		"AWS: 128 characters":                   {awsEvent, "/{proxy+}", "/users/" + long + "/stats", proxy("users/" + strings.Repeat("é", 128) + "/stats"), "/users/" + long + "/stats"},
		"AWS: an emoji, decoded on the way":     {awsEvent, "/{proxy+}", "/users/👩‍🚀/stats", proxy("users/👩‍🚀/stats"), "/users/%F0%9F%91%A9%E2%80%8D%F0%9F%9A%80/stats"},
		"AWS: a question mark, decoded":         {awsEvent, "/{proxy+}", "/users/who?/stats", proxy("users/who?/stats"), "/users/who%3F/stats"},
		"AWS: a bare percent sign":              {awsEvent, "/{proxy+}", "/users/100%/stats", proxy("users/100%/stats"), "/users/100%25/stats"},
		"AWS: a custom domain with a base path": {awsEvent, "/{proxy+}", "/shop/stats/global", proxy("stats/global"), "/stats/global"},
		"AWS: a base path and an encoded slash": {awsEvent, "/{proxy+}", "/shop/users/a%2Fb/stats", proxy("users/a/b/stats"), "/users/a%2Fb/stats"},
		"AWS: the root under a base path":       {awsEvent, "/", "/shop", nil, "/"},
		"AWS: a base path, explicit resource":   {awsEvent, "/stats/top/{n}", "/shop/stats/top/5", map[string]string{"n": "5"}, "/stats/top/5"},
		"AWS: a base path named like a route":   {awsEvent, "/{proxy+}", "/stats/stats/global", proxy("stats/global"), "/stats/global"},
		"AWS: a proxy below a resource":         {awsEvent, "/docs/{file+}", "/shop/docs/a/b.js", map[string]string{"file": "a/b.js"}, "/docs/a/b.js"},
		"AWS: a trailing slash":                 {awsEvent, "/{proxy+}", "/health/", proxy("health"), "/health/"},
		"LocalStack: the stage without a slash": {localEvent, "/", "", nil, "/"},
		"LocalStack: the root":                  {localEvent, "/", "/", nil, "/"},
		"LocalStack: a proxy resource":          {localEvent, "/{proxy+}", "/stats/top/5", proxy("stats/top/5"), "/stats/top/5"},
		"LocalStack: an encoded slash":          {localEvent, "/{proxy+}", "/users/a%2Fb/stats", proxy("users/a%2Fb/stats"), "/users/a%2Fb/stats"},
		"LocalStack: an emoji":                  {localEvent, "/{proxy+}", "/users/%F0%9F%98%80/stats", proxy("users/%F0%9F%98%80/stats"), "/users/%F0%9F%98%80/stats"},
		"LocalStack: parameter unlike the path": {localEvent, "/{proxy+}", "/stats/global", proxy("else"), "/stats/global"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := handle(t.Context(), event(t, test.form, test.resource, test.path, test.parameters))
			if err != nil || got.StatusCode != http.StatusOK {
				t.Fatalf("%d, %v", got.StatusCode, err)
			}
			if diff := cmp.Diff(test.want+"?", seen); diff != "" {
				t.Errorf("path (-want +got):\n%s", diff)
			}
		})
	}

	t.Run("a query", func(t *testing.T) {
		e := event(t, localEvent, "/{proxy+}", "/stats/monthly", proxy("stats/monthly"))
		e.MultiValueQueryStringParameters = map[string][]string{"start": {"2024-01"}}
		if _, err := handle(t.Context(), e); err != nil || seen != "/stats/monthly?start=2024-01" {
			t.Errorf("%s, %v", seen, err)
		}
	})
	t.Run("an event written by hand", func(t *testing.T) {
		if _, err := handle(t.Context(), events.APIGatewayProxyRequest{HTTPMethod: "GET", Path: "/health"}); err != nil || seen != "/health?" {
			t.Errorf("%s, %v", seen, err)
		}
	})
}

func TestLambdaAnswersAsAServerDoes(t *testing.T) {
	t.Parallel()
	store := newStore(t, redistest.Client(t))
	api := statsapi.New(statsapi.Config{Store: store, Log: slog.New(slog.DiscardHandler)})
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	record(t, store, placed(t, "O1", "a/b?%", "2024-01", 4200))
	flushes := 0
	handle := statsapi.Lambda(api, func(ctx context.Context) {
		flushes++
		if err := api.Flush(ctx); err != nil {
			t.Error(err)
		}
	})

	paths := []string{"/users/" + url.PathEscape("a/b?%") + "/stats", "/stats/global", "/users/nobody/stats", "/stats/top/0", "/nowhere", "/", "/docs"}
	for _, path := range paths {
		for _, form := range []string{awsEvent, localEvent} {
			want := get(t, server.URL+path)
			ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "invocation-1"})
			e := event(t, form, "/{proxy+}", path, map[string]string{"proxy": strings.TrimPrefix(path, "/")})
			got, err := handle(ctx, e)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			header := http.Header(got.MultiValueHeaders)
			if got.StatusCode != want.status || got.Body != want.body || got.IsBase64Encoded || header.Get("Content-Encoding") != "" {
				t.Errorf("%s: %d %q (base64 %t), want %d %q", path, got.StatusCode, got.Body, got.IsBase64Encoded, want.status, want.body)
			}
			if header.Get("Content-Type") != want.header.Get("Content-Type") || header.Get("X-Request-Id") != "invocation-1" {
				t.Errorf("%s: headers %v", path, header)
			}
		}
	}
	if flushes != 2*len(paths) {
		t.Errorf("flushed %d times after %d invocations", flushes, 2*len(paths))
	}

	head := event(t, awsEvent, "/{proxy+}", "/stats/global", map[string]string{"proxy": "stats/global"})
	head.HTTPMethod = http.MethodHead
	if got, err := handle(t.Context(), head); err != nil || got.StatusCode != http.StatusOK || got.Body != "" {
		t.Errorf("HEAD: %d %q %v", got.StatusCode, got.Body, err)
	}
	counters, err := store.Counters(t.Context())
	if err != nil || counters[`orders_api_requests_total{route="/stats/global",status="200"}`] == 0 {
		t.Errorf("nothing was flushed: %v %v", counters, err)
	}
}

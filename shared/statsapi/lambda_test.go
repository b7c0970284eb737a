package statsapi_test

import (
	"bytes"
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

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/metric"
	"orderpipeline/shared/redistest"
	"orderpipeline/shared/statsapi"
)

// Events as API Gateway on AWS and as LocalStack give them; RESOURCE, PATH and PARAMETERS stand for
// the request's.
const (
	awsEvent = `{
		"resource": "RESOURCE", "path": "PATH", "httpMethod": "GET",
		"headers": {"Accept": "application/json", "accept-encoding": "gzip",
			"Host": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com", "X-Forwarded-Proto": "https"},
		"multiValueHeaders": {"Accept": ["application/json"], "accept-encoding": ["gzip"],
			"Host": ["a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"], "X-Forwarded-Proto": ["https"]},
		"queryStringParameters": null, "multiValueQueryStringParameters": null,
		"pathParameters": PARAMETERS, "stageVariables": null,
		"requestContext": {"resourceId": "x2y3z4", "resourcePath": "RESOURCE", "httpMethod": "GET",
			"path": "/v1PATH", "accountId": "123456789012",
			"protocol": "HTTP/1.1", "stage": "v1", "domainPrefix": "a1b2c3d4e5",
			"requestTimeEpoch": 1732270000000, "requestId": "4a2c",
			"identity": {"sourceIp": "203.0.113.9", "userAgent": "curl/8"},
			"domainName": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com", "apiId": "a1b2c3d4e5"},
		"body": null, "isBase64Encoded": false}`
	localEvent = `{
		"headers": {"Host": "localhost:4566", "User-Agent": "curl/8", "X-Forwarded-Port": "4566"},
		"multiValueHeaders": {"Host": ["localhost:4566"], "User-Agent": ["curl/8"],
			"X-Forwarded-Port": ["4566"]},
		"body": null, "isBase64Encoded": false,
		"requestContext": {"accountId": "000000000000", "apiId": "abcdefghij",
			"domainName": "localhost:4566", "domainPrefix": "localhost:4566",
			"httpMethod": "GET", "identity": {"sourceIp": "127.0.0.1", "userAgent": "curl/8"},
			"path": "/v1PATH", "protocol": "HTTP/1.1",
			"requestId": "7e1b", "resourceId": "x2y3z4", "resourcePath": "RESOURCE", "stage": "v1"},
		"stageVariables": null, "queryStringParameters": null, "multiValueQueryStringParameters": null,
		"pathParameters": PARAMETERS, "httpMethod": "GET", "path": "PATH", "resource": "RESOURCE"}`
)

func event(form, resource, path string, parameters map[string]string) []byte {
	params, err := json.Marshal(parameters)
	if err != nil {
		panic(err) // a map of strings
	}
	return []byte(strings.NewReplacer(
		"RESOURCE", resource, "PATH", path, "PARAMETERS", string(params),
	).Replace(form))
}

// invoke gives a function one event and reads its response.
func invoke(
	ctx context.Context, t *testing.T, f statsapi.Function, event []byte,
) events.APIGatewayProxyResponse {
	t.Helper()
	payload, err := f.Invoke(ctx, event)
	if err != nil {
		t.Fatalf("%v\n%s", err, event)
	}
	var response events.APIGatewayProxyResponse
	if err := json.Unmarshal(payload, &response); err != nil {
		t.Fatal(err)
	}
	return response
}

func proxy(p string) map[string]string { return map[string]string{"proxy": p} }

func TestLambdaFindsTheRouteInEveryEvent(t *testing.T) {
	t.Parallel()
	var seen string
	f := statsapi.Lambda(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.URL.EscapedPath() + "?" + r.URL.RawQuery
		w.WriteHeader(http.StatusOK)
	}))

	long := strings.Repeat("%C3%A9", 128)
	tests := map[string]struct {
		form, resource, path string
		parameters           map[string]string
		want                 string
	}{
		"AWS: the root": {awsEvent, "/", "/", nil, "/"},
		"AWS: a proxy resource": {
			awsEvent, "/{proxy+}", "/stats/global", proxy("stats/global"), "/stats/global",
		},
		"AWS: an encoded slash": {
			awsEvent, "/{proxy+}", "/users/a%2Fb/stats", proxy("users/a/b/stats"),
			"/users/a%2Fb/stats",
		},
		"AWS: 128 characters": {
			awsEvent, "/{proxy+}", "/users/" + long + "/stats",
			proxy("users/" + strings.Repeat("é", 128) + "/stats"), "/users/" + long + "/stats",
		},
		"AWS: an emoji, decoded on the way": {
			awsEvent, "/{proxy+}", "/users/👩‍🚀/stats", proxy("users/👩‍🚀/stats"),
			"/users/%F0%9F%91%A9%E2%80%8D%F0%9F%9A%80/stats",
		},
		"AWS: a question mark, decoded": {
			awsEvent, "/{proxy+}", "/users/who?/stats", proxy("users/who?/stats"),
			"/users/who%3F/stats",
		},
		"AWS: a bare percent sign": {
			awsEvent, "/{proxy+}", "/users/100%/stats", proxy("users/100%/stats"),
			"/users/100%25/stats",
		},
		"AWS: the customer .": {
			awsEvent, "/{proxy+}", "/users/%2E/stats", proxy("users/./stats"), "/users/%2E/stats",
		},
		"AWS: a custom domain with a base path": {
			awsEvent, "/{proxy+}", "/shop/stats/global", proxy("stats/global"), "/stats/global",
		},
		"AWS: a base path and an encoded slash": {
			awsEvent, "/{proxy+}", "/shop/users/a%2Fb/stats", proxy("users/a/b/stats"),
			"/users/a%2Fb/stats",
		},
		"AWS: the root under a base path": {awsEvent, "/", "/shop", nil, "/"},
		"AWS: an explicit resource":       {awsEvent, "/dashboard", "/dashboard", nil, "/dashboard"},
		"AWS: the same under a base path": {awsEvent, "/dashboard", "/shop/dashboard", nil, "/dashboard"},
		"AWS: a proxy below a resource": {
			awsEvent, "/docs/{proxy+}", "/shop/docs/docs.js", proxy("docs.js"), "/docs/docs.js",
		},
		"AWS: a base path named like a route": {
			awsEvent, "/{proxy+}", "/stats/stats/global", proxy("stats/global"), "/stats/global",
		},
		"AWS: a trailing slash": {
			awsEvent, "/{proxy+}", "/health/", proxy("health"), "/health/",
		},
		"LocalStack: the stage without a slash": {localEvent, "/", "", nil, "/"},
		"LocalStack: the root":                  {localEvent, "/", "/", nil, "/"},
		"LocalStack: a proxy resource": {
			localEvent, "/{proxy+}", "/stats/top/5", proxy("stats/top/5"), "/stats/top/5",
		},
		"LocalStack: an encoded slash": {
			localEvent, "/{proxy+}", "/users/a%2Fb/stats", proxy("users/a%2Fb/stats"),
			"/users/a%2Fb/stats",
		},
		"LocalStack: an emoji": {
			localEvent, "/{proxy+}", "/users/%F0%9F%98%80/stats", proxy("users/%F0%9F%98%80/stats"),
			"/users/%F0%9F%98%80/stats",
		},
		"LocalStack: parameter unlike the path": {
			localEvent, "/{proxy+}", "/stats/global", proxy("else"), "/stats/global",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := invoke(t.Context(), t, f, event(test.form, test.resource, test.path, test.parameters))
			if got.StatusCode != http.StatusOK {
				t.Fatalf("status %d", got.StatusCode)
			}
			if diff := cmp.Diff(test.want+"?", seen); diff != "" {
				t.Errorf("path (-want +got):\n%s", diff)
			}
		})
	}

	t.Run("a query", func(t *testing.T) {
		e := event(localEvent, "/{proxy+}", "/stats/monthly", proxy("stats/monthly"))
		e = bytes.Replace(e, []byte(`"multiValueQueryStringParameters": null`),
			[]byte(`"multiValueQueryStringParameters": {"start": ["2024-05%"], "end": ["2024-06"]}`), 1)
		invoke(t.Context(), t, f, e)
		path, query, _ := strings.Cut(seen, "?")
		values, err := url.ParseQuery(query)
		want := url.Values{"start": {"2024-05%"}, "end": {"2024-06"}}
		if diff := cmp.Diff(want, values); diff != "" || path != "/stats/monthly" || err != nil {
			t.Errorf("path %s, error %v, query (-want +got):\n%s", path, err, diff)
		}
	})
}

// An event of another source must not be answered with the page.
func TestLambdaRefusesForeignEvents(t *testing.T) {
	t.Parallel()
	f := statsapi.Lambda(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s was served", r.URL)
	}))
	for name, payload := range map[string]string{
		"an HTTP API, payload 2.0": `{"version":"2.0","routeKey":"$default","rawPath":"/stats/global",
			"rawQueryString":"","headers":{},
			"requestContext":{"http":{"method":"GET","path":"/stats/global"},"stage":"$default"},
			"isBase64Encoded":false}`,
		"a load balancer": `{"requestContext":{"elb":{"targetGroupArn":"arn"}},"httpMethod":"GET",
			"path":"/stats/global",
			"resource":"/",
			"queryStringParameters":{},"headers":{},"body":"","isBase64Encoded":false}`,
		"a scheduled event": `{"version":"0","id":"1",` +
			`"detail-type":"Scheduled Event","source":"aws.events",` +
			`"time":"2026-01-01T00:00:00Z","resources":[],"detail":{}}`,
		"an SQS event":                   `{"Records":[{"messageId":"1","body":"{}"}]}`,
		"a request without its resource": `{"httpMethod":"GET","path":"/health"}`,
		"an empty object":                `{}`,
		"null":                           `null`,
		"a list":                         `[]`,
		"a text":                         `"warm up"`,
		"no JSON":                        `warm up`,
		"nothing":                        ``,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response, err := f.Invoke(t.Context(), []byte(payload))
			if !errors.Is(err, statsapi.ErrNoEvent) || response != nil {
				t.Errorf("response %s, error %v; want only ErrNoEvent", response, err)
			}
		})
	}
}

func TestLambdaAnswersAsAServerDoes(t *testing.T) {
	t.Parallel()
	store := newStore(t, redistest.Client(t))
	api := statsapi.New(statsapi.Config{
		Store: store, Log: slog.New(slog.DiscardHandler), Limit: patience,
	})
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	record(t, store, placed(t, "O1", "a/b?%", "2024-01", 4200), placed(t, "O2", "..", "2024-01", 100))
	f := statsapi.Lambda(api)

	for _, path := range []string{
		"/users/" + url.PathEscape("a/b?%") + "/stats", "/users/%2E%2E/stats",
		"/users/../stats", "/users/U404/stats",
		"/stats/global", "/stats/top/0", "/nowhere", "/", "/docs",
		"/stats/monthly?from=2024-01", "/health?x=1",
	} {
		for _, form := range []string{awsEvent, localEvent} {
			want := get(t, server.URL+path)
			ctx := lambdacontext.NewContext(
				t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "invocation-1"},
			)
			bare, query, _ := strings.Cut(path, "?")
			e := event(form, "/{proxy+}", bare, proxy(strings.TrimPrefix(bare, "/")))
			if name, value, found := strings.Cut(query, "="); found {
				e = bytes.Replace(e, []byte(`"multiValueQueryStringParameters": null`),
					fmt.Appendf(nil, `"multiValueQueryStringParameters": {%q: [%q]}`, name, value), 1)
			}
			got := invoke(ctx, t, f, e)
			header := http.Header(got.MultiValueHeaders)
			if got.StatusCode != want.status || got.Body != want.body || got.IsBase64Encoded ||
				header.Get("Content-Encoding") != "" {
				t.Errorf(
					"%s: %d %q (base64 %t), want %d %q", path, got.StatusCode, got.Body,
					got.IsBase64Encoded, want.status, want.body,
				)
			}
			if header.Get("Content-Type") != want.header.Get("Content-Type") ||
				header.Get("X-Request-Id") != "invocation-1" {
				t.Errorf("%s: headers %v", path, header)
			}
		}
	}

	head := bytes.Replace(
		event(awsEvent, "/{proxy+}", "/stats/global", proxy("stats/global")), []byte(`"GET"`),
		[]byte(`"HEAD"`), 1,
	)
	if got := invoke(t.Context(), t, f, head); got.StatusCode != http.StatusOK || got.Body != "" {
		t.Errorf("HEAD: %d %q", got.StatusCode, got.Body)
	}
}

// In Lambda a request is a line of metrics, and no write to Redis.
func TestLambdaCountsRequestsInTheLog(t *testing.T) {
	t.Parallel()
	rdb := redistest.Client(t)
	var log bytes.Buffer
	f := statsapi.Lambda(statsapi.New(statsapi.Config{
		Store: newStore(t, rdb),
		Log:   slog.New(slog.NewJSONHandler(&log, nil)),
		EMF:   &metric.EMF{Stack: "shop"},
		Limit: patience,
	}))
	invoke(t.Context(), t, f, event(awsEvent, "/{proxy+}", "/stats/global", proxy("stats/global")))

	line := decode(t, strings.TrimSpace(log.String()))
	if line["Stack"] != "shop" || line["ApiRequests"] != 1.0 || line["ApiFailures"] != 0.0 ||
		line["ApiDuration"] == nil || line["_aws"] == nil {
		t.Errorf("the line of the request lacks a metric: %s", log.String())
	}
	if line["route"] != "/stats/global" || line["status"] != 200.0 {
		t.Errorf("the line lacks the route or the status: %s", log.String())
	}

	text := invoke(t.Context(), t, f, event(awsEvent, "/{proxy+}", "/metrics", proxy("metrics"))).Body
	if strings.Contains(text, "orders_api_") ||
		!strings.Contains(text, "\norders_recorded_total 0\n") {
		t.Errorf("/metrics must leave out the requests, and only them:\n%s", text)
	}
	if keys := rdb.Keys(t.Context(), "*").Val(); len(keys) != 0 {
		t.Errorf("the requests wrote %v to Redis", keys)
	}
}

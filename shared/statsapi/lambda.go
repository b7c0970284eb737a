package statsapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"
)

// ErrNoEvent is returned for a payload that is not a request of a REST API: Lambda counts it as an
// error of the function, so that a wrong integration is noticed. Nothing was answered.
var ErrNoEvent = errors.New("the payload is not a proxy event of an API Gateway REST API")

// A Function is an http.Handler as a Lambda function behind an API Gateway REST API with proxy
// integration. It works under any stage, and behind a custom domain with a base path.
type Function struct {
	adapter *httpadapter.HandlerAdapter
}

// Lambda makes a Lambda function of h.
func Lambda(h http.Handler) Function { return Function{httpadapter.New(h)} }

// Invoke answers one event. It makes Function a lambda.Handler.
func (f Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	event, err := readEvent(payload)
	if err != nil {
		return nil, err
	}
	if invocation, ok := lambdacontext.FromContext(ctx); ok {
		ctx = context.WithValue(ctx, requestIDKey{}, invocation.AwsRequestID)
	}

	event.Path = routePath(event)
	// API Gateway passes binary on only where it is configured to, so every answer is text: never
	// compressed here.
	drop(event.Headers, "Accept-Encoding")
	drop(event.MultiValueHeaders, "Accept-Encoding")

	response, err := f.adapter.ProxyWithContext(ctx, event)
	if err != nil {
		return nil, err
	}
	if event.HTTPMethod == http.MethodHead {
		response.Body, response.IsBase64Encoded = "", false // net/http's server does this itself
	}
	return json.Marshal(response)
}

func drop[V any](headers map[string]V, name string) {
	for header := range headers {
		if strings.EqualFold(header, name) {
			delete(headers, header)
		}
	}
}

// readEvent refuses what is not an event of a REST API. An event of another source also decodes,
// with an empty path, and would be answered with the page and status 200.
func readEvent(payload []byte) (events.APIGatewayProxyRequest, error) {
	var event struct {
		events.APIGatewayProxyRequest
		Version        string `json:"version"`
		RequestContext struct {
			events.APIGatewayProxyRequestContext
			ELB json.RawMessage `json:"elb"`
		} `json:"requestContext"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return event.APIGatewayProxyRequest, fmt.Errorf("%w: %w", ErrNoEvent, err)
	}
	request := event.APIGatewayProxyRequest
	request.RequestContext = event.RequestContext.APIGatewayProxyRequestContext
	switch {
	case event.Version == "2.0":
		return request, fmt.Errorf(
			"%w: it is one of an HTTP API or a function URL (payload 2.0): use a REST API",
			ErrNoEvent,
		)
	case event.RequestContext.ELB != nil:
		return request, fmt.Errorf("%w: it is one of a load balancer", ErrNoEvent)
	case request.HTTPMethod == "" || request.Resource == "":
		return request, fmt.Errorf("%w: it lacks httpMethod or resource", ErrNoEvent)
	}
	return request, nil
}

// routePath is the event's path, percent-encoded as the client sent it, without the base path of a
// custom domain: the part that the event's resource matched, such as /, /docs or /{proxy+}.
func routePath(event events.APIGatewayProxyRequest) string {
	if event.Resource == "/" {
		return "/"
	}
	encoded := encode(event.Path)
	if !strings.HasPrefix(encoded, "/") {
		encoded = "/" + encoded
	}
	matched := strings.Replace(event.Resource, "{proxy+}", event.PathParameters["proxy"], 1)

	// AWS gives the parameter decoded, LocalStack as it was sent; neither with a trailing slash.
	for _, form := range []func(string) string{decode, strings.Clone} {
		whole := strings.TrimSuffix(form(encoded), "/")
		base, found := strings.CutSuffix(whole, strings.TrimSuffix(matched, "/"))
		if found && strings.HasPrefix(encoded, base+"/") {
			return encoded[len(base):]
		}
	}
	return encoded
}

func decode(encoded string) string {
	decoded, err := url.PathUnescape(encoded)
	if err != nil {
		return encoded
	}
	return decoded
}

// encode percent-encodes what an encoded path cannot hold. A REST API gives the path as it was
// sent, for which this changes nothing; it keeps anything else from being read as a query, or
// refused as no URL at all.
func encode(path string) string {
	const hex = "0123456789ABCDEF"
	var b []byte
	for i := range len(path) {
		c := path[i]
		escape := c == '%' && i+2 < len(path) && isHex(path[i+1]) && isHex(path[i+2])
		if escape || c != '%' && isPathByte(c) {
			b = append(b, c)
			continue
		}
		b = append(b, '%', hex[c>>4], hex[c&15])
	}
	return string(b)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isPathByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		slices.Contains([]byte("-._~!$&'()*+,;=:@/"), c)
}

package statsapi

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"
)

// Lambda makes h a Lambda function behind API Gateway (REST API, proxy integration). It works for a proxy resource,
// such as /{proxy+}, and for explicit ones; under any stage; and behind a custom domain with a base path.
// after runs when the answer is complete and before it is returned, for what must not wait until the sandbox is
// thawed again; nil is allowed.
func Lambda(h http.Handler, after func(context.Context)) func(context.Context, events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	adapter := httpadapter.New(h)
	return func(ctx context.Context, event events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
		if lc, ok := lambdacontext.FromContext(ctx); ok {
			ctx = context.WithValue(ctx, requestIDKey{}, lc.AwsRequestID)
		}
		event.Path = routePath(event)
		// API Gateway hands binary on only where it is set up to, so every answer is text: never compressed here.
		drop(event.Headers, "Accept-Encoding")
		drop(event.MultiValueHeaders, "Accept-Encoding")

		answer, err := adapter.ProxyWithContext(ctx, event)
		if event.HTTPMethod == http.MethodHead {
			answer.Body, answer.IsBase64Encoded = "", false // a server of net/http does this itself
		}
		if after != nil {
			after(ctx)
		}
		return answer, err
	}
}

func drop[V any](headers map[string]V, name string) {
	for header := range headers {
		if strings.EqualFold(header, name) {
			delete(headers, header)
		}
	}
}

// routePath is the event's path, percent-encoded as the client sent it, without the base path of a custom domain.
// The base path is what precedes the part that the event's resource, a pattern such as /users/{id}/stats, matched.
func routePath(event events.APIGatewayProxyRequest) string {
	encoded := encode(event.Path)
	if !strings.HasPrefix(encoded, "/") {
		encoded = "/" + encoded
	}
	resource := strings.Trim(event.Resource, "/")
	if resource == "" {
		if event.Resource == "" { // not from API Gateway, such as a test event written by hand
			return encoded
		}
		return "/"
	}

	segments := strings.Split(resource, "/")
	start := len(encoded)
	if last := segments[len(segments)-1]; strings.HasSuffix(last, "+}") {
		segments = segments[:len(segments)-1]
		start = greedyStart(encoded, event.PathParameters[strings.Trim(last, "{+}")])
		if start < 0 {
			return encoded
		}
	} else if strings.HasSuffix(encoded, "/") {
		start-- // a trailing slash belongs to the last segment
	}
	for range segments {
		if start = strings.LastIndexByte(encoded[:start], '/'); start < 0 {
			return encoded
		}
	}
	return encoded[start:]
}

// greedyStart finds the slash before the part of the path that a greedy parameter matched; -1 when there is none.
// AWS gives the parameter decoded, LocalStack as it was sent.
func greedyStart(encoded, parameter string) int {
	for i := range len(encoded) {
		if encoded[i] != '/' {
			continue
		}
		rest := strings.TrimSuffix(encoded[i+1:], "/")
		decoded, err := url.PathUnescape(rest)
		if parameter = strings.TrimSuffix(parameter, "/"); rest == parameter || err == nil && decoded == parameter {
			return i
		}
	}
	return -1
}

// encode percent-encodes what an encoded path can't hold. A REST API gives the path as it was sent, for which this
// changes nothing; it keeps whatever else arrives from being read as a query, or refused as no URL at all.
func encode(path string) string {
	const hex = "0123456789ABCDEF"
	var b []byte
	for i := range len(path) {
		c := path[i]
		if c == '%' && i+2 < len(path) && isHex(path[i+1]) && isHex(path[i+2]) || c != '%' && isPathByte(c) {
			b = append(b, c)
			continue
		}
		b = append(b, '%', hex[c>>4], hex[c&15])
	}
	return string(b)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func isPathByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || slices.Contains([]byte("-._~!$&'()*+,;=:@/"), c)
}

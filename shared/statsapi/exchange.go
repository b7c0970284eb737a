package statsapi

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"orderpipeline/shared/metric"
)

// An exchange is one request and its answer on the way through ServeHTTP. It is the
// http.ResponseWriter of all handlers, and remembers for the log what they wrote.
type exchange struct {
	http.ResponseWriter
	id     string
	status int   // zero: nothing was written yet
	gone   bool  // the client disconnected: further writes are dropped
	cause  error // why the answer is a 5xx, for the log only
}

type (
	exchangeKey  struct{}
	requestIDKey struct{}
)

// statusGone is logged and counted, never sent, for a client that disconnected.
const statusGone = 499

// ServeHTTP answers one request within the limit, counts it and logs one line. A panic is a 500.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := a.config.Now()
	x := &exchange{ResponseWriter: w, id: requestID(r.Context())}
	ctx := context.WithValue(r.Context(), exchangeKey{}, x)
	ctx, cancel := context.WithTimeout(ctx, a.config.Limit)
	defer cancel()
	routed := r.WithContext(ctx) // the mux writes the pattern into it

	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Request-Id", x.id)

	defer func() {
		if p := recover(); p != nil {
			a.config.Log.ErrorContext(
				ctx, "panic", "request_id", x.id, "panic", p, "stack", string(debug.Stack()),
			)
			if x.status == 0 {
				writeProblem(x, http.StatusInternalServerError, internalError)
			}
		}
		if x.gone || x.status >= http.StatusInternalServerError &&
			errors.Is(r.Context().Err(), context.Canceled) {
			x.status = statusGone // the client disconnected: not an error of the server
		}
		a.finish(x, routed, a.config.Now().Sub(started))
	}()

	if escaped, found := dotPaths[r.URL.EscapedPath()]; found {
		address := *r.URL
		address.RawPath = escaped
		routed.URL = &address
	}
	if !clean(routed.URL.EscapedPath()) {
		// The mux would redirect to an absolute path, which is wrong under a stage prefix.
		a.unmatched(x, routed)
		return
	}
	a.mux.ServeHTTP(x, routed)
}

// dotPaths are the paths of the customers . and .. as sent by clients that do not percent-encode
// dots. A path with a dot segment is otherwise no route.
var dotPaths = map[string]string{
	"/users/./stats":  "/users/%2E/stats",
	"/users/../stats": "/users/%2E%2E/stats",
}

// unmatched answers a request that no route takes.
func (a *API) unmatched(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		asGet := r.Clone(r.Context())
		asGet.Method = http.MethodGet
		if _, pattern := a.mux.Handler(asGet); pattern != catchAll && clean(r.URL.EscapedPath()) {
			w.Header().Set("Allow", "GET, HEAD")
			writeProblem(w, http.StatusMethodNotAllowed, onlyGet)
			return
		}
	}
	writeProblem(w, http.StatusNotFound, noSuchRoute)
}

// catchAll is the pattern of unmatched.
const catchAll = "/"

// finish counts and logs the request.
func (a *API) finish(x *exchange, r *http.Request, took time.Duration) {
	if x.status == 0 {
		x.status = http.StatusOK // a handler that writes nothing
	}
	route := routeOf(r)
	failed := x.status >= http.StatusInternalServerError

	level := slog.LevelInfo
	if failed {
		level = slog.LevelError
	}
	var attrs []slog.Attr
	if a.config.EMF == nil {
		a.count(route, strconv.Itoa(x.status), took)
	} else {
		failures := 0
		if failed {
			failures = 1
		}
		attrs = a.config.EMF.Attrs(a.config.Now(),
			metric.Count("ApiRequests", 1),
			metric.Count("ApiFailures", failures),
			metric.Milliseconds("ApiDuration", took))
	}

	ctx := r.Context()
	if !a.config.Log.Enabled(ctx, level) {
		return
	}
	attrs = append(attrs,
		slog.String("request_id", x.id),
		slog.String("method", r.Method),
		slog.String("route", route),
		slog.Int("status", x.status),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000))
	if x.cause != nil {
		attrs = append(attrs, slog.String("error", x.cause.Error()))
	}
	if a.config.Log.Enabled(ctx, slog.LevelDebug) {
		attrs = append(attrs, slog.String("uri", r.URL.RequestURI())) // may hold a customer's id
	}
	a.config.Log.LogAttrs(ctx, level, "request", attrs...)
}

// unmatchedRoute names the route of a request that no pattern matched.
const unmatchedRoute = "unmatched"

// routeOf is the pattern without the method, never the path, which may hold a customer's id.
func routeOf(r *http.Request) string {
	if _, route, found := strings.Cut(r.Pattern, " "); found {
		return strings.TrimSuffix(route, "{$}")
	}
	return unmatchedRoute
}

func (x *exchange) WriteHeader(status int) {
	if x.status != 0 {
		return
	}
	x.status = status
	x.ResponseWriter.WriteHeader(status)
}

// Write never fails: huma would take the error for a mistake of the program and panic.
func (x *exchange) Write(body []byte) (int, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	if !x.gone {
		_, err := x.ResponseWriter.Write(body)
		x.gone = err != nil
	}
	return len(body), nil
}

// writeProblem answers with problem details (RFC 9457).
func writeProblem(w http.ResponseWriter, status int, detail string) {
	body, err := json.Marshal(huma.NewError(status, detail))
	if err != nil { // cannot be: numbers and strings
		body = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Del("Content-Length")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client disconnected
}

// logCause keeps the cause of a 503 for the log line of the request.
func logCause(ctx context.Context, cause error) {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		x.cause = errors.Join(x.cause, cause)
	}
}

// requestID is the id of the Lambda invocation, or a new one.
func requestID(ctx context.Context) string {
	if id, ok := ctx.Value(requestIDKey{}).(string); ok {
		return id
	}
	return rand.Text()
}

// clean says whether an encoded path is free of empty and dot segments.
func clean(encoded string) bool {
	return len(encoded) <= 1 || path.Clean(encoded) == strings.TrimSuffix(encoded, "/")
}

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
)

// An exchange is one request and its answer on the way through ServeHTTP. It is the http.ResponseWriter of all handlers.
type exchange struct {
	http.ResponseWriter
	request *http.Request // as the mux saw it: with the pattern that it found
	id      string
	status  int   // zero: nothing was written yet
	silent  bool  // the answer is complete, or the client gone; what a handler still writes is dropped
	gone    bool  // the client went away before it had the answer
	cause   error // why the answer is a 5xx: for the log, never for the answer
}

type exchangeKey struct{}

type requestIDKey struct{}

// ServeHTTP answers one request within the limit, counts it and logs one line. A panic becomes a clean 500.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := a.now()
	x := &exchange{ResponseWriter: w, id: requestID(r.Context())}
	ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), exchangeKey{}, x), a.limit)
	defer cancel()
	x.request = r.WithContext(ctx)

	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Request-Id", x.id)

	defer func() {
		if thrown := recover(); thrown != nil {
			a.log.ErrorContext(ctx, "panic", "request_id", x.id, "panic", thrown, "stack", string(debug.Stack()))
			x.problem(http.StatusInternalServerError, "Something went wrong here. The log tells more under this request id.")
		}
		// Whoever waits no longer is no failure of ours, whatever became of the answer.
		if x.gone || x.status >= http.StatusInternalServerError && errors.Is(r.Context().Err(), context.Canceled) {
			x.status = statusGone
		}
		a.finish(x, a.now().Sub(started))
	}()

	if !clean(r.URL.EscapedPath()) {
		// The mux would answer with a redirect to an absolute path, which is wrong under a stage prefix.
		x.problem(http.StatusNotFound, noSuchRoute)
		return
	}
	a.mux.ServeHTTP(x, x.request)
}

// statusGone is never answered: it stands in the log and the metrics for a request whose client went away.
const statusGone = 499

func (a *API) finish(x *exchange, took time.Duration) {
	route := x.route()
	if x.status == 0 {
		x.status = http.StatusOK // a handler that writes nothing
	}
	a.count(route, strconv.Itoa(x.status), took)

	level := slog.LevelInfo
	if x.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	ctx := x.request.Context()
	if !a.log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 7)
	attrs = append(attrs,
		slog.String("request_id", x.id),
		slog.String("method", x.request.Method),
		slog.String("route", route),
		slog.Int("status", x.status),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000))
	if x.cause != nil {
		attrs = append(attrs, slog.String("error", x.cause.Error()))
	}
	if a.log.Enabled(ctx, slog.LevelDebug) {
		attrs = append(attrs, slog.String("uri", x.request.URL.RequestURI())) // may hold a customer's id
	}
	a.log.LogAttrs(ctx, level, "request", attrs...)
}

// unmatched is the route of a request that no pattern matched.
const unmatched = "unmatched"

// route is the pattern without the method.
func (x *exchange) route() string {
	if _, route, found := strings.Cut(x.request.Pattern, " "); found {
		return strings.TrimSuffix(route, "{$}")
	}
	return unmatched
}

const noSuchRoute = "There is nothing at this path. See openapi.json for the routes."

// WriteHeader replaces the mux's own plain-text refusals, which come without a pattern, by problem details.
func (x *exchange) WriteHeader(status int) {
	switch {
	case x.status != 0:
		return
	case x.request.Pattern != "":
		x.status = status
		x.ResponseWriter.WriteHeader(status)
	case status == http.StatusMethodNotAllowed:
		x.problem(status, "Every route of this API is read with GET.")
	case status == http.StatusNotFound:
		x.problem(status, noSuchRoute)
	default:
		x.problem(status, "This is not a request that the API understands.")
	}
}

func (x *exchange) Write(body []byte) (int, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	if x.silent {
		return len(body), nil
	}
	if _, err := x.ResponseWriter.Write(body); err != nil {
		x.gone, x.silent = true, true // and no error, which the library would take for a mistake in the program
	}
	return len(body), nil
}

// problem answers with problem details (RFC 9457), unless an answer was begun.
func (x *exchange) problem(status int, detail string) {
	if x.status != 0 {
		return
	}
	body, err := json.Marshal(huma.NewError(status, detail))
	if err != nil { // cannot be: numbers and strings
		body = []byte("{}")
	}
	x.status = status
	x.Header().Set("Content-Type", "application/problem+json")
	x.Header().Del("Content-Length")
	x.ResponseWriter.WriteHeader(status)
	if _, err := x.ResponseWriter.Write(body); err != nil {
		x.gone = true
	}
	x.silent = true
}

const storeAway = "The figures cannot be read right now. Try again in a moment."

// unavailable is the answer when the store fails. The cause goes to the log.
func unavailable(ctx context.Context, cause error) error {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		x.cause = errors.Join(x.cause, cause)
	}
	return huma.ErrorWithHeaders(
		huma.NewError(http.StatusServiceUnavailable, storeAway),
		http.Header{"Retry-After": {"1"}})
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

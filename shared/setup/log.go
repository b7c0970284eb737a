package setup

import (
	"context"
	"io"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// newLogger writes JSON lines of the level and above, each with the request id of its invocation.
func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(requestHandler{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})})
}

// requestHandler adds the request id of the context's Lambda invocation.
type requestHandler struct{ slog.Handler }

func (h requestHandler) Handle(ctx context.Context, r slog.Record) error {
	if invocation, ok := lambdacontext.FromContext(ctx); ok && !has(r, requestID) {
		r = r.Clone()
		r.AddAttrs(slog.String(requestID, invocation.AwsRequestID))
	}
	return h.Handler.Handle(ctx, r)
}

const requestID = "request_id"

// has says whether the line has the attribute already: a JSON object must not repeat a name.
func has(r slog.Record, name string) (found bool) {
	r.Attrs(func(a slog.Attr) bool {
		found = a.Key == name
		return !found
	})
	return found
}

func (h requestHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestHandler{h.Handler.WithAttrs(attrs)}
}

func (h requestHandler) WithGroup(name string) slog.Handler {
	return requestHandler{h.Handler.WithGroup(name)}
}

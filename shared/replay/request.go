package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/replay/protocol"
)

var (
	errUnknownRequest = errors.New("unknown request")
	errNotConfirmed   = errors.New("not confirmed: confirm must be the name of the stack")
)

// Invoke makes the handler a lambda.Handler. It takes the JSON of an SQS event, and returns that of
// events.SQSEventResponse; or it takes a Request, and returns its answer.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r, err := protocol.Parse(payload); err == nil && r.Operation != "" {
		answer, err := h.answer(ctx, r)
		if err != nil {
			return nil, err
		}
		return json.Marshal(answer)
	}
	return h.event(ctx, payload)
}

// clearReserve is how long before its deadline an invocation stops clearing, so that it can answer.
const clearReserve = 5 * time.Second

func (h *Handler) answer(ctx context.Context, r protocol.Request) (any, error) {
	switch r.Operation {
	case protocol.Replay:
		return h.replay(ctx, r)
	case protocol.State:
		return h.state(ctx)
	case protocol.Begin:
		if r.Confirm == "" || r.Confirm != h.config.Stack {
			return nil, errNotConfirmed
		}
		return h.begin(ctx)
	}
	return nil, fmt.Errorf("%w: operation %q", errUnknownRequest, r.Operation)
}

// begin clears the store, as far as the time allows.
func (h *Handler) begin(ctx context.Context) (protocol.Cleared, error) {
	limited := ctx
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		limited, cancel = context.WithDeadline(ctx, deadline.Add(-clearReserve))
		defer cancel()
	}
	deleted, err := h.config.Ledger.Clear(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return protocol.Cleared{Deleted: deleted}, nil
	}
	if err != nil {
		return protocol.Cleared{}, err
	}
	h.config.Log.WarnContext(ctx, "the store was cleared for a rebuild", "deleted", deleted)
	return protocol.Cleared{Done: true, Deleted: deleted}, nil
}

func (h *Handler) state(ctx context.Context) (protocol.Found, error) {
	state, err := h.config.Ledger.State(ctx)
	return protocol.Found{Layout: state.Layout, Orders: state.Orders}, err
}

// reserve is how long before its deadline an invocation begins no further object.
const reserve = 10 * time.Second

var errNoTime = errors.New("no time left for the object")

// replay replays the object of a request.
func (h *Handler) replay(ctx context.Context, r protocol.Request) (protocol.Counted, error) {
	started := h.config.Now()
	if deadline, ok := ctx.Deadline(); ok && deadline.Sub(started) < reserve {
		return protocol.Counted{}, errNoTime
	}
	kind, archivedAt, err := h.resolve(ctx, r, started)
	if err != nil {
		return protocol.Counted{}, err
	}
	counted, err := h.object(ctx, kind, r.Key, archivedAt)
	h.measure(ctx, started, kind, counted, err)
	return counted, err
}

// resolve returns the kind of a replay, and when its object was archived. Orders of an import count
// as archived now.
func (h *Handler) resolve(
	ctx context.Context, r protocol.Request, now time.Time,
) (ledger.ReplayKind, time.Time, error) {
	if r.Kind == protocol.KindImport {
		return ledger.Importing, now, nil
	}
	at, err := h.archivedAt(ctx, r.Key)
	switch {
	case err != nil:
		return 0, at, err
	case r.Kind == protocol.KindReplay:
		return ledger.Healing, at, nil
	case r.Kind == protocol.KindRebuild:
		return ledger.Rebuilding, at, nil
	}
	return 0, at, fmt.Errorf("%w: kind %q", errUnknownRequest, r.Kind)
}

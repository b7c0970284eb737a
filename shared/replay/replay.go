// Package replay gives archived orders to the ledger again. Orders that the ledger knows change
// nothing; orders that Redis lost are counted. It also clears the store for a rebuild.
//
// Most objects come as notifications of S3 through the queue orders-replay, some minutes after they
// were written. orderctl invokes the function directly, with a protocol.Request as the whole
// payload.
package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderpipeline/shared/archive"
	"orderpipeline/shared/ledger"
	"orderpipeline/shared/metric"
	"orderpipeline/shared/order"
	"orderpipeline/shared/replay/protocol"
)

// A Ledger is what a replay needs of the store. *ledger.Store is one.
type Ledger interface {
	Replay(
		ctx context.Context, archivedAt time.Time, kind ledger.ReplayKind,
		orders []order.Order, outcomes []ledger.Outcome,
	) error
	AddCounters(ctx context.Context, delta map[string]int64) error
	Clear(ctx context.Context) (cleared int64, err error)
	State(ctx context.Context) (ledger.State, error)
}

// SQS is what a replay needs of the queue service. *sqs.Client is one.
type SQS interface {
	SendMessageBatch(
		context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options),
	) (*sqs.SendMessageBatchOutput, error)
	SendMessage(
		context.Context, *sqs.SendMessageInput, ...func(*sqs.Options),
	) (*sqs.SendMessageOutput, error)
	ChangeMessageVisibility(
		context.Context, *sqs.ChangeMessageVisibilityInput, ...func(*sqs.Options),
	) (*sqs.ChangeMessageVisibilityOutput, error)
}

// Config of a Handler. All fields but EMF and Stack are needed.
type Config struct {
	Ledger      Ledger
	Archive     *archive.Bucket
	SQS         SQS
	ReplayURL   string // the queue that objects come from
	DLQURL      string // the queue for objects that cannot be replayed
	RejectedURL string // the queue for orders that conflict with what was counted
	Stack       string // a request to clear the store must name it
	Log         *slog.Logger
	EMF         metric.EMF
	Now         func() time.Time
	FirstDelay  time.Duration // before a failed object is retried; see backoff.Delay
	MaxReceives int           // of the queue that objects come from
	Jitter      func() float64
}

// A Handler replays one object after the other, as a Lambda instance does; concurrent calls wait.
type Handler struct {
	config Config
	mu     sync.Mutex
}

// New makes a handler.
func New(c Config) *Handler { return &Handler{config: c} }

// final says whether another attempt at the object gives the same error.
func final(err error) bool {
	return errors.Is(err, protocol.ErrUnreadable) || errors.Is(err, protocol.ErrTooOld)
}

// chunkOrders is how many orders are given to the ledger at once.
const chunkOrders = 1000

// object replays one object of the archive.
func (h *Handler) object(
	ctx context.Context, kind ledger.ReplayKind, key string, archivedAt time.Time,
) (counted protocol.Counted, err error) {
	body, err := h.config.Archive.Open(ctx, key)
	if errors.Is(err, archive.ErrNotFound) {
		return counted, fmt.Errorf("%w: %w", protocol.ErrUnreadable, err)
	}
	if err != nil {
		return counted, err
	}
	defer body.Close()
	r := &objectReplay{handler: h, kind: kind, archivedAt: archivedAt, counted: &counted}
	for line, err := range archive.Read(body) {
		switch {
		case errors.Is(err, archive.ErrUnreadable):
			// The lines before the damage are good: they are counted.
			if failed := r.flush(ctx); failed != nil {
				return counted, failed
			}
			return counted, fmt.Errorf("%w: %s: %w", protocol.ErrUnreadable, key, err)
		case err != nil:
			return counted, err
		case !line.Counts():
			continue
		}
		r.lines = append(r.lines, line)
		r.orders = append(r.orders, line.Order)
		if len(r.lines) == chunkOrders {
			if err := r.flush(ctx); err != nil {
				return counted, err
			}
		}
	}
	return counted, r.flush(ctx)
}

// An objectReplay is the replay of one object.
type objectReplay struct {
	handler    *Handler
	kind       ledger.ReplayKind
	archivedAt time.Time
	counted    *protocol.Counted

	lines  []archive.Line
	orders []order.Order
}

// flush gives the collected orders to the ledger, and sends those that cannot be counted to
// orders-rejected.
func (r *objectReplay) flush(ctx context.Context) error {
	if len(r.orders) == 0 {
		return nil
	}
	outcomes := make([]ledger.Outcome, len(r.orders))
	err := r.handler.config.Ledger.Replay(ctx, r.archivedAt, r.kind, r.orders, outcomes)
	tooOld := errors.Is(err, ledger.ErrTooOld)
	if tooOld {
		err = fmt.Errorf(
			"%w: archived at %s: %w", protocol.ErrTooOld, r.archivedAt.UTC().Format(time.RFC3339), err,
		)
	}

	// After an error some orders may be settled all the same. What was counted is counted here,
	// because the next attempt finds duplicates. Conflicts are left to the next attempt, where there
	// is one.
	refused := r.settle(outcomes, err == nil || tooOld)
	if err := r.handler.reject(ctx, refused); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	r.lines = r.lines[:0]
	r.orders = r.orders[:0]
	return nil
}

// settle adds the outcomes to what was counted, and returns the orders that cannot be counted.
func (r *objectReplay) settle(outcomes []ledger.Outcome, last bool) (refused []rejection) {
	for i, outcome := range outcomes {
		switch {
		case outcome == ledger.Recorded:
			r.counted.Orders++
			r.counted.Recorded++
			r.counted.Value += r.orders[i].Value
		case outcome == ledger.Duplicate:
			r.counted.Orders++
			r.counted.Duplicate++
		case outcome == ledger.Conflict && last:
			r.counted.Orders++
			r.counted.Conflict++
			refused = append(refused, rejection{&r.lines[i], r.conflict()})
		case outcome == ledger.Overflow && last:
			r.counted.Orders++
			r.counted.Overflow++
			refused = append(refused, rejection{&r.lines[i], order.RefuseOverflow()})
		}
	}
	return refused
}

// conflict is the refusal of an order whose id has another order now.
func (r *objectReplay) conflict() *order.Refusal {
	detail := "Another order with this order_id is counted now. " +
		"This one was counted before Redis lost data. " +
		"Where orderctl archive verify shows that it still counts too, which takes several shards, " +
		"run orderctl rebuild; otherwise send it again with a new order_id."
	if r.kind == ledger.Importing {
		detail = "Another order with this order_id was counted before; the first stays. " +
			"Import this one with a new order_id."
	}
	return &order.Refusal{Reason: order.IDConflict, Field: "order_id", Detail: detail}
}

// archivedAt is when the object was archived. The key of a message object says it; that of an
// import does not.
func (h *Handler) archivedAt(ctx context.Context, key string) (time.Time, error) {
	if !strings.HasPrefix(key, archive.ImportsPrefix) {
		at, err := archive.ArchivedAt(key)
		if err != nil {
			return at, fmt.Errorf("%w: %w", protocol.ErrUnreadable, err)
		}
		return at, nil
	}
	for object, err := range h.config.Archive.List(ctx, key, "") {
		if err != nil {
			return time.Time{}, err
		}
		if object.Key == key {
			return object.Modified, nil
		}
	}
	return time.Time{}, fmt.Errorf("%w: %w: %s", protocol.ErrUnreadable, archive.ErrNotFound, key)
}

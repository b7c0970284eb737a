// Package intake takes one batch of the event source mapping: it decodes, records, puts what is refused into the queue of
// rejected messages, and says which messages must come back.
//
// Every message ends in exactly one of four ways: recorded, acknowledged as a duplicate, sent to the queue of rejected
// messages and then acknowledged, or reported as a batch item failure. Nothing is acknowledged before its effect is certain.
package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/metric"
	"orderpipeline/shared/order"
)

// A Ledger is what the intake asks of the store. *ledger.Store is one.
type Ledger interface {
	Record(ctx context.Context, orders []order.Order, outcomes []ledger.Outcome) error
	CountRefused(ctx context.Context, messages []ledger.RefusedMessage) error
	AddCounters(ctx context.Context, delta map[string]int64) error
}

// SQS is what the intake asks of the queue service. *sqs.Client is one.
type SQS interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// Config of a Handler. All fields are needed.
type Config struct {
	Ledger      Ledger
	SQS         SQS
	OrdersURL   string // the queue that the batches come from
	RejectedURL string // the queue for refused messages
	Log         *slog.Logger
	Now         func() time.Time
	// FirstDelay is how long a message that failed for the first time stays invisible. Each further failure multiplies it: see Delay.
	FirstDelay time.Duration
	// Spread returns a random number in [0, 1): messages that failed together should not come back together.
	Spread func() float64
}

// A Handler takes one batch at a time, as a Lambda instance does; a second one waits.
type Handler struct {
	Config
	mu sync.Mutex
	// What could not be counted yet because Redis was down. It is counted with a later batch of this instance.
	uncounted metric.Delta
	refused   []ledger.RefusedMessage
}

// New makes a handler.
func New(c Config) *Handler { return &Handler{Config: c, uncounted: metric.Delta{}} }

// Time kept back at the end of an invocation: first recording must stop, then refusing, so that the answer still gets out.
const (
	answerTime = 500 * time.Millisecond
	refuseTime = 2500 * time.Millisecond
)

// chunkOrders is how many orders are recorded between two looks at the clock.
const chunkOrders = 1000

// ErrNothingDone: no message of a batch was dealt with. Lambda counts it as an error of the function, which wakes somebody.
var ErrNothingDone = errors.New("no message of the batch could be dealt with")

// Handle takes one batch. The response lists the messages that must come back; with an error all of them come back.
func (h *Handler) Handle(ctx context.Context, messages []Message) (events.SQSEventResponse, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	started := h.Now()
	b := &batch{Handler: h, messages: messages, fates: make([]fate, len(messages)), refusals: map[int]*order.Refusal{}}
	cause := b.decode()
	cause = errors.Join(cause, b.record(ctx))
	cause = errors.Join(cause, b.refuse(ctx))
	failed := b.failed()
	b.delay(ctx, failed)
	b.count(ctx, started, cause)

	if len(failed) > 0 && len(failed) == len(messages) {
		return events.SQSEventResponse{}, fmt.Errorf("%w: %w", ErrNothingDone, cause)
	}
	response := events.SQSEventResponse{BatchItemFailures: make([]events.SQSBatchItemFailure, 0, len(failed))}
	for _, i := range failed {
		response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: messages[i].ID})
	}
	return response, nil
}

// A fate is what became of one message. The zero fate is the safe one.
type fate uint8

const (
	failed fate = iota
	accepted
	recorded
	duplicate
	refused  // to be sent to the queue of rejected messages
	rejected // sent there
)

type batch struct {
	*Handler
	messages   []Message
	fates      []fate
	refusals   map[int]*order.Refusal
	orders     []order.Order
	positions  []int // of orders in messages
	mismatches int
	ledgerDown bool // found out while recording: nothing more is asked of it in this batch
}

// decode sorts the messages into orders and refusals. A message without a body is neither: no queue takes one, so it could
// not be sent to the queue of rejected messages. It comes back, and ends in the dead-letter queue.
func (b *batch) decode() (cause error) {
	b.orders, b.positions = make([]order.Order, 0, len(b.messages)), make([]int, 0, len(b.messages))
	for i := range b.messages {
		if b.messages[i].Body == "" {
			cause = errors.New("a message has no body")
			continue
		}
		o, err := order.Parse(b.messages[i].Body)
		var refusal *order.Refusal
		if errors.As(err, &refusal) {
			b.turnDown(i, refusal)
			continue
		}
		b.fates[i] = accepted
		b.orders, b.positions = append(b.orders, o), append(b.positions, i)
	}
	return cause
}

func (b *batch) turnDown(i int, refusal *order.Refusal) {
	b.fates[i], b.refusals[i] = refused, refusal
	if b.Log.Enabled(context.Background(), slog.LevelDebug) {
		b.Log.Debug("refused", "message_id", b.messages[i].ID, "reason", refusal.Reason, "field", refusal.Field)
	}
}

// record gives the orders to the ledger, as far as time and the ledger allow.
func (b *batch) record(ctx context.Context) error {
	ctx, cancel := withReserve(ctx, refuseTime)
	defer cancel()
	var cause error
	for start := 0; start < len(b.orders); start += chunkOrders {
		if err := ctx.Err(); err != nil {
			return errors.Join(cause, fmt.Errorf("no time left to record %d orders: %w", len(b.orders)-start, err))
		}
		end := min(start+chunkOrders, len(b.orders))
		outcomes := make([]ledger.Outcome, end-start)
		err := b.Ledger.Record(ctx, b.orders[start:end], outcomes)
		settled := b.settle(start, outcomes)
		cause = errors.Join(cause, err)
		if err != nil && settled == 0 {
			b.ledgerDown = true
			break // the rest would only wait for it
		}
	}
	return cause
}

// settle takes over the outcomes of the orders from start on, and returns how many are certain.
func (b *batch) settle(start int, outcomes []ledger.Outcome) (settled int) {
	for at, outcome := range outcomes {
		o, i := &b.orders[start+at], b.positions[start+at]
		switch outcome {
		case ledger.Recorded:
			b.fates[i] = recorded
			if o.Mismatch {
				b.mismatches++
				b.Log.Debug("order_value overridden", "message_id", b.messages[i].ID, "order_id", o.ID)
			}
		case ledger.Duplicate:
			b.fates[i] = duplicate
		case ledger.Conflict:
			b.turnDown(i, &order.Refusal{Reason: order.IDConflict, Field: "order_id",
				Detail: "An order with this order_id and other content was counted before; the first stays. Send this one under an id of its own."})
		case ledger.Overflow:
			b.turnDown(i, &order.Refusal{Reason: order.TotalOverflow, Field: "order_value",
				Detail: "Counting this order would take a sum past the largest amount that can be kept exactly."})
		default:
			continue
		}
		settled++
	}
	return settled
}

// failed lists the messages that must come back: all whose effect is not certain.
func (b *batch) failed() []int {
	var list []int
	for i, f := range b.fates {
		if f == failed || f == accepted || f == refused {
			list = append(list, i)
		}
	}
	return list
}

// withReserve ends the context so much before its deadline, where it has one.
func withReserve(ctx context.Context, reserve time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-reserve))
}

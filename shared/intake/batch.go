package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
)

// A fate is what happened to one message so far. The zero fate is the safe one.
type fate uint8

const (
	pending     fate = iota // nothing is certain; a message that stays pending failed
	parsed                  // the body is an order
	recorded                // the order was counted
	duplicate               // the order had been counted before
	invalid                 // refused: it must be sent to orders-rejected
	quarantined             // in orders-rejected
)

// An entry is one message of a batch on its way.
type entry struct {
	message *Message
	fate    fate
	order   order.Order    // from parsed on
	refusal *order.Refusal // of an invalid or quarantined message
}

// A batch is one call of Handle.
type batch struct {
	handler *Handler
	config  *Config
	started time.Time
	entries []entry

	recorded   int // orders; also those of messages that failed afterwards and will be duplicates
	mismatches int
	down       bool  // the ledger or the archive did not answer: further calls would only wait for it
	ledgerDown bool  // the same of the ledger alone
	cause      error // why messages failed
}

func (h *Handler) newBatch(messages []Message) *batch {
	b := &batch{
		handler: h, config: &h.config, started: h.config.Now(), entries: make([]entry, len(messages)),
	}
	for i := range messages {
		b.entries[i].message = &messages[i]
	}
	return b
}

// fail notes why messages fail.
func (b *batch) fail(err error) { b.cause = errors.Join(b.cause, err) }

// process takes the messages of a round through all steps. A round is a list of indexes of entries.
func (b *batch) process(ctx context.Context, round []int) {
	b.parse(round)
	d := b.begin(round)
	b.record(ctx, round)
	b.archive(ctx, round, d)
	b.quarantine(ctx, round)
}

// parse sorts the messages into orders and invalid ones. A message without a body is neither,
// because no queue accepts one, not even orders-rejected. It fails until it is in the dead-letter
// queue.
func (b *batch) parse(round []int) {
	for _, i := range round {
		b.guard(i, "parse", func() {
			e := &b.entries[i]
			if e.message.Body == "" {
				b.fail(errors.New("a message has no body"))
				return
			}
			o, err := order.Parse(e.message.Body)
			if err != nil {
				b.refuse(i, refusalOf(err))
				return
			}
			e.fate = parsed
			e.order = o
		})
	}
}

// refusalOf returns the refusal that every error of order.Parse is.
func refusalOf(err error) *order.Refusal {
	var refusal *order.Refusal
	errors.As(err, &refusal)
	return refusal
}

func (b *batch) refuse(i int, refusal *order.Refusal) {
	e := &b.entries[i]
	e.fate, e.refusal = invalid, refusal
	if b.config.Log.Enabled(context.Background(), slog.LevelDebug) {
		b.config.Log.Debug(
			"refused", append(about(e.message), "reason", refusal.Reason, "field", refusal.Field)...,
		)
	}
}

// about returns the log attributes that name a message.
func about(m *Message) []any {
	attrs := []any{"message_id", m.ID}
	if trace := m.Trace(); trace != "" {
		attrs = append(attrs, "trace", trace)
	}
	return attrs
}

// guard does one step for one message. A panic fails that message alone.
func (b *batch) guard(i int, step string, do func()) {
	defer func() {
		if p := recover(); p != nil {
			b.panicked(i, step, p)
		}
	}()
	do()
}

func (b *batch) panicked(i int, step string, p any) {
	e := &b.entries[i]
	e.fate = pending
	b.fail(fmt.Errorf("a message made the function panic (%s)", step))
	// The value of the panic may quote the message: its type and the stack must do.
	b.config.Log.Error("panic", append(about(e.message),
		"step", step, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))...)
}

// chunkOrders is how many orders are recorded between two looks at the clock.
const chunkOrders = 1000

// record gives the parsed orders to the ledger, as far as time and the ledger allow.
func (b *batch) record(ctx context.Context, round []int) {
	ctx, cancel := withReserve(ctx, archiveTime)
	defer cancel()

	var orders []int
	for _, i := range round {
		if b.entries[i].fate == parsed {
			orders = append(orders, i)
		}
	}
	for start := 0; start < len(orders); start += chunkOrders {
		chunk := orders[start:min(start+chunkOrders, len(orders))]
		if err := ctx.Err(); err != nil {
			b.fail(fmt.Errorf("no time left to record %d orders: %w", len(orders)-start, err))
			return
		}
		if err := b.recordChunk(ctx, chunk); err != nil {
			b.fail(err)
		}
		if b.ledgerDown {
			return
		}
	}
}

// recordChunk records one chunk. When the ledger panics, the halves of the chunk are recorded, and
// so on, until the order that causes it is alone.
func (b *batch) recordChunk(ctx context.Context, chunk []int) error {
	orders := make([]order.Order, len(chunk))
	for at, i := range chunk {
		orders[at] = b.entries[i].order
	}
	outcomes := make([]ledger.Outcome, len(chunk))

	panicked, err := b.tryRecord(ctx, orders, outcomes)

	if panicked != nil && len(chunk) == 1 {
		b.panicked(chunk[0], "record", panicked)
		return nil
	}
	if panicked != nil {
		half := len(chunk) / 2
		return errors.Join(b.recordChunk(ctx, chunk[:half]), b.recordChunk(ctx, chunk[half:]))
	}
	if settled := b.settle(chunk, outcomes); err != nil && settled == 0 {
		b.ledgerDown = true
		b.down = true
	}
	return err
}

// tryRecord calls the ledger, and returns the value of a panic beside the error.
func (b *batch) tryRecord(
	ctx context.Context, orders []order.Order, outcomes []ledger.Outcome,
) (panicked any, err error) {
	defer func() { panicked = recover() }()
	return nil, b.config.Ledger.Record(ctx, orders, outcomes)
}

// The refusals of orders that cannot be counted because of what was counted before.
var (
	conflict = &order.Refusal{
		Reason: order.IDConflict,
		Field:  "order_id",
		Detail: "An order with this order_id and other content was counted before and stays counted. " +
			"Send this order with an order_id that is not in use.",
	}
	overflow = order.RefuseOverflow()
)

// settle takes over the outcomes of a chunk, and returns how many are certain.
func (b *batch) settle(chunk []int, outcomes []ledger.Outcome) (settled int) {
	for at, outcome := range outcomes {
		i := chunk[at]
		e := &b.entries[i]
		switch outcome {
		case ledger.Recorded:
			e.fate = recorded
			b.recorded++
			b.noteMismatch(e)
		case ledger.Duplicate:
			e.fate = duplicate
		case ledger.Conflict:
			b.refuse(i, conflict)
		case ledger.Overflow:
			b.refuse(i, overflow)
		default:
			e.fate = pending
			continue
		}
		settled++
	}
	return settled
}

func (b *batch) noteMismatch(e *entry) {
	if !e.order.Mismatch {
		return
	}
	b.mismatches++
	if b.config.Log.Enabled(context.Background(), slog.LevelDebug) {
		b.config.Log.Debug("order_value overridden", append(about(e.message), "order_id", e.order.ID)...)
	}
}

// failed lists the messages that failed: all whose effect is not certain.
func (b *batch) failed() []int {
	var list []int
	for i := range b.entries {
		switch b.entries[i].fate {
		case recorded, duplicate, quarantined:
		default:
			list = append(list, i)
		}
	}
	return list
}

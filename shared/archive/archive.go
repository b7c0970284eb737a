// Package archive keeps every settled message in S3, so that the figures in Redis can be rebuilt.
//
// The order function writes one object for each invocation: compressed NDJSON with one line for
// each message whose outcome is known. zstdcat, DuckDB and Athena read it as it is. A message is
// acknowledged only after its line is stored, so the archive holds at least one line for every
// order that was counted. It may hold several: an order counts once for each order_id.
//
// The format is described in shared/order/CONTRACT.md. A Line is one line, an Encoder writes lines,
// Read reads them, and a Bucket stores and lists objects.
package archive

import (
	"time"

	"orderpipeline/shared/order"
)

// An Outcome says what happened to a message.
type Outcome string

// The outcomes. An order counts when it is Recorded or Duplicate: the object with the Recorded line
// of a duplicate may be missing, because the invocation that recorded the order ended before its
// put.
const (
	Recorded  Outcome = "recorded"  // a new order was counted
	Duplicate Outcome = "duplicate" // the order had been counted before; nothing changed
	Invalid   Outcome = "invalid"   // not counted: Reason, Field and Detail say why
)

// A Line is what the archive keeps of one message. Fields that do not apply are zero, and are
// absent in the JSON.
type Line struct {
	MessageID string    // of SQS; empty in an import
	SentAt    time.Time // when the message was sent, to the millisecond
	Outcome   Outcome

	// Why the message was not counted.
	Reason order.Reason
	Field  string // empty when the body as a whole is meant
	Detail string

	// The order, where the body is one: also of an order that was refused because of what was counted
	// before.
	Order order.Order

	Trace string // trace id of the message: traceparent or the X-Ray header
	Body  string // untouched
}

// Counts says whether the line's order is part of the figures.
func (l *Line) Counts() bool { return l.Outcome == Recorded || l.Outcome == Duplicate }

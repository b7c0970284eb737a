// Package intake processes one batch of the queue of orders: it parses the messages, records the
// orders in the ledger, archives what happened to them, quarantines what is refused, and reports
// which messages failed.
//
// A message is acknowledged only when its effect is certain and its line is in the archive.
// Everything else is reported as a batch item failure and is redelivered with exponential backoff.
// Redelivery is harmless: a recorded order is a duplicate then, and a refused message is sent to
// orders-rejected only after its line was archived.
package intake

import (
	"context"
	"encoding/json"
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

// A Ledger is what the intake needs of the store. *ledger.Store is one.
type Ledger interface {
	Record(ctx context.Context, orders []order.Order, outcomes []ledger.Outcome) error
	CountRefused(ctx context.Context, messages []ledger.RefusedMessage) error
	AddCounters(ctx context.Context, delta map[string]int64) error
}

// An Archive is what the intake needs of S3. *archive.Bucket is one.
type Archive interface {
	Put(ctx context.Context, key string, object []byte) error
}

// SQS is what the intake needs of the queue service. *sqs.Client is one.
type SQS interface {
	SendMessageBatch(
		context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options),
	) (*sqs.SendMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(
		context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options),
	) (*sqs.ChangeMessageVisibilityBatchOutput, error)
	DeleteMessageBatch(
		context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options),
	) (*sqs.DeleteMessageBatchOutput, error)
}

// Config of a Handler. All fields but EMF are needed.
type Config struct {
	Ledger      Ledger
	Archive     Archive // nil archives nothing, which is for measurements only
	SQS         SQS
	OrdersURL   string // the queue that the batches come from
	RejectedURL string // the queue for refused messages
	Log         *slog.Logger
	EMF         metric.EMF
	Now         func() time.Time
	// FirstDelay is the visibility timeout after the first failed receive; see backoff.Delay.
	FirstDelay time.Duration
	// MaxReceives is the maxReceiveCount of the queue: after the last receive there is no delay.
	MaxReceives int
	// Jitter returns a random number in [0, 1), so that messages that failed together are not retried
	// together.
	Jitter func() float64
}

// A Handler processes one batch at a time, as a Lambda instance does; concurrent calls wait.
type Handler struct {
	config  Config
	mu      sync.Mutex
	encoder encoder
	breaker breaker
	// What could not be counted because Redis was down. It is counted with a later batch.
	uncounted        metric.Delta
	uncountedRefused []ledger.RefusedMessage
}

// New makes a handler.
func New(c Config) *Handler { return &Handler{config: c, uncounted: metric.Delta{}} }

// Time reserved at the end of an invocation. Recording must end before archiveTime is left,
// archiving before quarantineTime, and quarantining before answerTime, so that each step that was
// begun can be followed by the next, and the response is sent in any case.
const (
	archiveTime    = 8 * time.Second
	quarantineTime = 2500 * time.Millisecond
	answerTime     = 500 * time.Millisecond
)

// ErrNothingDone says that no message of a batch was processed. Lambda counts it as an error of the
// function, so that the Errors alarm fires.
var ErrNothingDone = errors.New("no message in the batch was processed")

// Invoke makes the handler a lambda.Handler: it takes the JSON of an SQS event, and returns that of
// events.SQSEventResponse. With an error Lambda redelivers all messages of the event.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	messages, err := ReadEvent(payload)
	if err != nil {
		return nil, err
	}
	response, err := h.Handle(ctx, messages)
	if err != nil {
		return nil, err
	}
	return json.Marshal(response)
}

// Handle processes one batch. The response lists the messages that failed; with an error all of
// them did. Failed messages are redelivered.
func (h *Handler) Handle(ctx context.Context, messages []Message) (events.SQSEventResponse, error) {
	h.mu.Lock()
	defer h.mu.Unlock()

	b := h.newBatch(messages)
	if err := h.breaker.check(b.started); err != nil {
		b.fail(err)
		b.ledgerDown = true
	} else {
		b.processAll(ctx)
		h.breaker.note(h.config.Now(), b.down, h.config.Jitter())
	}

	failed := b.failed()
	b.postpone(ctx, failed)
	b.count(ctx, len(failed))

	if len(failed) > 0 && len(failed) == len(messages) {
		return events.SQSEventResponse{}, fmt.Errorf("%w: %w", ErrNothingDone, b.cause)
	}
	response := events.SQSEventResponse{
		BatchItemFailures: make([]events.SQSBatchItemFailure, 0, len(failed)),
	}
	for _, i := range failed {
		failure := events.SQSBatchItemFailure{ItemIdentifier: messages[i].ID}
		response.BatchItemFailures = append(response.BatchItemFailures, failure)
	}
	return response, nil
}

// withReserve ends the context that long before its deadline, where it has one.
func withReserve(ctx context.Context, reserve time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-reserve))
}

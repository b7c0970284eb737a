package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderpipeline/shared/backoff"
	"orderpipeline/shared/intake"
	"orderpipeline/shared/replay/protocol"
)

// event replays the objects that the messages of an SQS event name. A message whose objects were
// not all replayed is reported as a batch item failure, and is redelivered with exponential
// backoff. One that never can be is sent to orders-replay-dlq with the reason: it holds up nothing.
func (h *Handler) event(ctx context.Context, payload []byte) ([]byte, error) {
	messages, err := intake.ReadEvent(payload)
	if err != nil {
		return nil, err
	}
	response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	var causes []error
	for i := range messages {
		m := &messages[i]
		err := h.guarded(ctx, m)
		if err != nil && final(err) {
			err = h.giveUp(ctx, m, err)
		}
		if err == nil {
			continue
		}
		causes = append(causes, err)
		h.config.Log.WarnContext(ctx, "an object was not replayed", "message_id", m.ID, "error", err)
		h.postpone(ctx, m)
		failure := events.SQSBatchItemFailure{ItemIdentifier: m.ID}
		response.BatchItemFailures = append(response.BatchItemFailures, failure)
	}
	if len(causes) > 0 && len(causes) == len(messages) {
		return nil, fmt.Errorf("no object in the batch was replayed: %w", errors.Join(causes...))
	}
	return json.Marshal(response)
}

// guarded replays what one message names. A panic fails that message alone.
func (h *Handler) guarded(ctx context.Context, m *intake.Message) (err error) {
	defer func() {
		if p := recover(); p != nil {
			h.config.Log.ErrorContext(ctx, "panic", "message_id", m.ID,
				"type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			err = fmt.Errorf("a message made the function panic (%T)", p)
		}
	}()
	return h.message(ctx, m)
}

// message replays what one message names.
func (h *Handler) message(ctx context.Context, m *intake.Message) error {
	wanted, err := requests([]byte(m.Body))
	if err != nil {
		return err
	}
	for _, r := range wanted {
		if _, err := h.replay(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// A notification is what S3 sends when an object was written.
type notification struct {
	Event   string // s3:TestEvent when the notification was configured
	Records []struct {
		S3 struct {
			Object struct {
				Key string `json:"key"` // encoded as in a URL
			} `json:"object"`
		} `json:"s3"`
	}
}

// requests returns the replays that a message asks for: one that is a request itself, or those of
// the objects that a notification names.
func requests(body []byte) ([]protocol.Request, error) {
	r, err := protocol.Parse(body)
	if err != nil {
		return nil, err
	}
	if r.Operation == protocol.Replay {
		return []protocol.Request{r}, nil
	}

	var n notification
	if err := json.Unmarshal(body, &n); err != nil {
		return nil, fmt.Errorf(
			"%w: the message is not a notification of S3: %w", protocol.ErrUnreadable, err,
		)
	}
	if len(n.Records) == 0 && n.Event != "s3:TestEvent" {
		return nil, fmt.Errorf(
			"%w: the message is neither a notification of S3 nor a request", protocol.ErrUnreadable,
		)
	}
	var wanted []protocol.Request
	for _, record := range n.Records {
		key, err := url.QueryUnescape(record.S3.Object.Key)
		if err != nil {
			return nil, fmt.Errorf(
				"%w: the key %q: %w", protocol.ErrUnreadable, record.S3.Object.Key, err,
			)
		}
		wanted = append(wanted, protocol.Request{Kind: protocol.KindReplay, Key: key})
	}
	return wanted, nil
}

// postpone sets the visibility timeout of a failed message, because partial batch responses switch
// off Lambda's own backoff. Best effort: on failure the queue's default visibility timeout applies.
func (h *Handler) postpone(ctx context.Context, m *intake.Message) {
	c := h.config
	_, err := h.config.SQS.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl:      &c.ReplayURL,
		ReceiptHandle: aws.String(m.ReceiptHandle),
		VisibilityTimeout: backoff.Visibility(
			c.Now(), c.FirstDelay, m.Receives, c.MaxReceives, c.Jitter(),
		),
	})
	if err != nil {
		h.config.Log.WarnContext(ctx, "visibility timeout not set", "message_id", m.ID, "error", err)
	}
}

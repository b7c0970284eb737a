package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderpipeline/shared/archive"
	"orderpipeline/shared/intake"
	"orderpipeline/shared/ledger"
	"orderpipeline/shared/metric"
	"orderpipeline/shared/order"
	"orderpipeline/shared/replay/protocol"
)

// A rejection is an archived order that cannot be counted.
type rejection struct {
	line    *archive.Line
	refusal *order.Refusal
}

// reject sends orders to orders-rejected, with their untouched bodies. If one cannot be sent the
// replay fails; the next attempt sends all of the object again.
func (h *Handler) reject(ctx context.Context, refused []rejection) error {
	var calls intake.RejectedCalls
	for i, r := range refused {
		calls.Add(i, r.refusal, &intake.Message{ID: r.line.MessageID, Body: r.line.Body})
	}
	for _, entries := range calls.All {
		out, err := h.config.SQS.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{
			QueueUrl: &h.config.RejectedURL,
			Entries:  entries,
		})
		if err != nil {
			return fmt.Errorf("send orders to orders-rejected: %w", err)
		}
		if len(out.Failed) > 0 {
			return fmt.Errorf(
				"orders-rejected did not accept an order: %s", aws.ToString(out.Failed[0].Code),
			)
		}
	}
	return nil
}

// maxReason bounds the attribute reason, in bytes.
const maxReason = 1024

// giveUp sends a message whose object never can be replayed to orders-replay-dlq, with the reason.
func (h *Handler) giveUp(ctx context.Context, m *intake.Message, cause error) error {
	h.config.Log.ErrorContext(ctx, "an object cannot be replayed", "message_id", m.ID, "error", cause)
	reason := cause.Error()
	attributes, _ := intake.RejectedAttributes(
		&order.Refusal{
			Reason: order.Reason(reasonOf(cause)),
			Detail: reason[:min(len(reason), maxReason)],
		},
		m,
	)
	_, err := h.config.SQS.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl:          &h.config.DLQURL,
		MessageBody:       &m.Body,
		MessageAttributes: attributes,
	})
	if err != nil {
		return fmt.Errorf("send the message to orders-replay-dlq: %w", err)
	}
	return nil
}

// reasonOf is the code of why an object cannot be replayed.
func reasonOf(cause error) string {
	if errors.Is(cause, protocol.ErrTooOld) {
		return "too_old"
	}
	return "unreadable"
}

// measure logs what the replay of an object did as metrics, and counts conflicts in the store.
func (h *Handler) measure(
	ctx context.Context, started time.Time, kind ledger.ReplayKind, c protocol.Counted, cause error,
) {
	healed := 0
	if kind == ledger.Healing {
		healed = int(c.Recorded)
	}
	now := h.config.Now()
	attrs := h.config.EMF.Attrs(now,
		metric.Count("ReplayedObjects", 1),
		metric.Count("Replayed", int(c.Orders)),
		metric.Count("Healed", healed),
		metric.Count("ReplayConflicts", int(c.Conflict)),
		metric.Milliseconds("ReplayDuration", now.Sub(started)))
	level := slog.LevelInfo
	if cause != nil {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("error", cause.Error()))
	}
	h.config.Log.LogAttrs(ctx, level, "replay", attrs...)

	if c.Conflict == 0 {
		return
	}
	delta := metric.Delta{}
	metric.ReplayConflicts.Add(delta, c.Conflict)
	if err := h.config.Ledger.AddCounters(ctx, delta); err != nil {
		h.config.Log.WarnContext(
			ctx, "conflicts of a replay not counted", "conflicts", c.Conflict, "error", err,
		)
	}
}

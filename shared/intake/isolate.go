package intake

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// A message that kills the function by its memory or time leaves no trace but its receive count,
// and carries all others of its batch along. So messages that may have been in a crash, the
// suspects, are processed after the others of their batch, which by then are archived and deleted
// from the queue. Suspects are processed in groups: each group is hidden for hideTime first, so
// that after another crash it is redelivered later than the suspects beside it, and without them.
// Up to maxSingles suspects are processed one by one. So a killer in a batch of 1,000 is in a group
// of 32 at its second receive, and alone from its third on.
//
// After a long outage of Redis every message is a suspect. That costs three calls for each group of
// 32.
const (
	maxSingles = 100
	maxGroups  = 32
	hideTime   = 15 * time.Minute
)

// A message is no suspect at its first knownReceives receives if it was first received less than
// crashAge ago: a crash keeps a message invisible for the visibility timeout of the queue, 181 s,
// while the delays before these receives add up to less.
const (
	knownReceives = 4
	crashAge      = 170 * time.Second
)

// suspect says whether an earlier receive of the message may have ended in a crash.
func suspect(m *Message, now time.Time) bool {
	if m.Receives <= 1 {
		return false
	}
	known := m.Receives <= knownReceives && !m.FirstReceived.IsZero()
	return !known || now.Sub(m.FirstReceived) >= crashAge
}

// processAll processes the batch: first the messages that are no suspects, then the suspects.
func (b *batch) processAll(ctx context.Context) {
	var first, suspects []int
	for i := range b.entries {
		if suspect(b.entries[i].message, b.started) {
			suspects = append(suspects, i)
		} else {
			first = append(first, i)
		}
	}
	b.process(ctx, first)

	done := first
	for group := range groups(suspects) {
		if b.down || !b.timeLeft(ctx) {
			return
		}
		b.delete(ctx, done)
		group = b.hide(ctx, group)
		b.process(ctx, group)
		done = group
	}
}

// groups divides the suspects.
func groups(suspects []int) iter.Seq[[]int] {
	size := 1
	if len(suspects) > maxSingles {
		size = (len(suspects) + maxGroups - 1) / maxGroups
	}
	return slices.Chunk(suspects, size)
}

// timeLeft says whether there is time for another group.
func (b *batch) timeLeft(ctx context.Context) bool {
	ctx, cancel := withReserve(ctx, archiveTime)
	defer cancel()
	return ctx.Err() == nil
}

var errNotHidden = errors.New("messages that may have crashed the function could not be hidden")

// hide makes a group invisible for hideTime, and returns the messages that are. The others fail.
func (b *batch) hide(ctx context.Context, group []int) []int {
	hidden := make([]int, 0, len(group))
	b.changeVisibility(ctx, group, func(int) int32 { return int32(hideTime.Seconds()) }, func(i int) {
		hidden = append(hidden, i)
	})
	if len(hidden) < len(group) {
		b.fail(errNotHidden)
	}
	return hidden
}

// delete deletes the settled messages of a round from the queue, so that a crash in the next round
// does not redeliver them. Best effort: a message that is redelivered is a duplicate.
func (b *batch) delete(ctx context.Context, round []int) {
	ctx, cancel := withReserve(ctx, answerTime)
	defer cancel()
	var settled []int
	for _, i := range round {
		switch b.entries[i].fate {
		case recorded, duplicate, quarantined:
			settled = append(settled, i)
		}
	}
	concurrently(slices.Chunk(settled, callEntries), func(some []int) {
		entries := make([]types.DeleteMessageBatchRequestEntry, len(some))
		for at, i := range some {
			entries[at] = types.DeleteMessageBatchRequestEntry{
				Id:            aws.String(strconv.Itoa(i)),
				ReceiptHandle: &b.entries[i].message.ReceiptHandle,
			}
		}
		_, err := b.config.SQS.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{
			QueueUrl: &b.config.OrdersURL,
			Entries:  entries,
		})
		if err != nil {
			b.config.Log.WarnContext(
				ctx, "settled messages not deleted", "messages", len(some), "error", err,
			)
		}
	})
}

package intake

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
)

// Limits of one SendMessageBatch or ChangeMessageVisibilityBatch call. SQS on AWS takes 1 MiB a call today; 256 KiB, the
// older limit, is what every emulator takes too.
const (
	callEntries = 10
	callBytes   = 256 << 10
	callsAtOnce = 8
)

// maxDetail bounds the detail attribute, in bytes: the queue of orders takes messages 4 KiB smaller than the queue of rejected
// messages does, so that the largest body still has room for its attributes.
const maxDetail = 1024

// refuse sends the refused messages to their queue. What can't be sent stays refused, and so comes back.
func (b *batch) refuse(ctx context.Context) error {
	if len(b.refusals) == 0 {
		return nil
	}
	ctx, cancel := withReserve(ctx, answerTime)
	defer cancel()

	var calls [][]types.SendMessageBatchRequestEntry
	size := 0
	for i, f := range b.fates {
		if f != refused {
			continue
		}
		entry, bytes := b.rejectedEntry(i)
		last := len(calls) - 1
		if last < 0 || len(calls[last]) == callEntries || size+bytes > callBytes {
			calls, size = append(calls, nil), 0
			last++
		}
		calls[last] = append(calls[last], entry)
		size += bytes
	}

	var mu sync.Mutex
	var cause error
	eachAtOnce(calls, func(entries []types.SendMessageBatchRequestEntry) {
		out, err := b.SQS.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &b.RejectedURL, Entries: entries})
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			cause = fmt.Errorf("send refused messages to the queue of rejected messages: %w", err)
			return
		}
		for _, sent := range out.Successful {
			b.reject(sent.Id)
		}
		for _, not := range out.Failed {
			cause = fmt.Errorf("the queue of rejected messages did not take a message: %s", aws.ToString(not.Code))
		}
	})
	return cause
}

// reject notes that the message of an entry is in the queue of rejected messages.
func (b *batch) reject(entryID *string) {
	i, err := strconv.Atoi(aws.ToString(entryID))
	if err != nil || i < 0 || i >= len(b.fates) || b.fates[i] != refused {
		return // not an answer to what was asked: the message stays where it is
	}
	b.fates[i] = rejected
	// The id may outlive the batch, all of whose memory it would keep.
	b.Handler.refused = append(b.Handler.refused, ledger.RefusedMessage{MessageID: strings.Clone(b.messages[i].ID), Reason: b.refusals[i].Reason})
}

func (b *batch) rejectedEntry(i int) (types.SendMessageBatchRequestEntry, int) {
	message, refusal := &b.messages[i], b.refusals[i]
	field := refusal.Field
	if field == "" {
		field = order.WholeBody
	}
	bytes := len(message.Body)
	attributes := map[string]types.MessageAttributeValue{}
	for name, value := range map[string]string{
		order.AttributeReason: string(refusal.Reason), order.AttributeField: plain(field, maxDetail),
		order.AttributeDetail: plain(refusal.Detail, maxDetail), order.AttributeSourceID: message.ID,
	} {
		attributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
		bytes += len(name) + len("String") + len(value)
	}
	return types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: &message.Body, MessageAttributes: attributes}, bytes
}

// plain makes a text fit an attribute: SQS takes only characters that XML 1.0 knows.
func plain(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0xFFFE || r == 0xFFFF || r == utf8.RuneError {
			return '?'
		}
		return r
	}, text)
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

// delayGrowth and maxDelay shape the delays before a failed message comes back. With a first delay of five seconds and
// five receives, a message meets the function over more than seven minutes before it goes to the dead-letter queue, and an
// outage of seconds costs seconds.
const (
	delayGrowth = 4
	maxDelay    = 15 * time.Minute
)

// Delay returns how long a message that failed at its so-manieth receive (from 1) stays invisible: first at the first, four
// times as long at each further one, moved by up to a fifth either way by spread, in [0, 1), and never over a quarter of an hour.
func Delay(first time.Duration, receives int, spread float64) time.Duration {
	delay := first
	for range receives - 1 {
		if delay *= delayGrowth; delay >= maxDelay {
			delay = maxDelay
			break
		}
	}
	return min(time.Duration(float64(delay)*(0.8+0.4*spread)), maxDelay)
}

// delay lengthens the visibility timeout of messages that must come back: partial batch responses switch off Lambda's own
// back-off. It is an improvement, not a need: where it fails, the queue's own visibility timeout holds.
func (b *batch) delay(ctx context.Context, failed []int) {
	ctx, cancel := withReserve(ctx, answerTime)
	defer cancel()
	var calls [][]types.ChangeMessageVisibilityBatchRequestEntry
	for at, i := range failed {
		message := &b.messages[i]
		if at%callEntries == 0 {
			calls = append(calls, nil)
		}
		last := len(calls) - 1
		calls[last] = append(calls[last], types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &message.ReceiptHandle,
			// Rounded up: with zero, a message whose first delay is a second would come back at once.
			VisibilityTimeout: int32(math.Ceil(Delay(b.FirstDelay, message.Receives, b.Spread()).Seconds())),
		})
	}
	eachAtOnce(calls, func(entries []types.ChangeMessageVisibilityBatchRequestEntry) {
		if ctx.Err() != nil {
			return
		}
		_, err := b.SQS.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &b.OrdersURL, Entries: entries})
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			b.Log.WarnContext(ctx, "visibility timeout not lengthened", "messages", len(entries), "error", err)
		}
	})
}

// eachAtOnce does all calls, a few at a time.
func eachAtOnce[T any](calls []T, do func(T)) {
	var group sync.WaitGroup
	slots := make(chan struct{}, callsAtOnce)
	for _, call := range calls {
		slots <- struct{}{}
		group.Go(func() {
			do(call)
			<-slots
		})
	}
	group.Wait()
}

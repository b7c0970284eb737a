package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderpipeline/localstack/orderctl/inorder"
)

const (
	// How long a message that is looked at stays hidden from other consumers, unless it is released
	// earlier: long enough to look at a few, or at many.
	holdFew  = 2 * time.Minute
	holdMany = 15 * time.Minute
	few      = 1000
	// MaxHeld bounds how many messages are held at once; SQS allows 120,000 in flight.
	MaxHeld = 100_000
	// emptyReceives is how many empty receives in a row mean that nothing is left: on AWS one
	// receive may miss messages.
	emptyReceives = 2
	// releasers is how many batches are released at the same time, and releaseTime is what a message
	// adds to the time that all of it may take: LocalStack needs about 0.5 ms.
	releasers   = 8
	releaseTime = 5 * time.Millisecond
)

// LongestHold is the longest time for which a look that was killed leaves messages hidden.
const LongestHold = holdMany

// A Held message was received. It is hidden from other consumers until it is released or deleted,
// or until its visibility timeout ends.
type Held struct {
	Record

	attributes map[string]types.MessageAttributeValue // all, with their types
	handle     string
}

// A Look holds messages of one queue. Always end it with Close, deferred, which releases what was
// not deleted.
//
// SQS has no way to read without receiving. So while a Look is open, other consumers do not see its
// messages, and each look raises the receive count of every message it sees. After a look that was
// killed, messages are visible again after two minutes, or fifteen when it looked at more than a
// thousand. Two looks at the same time each see a part of the messages. It is meant for queues
// that no function consumes: on the orders queue five looks would drive a message to the
// dead-letter queue.
type Look struct {
	Queue
	// Wait is how long the service looks for messages before it answers that there are none. From
	// 1 s on AWS asks all its servers, else a sample of them; LocalStack needs none.
	Wait time.Duration
	// Depth is the depth of the queue when All began.
	Depth Depth

	seen     map[string]int
	held     []Held
	deleted  map[string]bool // the ids of those that are gone
	hold     time.Duration
	complete bool
}

// All receives messages until the queue returns no more, limit are held (0: MaxHeld) or the context
// ends, in which case it returns the context's error. A receive under way is never cancelled: the
// service would hide the messages of its answer although no one received them. progress may be nil.
func (l *Look) All(ctx context.Context, limit int, progress func(int)) error {
	if limit <= 0 || limit > MaxHeld {
		limit = MaxHeld
	}
	l.seen, l.deleted, l.hold = map[string]int{}, map[string]bool{}, holdMany
	if limit <= few {
		l.hold = holdFew
	}

	var err error
	if l.Depth, err = l.Queue.Depth(ctx); err != nil {
		return err
	}
	calls, cancel := outlive(ctx, grace+l.Wait)
	defer cancel()

	for empty := 0; empty < emptyReceives && len(l.held) < limit; {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		known := len(l.held)
		if err := l.receive(calls, min(10, limit-known)); err != nil {
			return errors.Join(ctx.Err(), err)
		}
		if len(l.held) == known { // nothing, or only messages that were seen before
			empty++
			continue
		}
		empty = 0
		if progress != nil {
			progress(len(l.held))
		}
	}
	l.complete = len(l.held) < limit
	return ctx.Err()
}

func (l *Look) receive(ctx context.Context, most int) error {
	out, err := l.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:            aws.String(l.URL),
		MaxNumberOfMessages: int32(most),
		VisibilityTimeout:   int32(l.hold / time.Second),
		WaitTimeSeconds:     int32(l.Wait / time.Second),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameSentTimestamp,
			types.MessageSystemAttributeNameApproximateReceiveCount,
		},
		MessageAttributeNames: []string{"All"},
	})
	if err != nil {
		return fmt.Errorf("look into the queue: %s", plain(err))
	}
	for _, m := range out.Messages {
		h := held(m)
		if at, known := l.seen[h.ID]; known {
			l.held[at].handle = h.handle // the older handle is no longer valid
			continue
		}
		l.seen[h.ID] = len(l.held)
		l.held = append(l.held, h)
	}
	return nil
}

func held(m types.Message) Held {
	number := func(name types.MessageSystemAttributeName) int64 {
		n, _ := strconv.ParseInt(m.Attributes[string(name)], 10, 64)
		return n
	}
	r := Record{
		ID:         aws.ToString(m.MessageId),
		Sent:       time.UnixMilli(number(types.MessageSystemAttributeNameSentTimestamp)).UTC(),
		Receives:   int(number(types.MessageSystemAttributeNameApproximateReceiveCount)),
		Attributes: map[string]string{},
		Body:       aws.ToString(m.Body),
	}
	for name, v := range m.MessageAttributes {
		if v.StringValue != nil {
			r.Attributes[name] = *v.StringValue
		}
	}
	return Held{r, m.MessageAttributes, aws.ToString(m.ReceiptHandle)}
}

// Held returns the messages that All received, the oldest first.
func (l *Look) Held() []Held {
	byAge := slices.Clone(l.held)
	slices.SortStableFunc(byAge, func(a, b Held) int { return a.Sent.Compare(b.Sent) })
	return byAge
}

// Hidden returns how many messages All did not see because another look, or a consumer, hides them.
func (l *Look) Hidden() int64 {
	missing := max(0, l.Depth.Total()-int64(len(l.seen)))
	if l.complete {
		// The split into visible and in flight lags on AWS; that a message was not seen does not.
		return missing
	}
	return min(missing, l.Depth.InFlight)
}

// Delete removes messages from the queue for good, until ctx ends; a call under way is never
// cancelled. It returns how many SQS confirmed. progress, which may be nil, gets the number of each
// call.
func (l *Look) Delete(
	ctx context.Context, messages []Held, progress func(int64),
) (deleted int, err error) {
	for batch := range slices.Chunk(messages, MaxBatchEntries) {
		if ctx.Err() != nil {
			break
		}
		entries := make([]types.DeleteMessageBatchRequestEntry, len(batch))
		for i, m := range batch {
			entries[i] = types.DeleteMessageBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(m.handle),
			}
		}
		out, err := l.DeleteMessageBatch(context.WithoutCancel(ctx), &sqs.DeleteMessageBatchInput{
			QueueUrl: aws.String(l.URL), Entries: entries,
		})
		if err != nil {
			return deleted, fmt.Errorf("delete messages: %s", plain(err))
		}
		before := len(l.deleted)
		for _, ok := range out.Successful {
			i, err := strconv.Atoi(aws.ToString(ok.Id))
			if err == nil && i >= 0 && i < len(batch) { // an id that was not in the call is ignored
				l.deleted[batch[i].ID] = true
			}
		}
		n := len(l.deleted) - before
		if deleted += n; progress != nil {
			progress(int64(n))
		}
		if len(out.Failed) > 0 {
			bad := out.Failed[0]
			return deleted, fmt.Errorf("delete messages: %s: %s",
				aws.ToString(bad.Code), aws.ToString(bad.Message))
		}
	}
	return deleted, ctx.Err()
}

// Close releases every message that was not deleted, at once and even when ctx has ended. What
// cannot be released is visible again when its visibility timeout ends; the error says how many.
func (l *Look) Close(ctx context.Context) error {
	left := slices.DeleteFunc(l.Held(), func(h Held) bool { return l.deleted[h.ID] })
	limit := grace + time.Duration(len(left))*releaseTime
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()

	batches := inorder.Values(slices.Chunk(left, MaxBatchEntries))
	hidden, why := 0, ""
	release := func(_ context.Context, batch []Held) (unreleased, error) {
		return l.release(ctx, batch), nil
	}
	// Every batch is tried or counted, also after the time has run out.
	for failed, err := range inorder.Map(context.WithoutCancel(ctx), releasers, batches, release) {
		if err != nil {
			return err
		}
		if hidden += failed.count; failed.count > 0 {
			why = failed.why
		}
	}
	if hidden == 0 {
		return nil
	}
	return fmt.Errorf("%d messages stay hidden for up to %s, they could not be released: %s",
		hidden, l.hold, why)
}

// unreleased is how many messages of a batch could not be made visible, and why.
type unreleased struct {
	count int
	why   string
}

// release makes the messages of one batch visible.
func (l *Look) release(ctx context.Context, batch []Held) (left unreleased) {
	entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(batch))
	for i, m := range batch {
		entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(m.handle), VisibilityTimeout: 0,
		}
	}
	out, err := l.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{
		QueueUrl: aws.String(l.URL), Entries: entries,
	})
	if err != nil {
		return unreleased{len(batch), plain(err)}
	}
	for _, bad := range out.Failed {
		// A message whose timeout has ended is not in flight: it is visible already.
		if code := aws.ToString(bad.Code); code != "MessageNotInflight" &&
			code != "AWS.SimpleQueueService.MessageNotInflight" {
			left = unreleased{left.count + 1, code + ": " + aws.ToString(bad.Message)}
		}
	}
	return left
}

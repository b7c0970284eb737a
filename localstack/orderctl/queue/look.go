package queue

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Receiver is the part of SQS that Look needs.
type Receiver interface {
	ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, opts ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, opts ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
	DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, opts ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
}

const (
	// How long a message that is looked at stays hidden from others, unless it is given back before: long enough to
	// look at a few, or at many.
	holdFew  = 2 * time.Minute
	holdMany = 15 * time.Minute
	few      = 1000
	// MaxHeld bounds how many messages are held at once; SQS allows 120,000 in flight.
	MaxHeld = 100_000
	// emptyAnswers is how many empty answers in a row mean that nothing is left: one answer of AWS may miss messages.
	emptyAnswers = 2
)

// A Held message was received and is hidden from others until it is given back, deleted, or its time is over.
type Held struct {
	ID         string
	Body       string
	Sent       time.Time
	Receives   int // how often it was received, this time included
	Attributes map[string]types.MessageAttributeValue

	handle string
}

// A Look holds messages of one queue. Always end it with Close, which gives back what is still held.
//
// SQS has no way to read without receiving. So, while a Look is open, others do not see its messages, and each look
// raises the receive count of every message it sees; after a look that was cut off, messages are back after two
// minutes, or fifteen when it looked at more than a thousand. Two looks at the same time each see a part. It is meant for queues that no function consumes: on the orders
// queue five looks would drive a message to the dead-letter queue.
type Look struct {
	SQS      Receiver
	QueueURL string
	// Wait lets the service look for messages so long before it answers that there are none. From 1 s on AWS asks all
	// its servers, else a sample of them; LocalStack needs none.
	Wait time.Duration

	seen map[string]int
	held []Held
	hold time.Duration
}

// All receives messages until the queue gives no more, limit are held (0: MaxHeld) or the context ends, in which case
// it returns the context's error. progress, which may be nil, is told the number so far.
func (l *Look) All(ctx context.Context, limit int, progress func(int)) error {
	if limit <= 0 || limit > MaxHeld {
		limit = MaxHeld
	}
	l.seen, l.hold = map[string]int{}, holdMany
	if limit <= few {
		l.hold = holdFew
	}
	for empty := 0; empty < emptyAnswers && len(l.held) < limit; {
		known := len(l.held)
		if err := l.receive(ctx, min(10, limit-known)); err != nil {
			return err
		}
		if len(l.held) == known { // nothing, or only what was seen before and came back meanwhile
			empty++
			continue
		}
		empty = 0
		if progress != nil {
			progress(len(l.held))
		}
	}
	return nil
}

func (l *Look) receive(ctx context.Context, most int) error {
	out, err := l.SQS.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:            aws.String(l.QueueURL),
		MaxNumberOfMessages: int32(most),
		VisibilityTimeout:   int32(l.hold / time.Second),
		WaitTimeSeconds:     int32(l.Wait / time.Second),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameSentTimestamp, types.MessageSystemAttributeNameApproximateReceiveCount,
		},
		MessageAttributeNames: []string{"All"},
	})
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("look into the queue: %s", plain(err))
	}
	for _, m := range out.Messages {
		h := held(m)
		if at, again := l.seen[h.ID]; again {
			l.held[at].handle = h.handle // the older one is no longer good
			continue
		}
		l.seen[h.ID] = len(l.held)
		l.held = append(l.held, h)
	}
	return nil
}

func held(m types.Message) Held {
	h := Held{ID: aws.ToString(m.MessageId), Body: aws.ToString(m.Body), Attributes: m.MessageAttributes, handle: aws.ToString(m.ReceiptHandle)}
	if ms, err := strconv.ParseInt(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64); err == nil {
		h.Sent = time.UnixMilli(ms).UTC()
	}
	if n, err := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)]); err == nil {
		h.Receives = n
	}
	return h
}

// Held are the messages held now, the oldest first.
func (l *Look) Held() []Held {
	byAge := slices.Clone(l.held)
	slices.SortStableFunc(byAge, func(a, b Held) int { return a.Sent.Compare(b.Sent) })
	return byAge
}

// Delete removes messages from the queue for good, and returns the ids of those that SQS confirmed as removed.
func (l *Look) Delete(ctx context.Context, messages []Held) (map[string]bool, error) {
	deleted := map[string]bool{}
	for batch := range slices.Chunk(messages, MaxBatchEntries) {
		entries := make([]types.DeleteMessageBatchRequestEntry, len(batch))
		for i, m := range batch {
			entries[i] = types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(l.held[l.seen[m.ID]].handle)}
		}
		out, err := l.SQS.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: aws.String(l.QueueURL), Entries: entries})
		if err != nil {
			return deleted, fmt.Errorf("delete messages: %s", plain(err))
		}
		for _, ok := range out.Successful {
			if i, known := place(ok.Id, len(batch)); known {
				deleted[batch[i].ID] = true
			}
		}
		if len(out.Failed) > 0 {
			bad := out.Failed[0]
			return deleted, fmt.Errorf("delete messages: %s: %s", aws.ToString(bad.Code), aws.ToString(bad.Message))
		}
	}
	return deleted, nil
}

// Close gives back every message but those in gone, at once and even when ctx has ended. What cannot be given back
// shows up again when its time is over.
func (l *Look) Close(ctx context.Context, gone map[string]bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	left := slices.DeleteFunc(slices.Clone(l.held), func(h Held) bool { return gone[h.ID] })
	l.held, l.seen = nil, nil
	var failed error
	for batch := range slices.Chunk(left, MaxBatchEntries) {
		entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(batch))
		for i, m := range batch {
			entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(m.handle), VisibilityTimeout: 0}
		}
		if _, err := l.SQS.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: aws.String(l.QueueURL), Entries: entries}); err != nil && failed == nil {
			failed = fmt.Errorf("give messages back (they show up again within %s): %s", l.hold, plain(err))
		}
	}
	return failed
}

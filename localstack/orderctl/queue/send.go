package queue

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"orderpipeline/localstack/orderctl/inorder"
)

const (
	// attempts is how often an entry is tried; with the pauses that is about half a minute.
	attempts     = 10
	shortestWait = 100 * time.Millisecond
	longestWait  = 5 * time.Second
)

// A Sender sends messages to one queue, in batches, several batches at a time.
type Sender struct {
	Queue
	Parallel int // batches under way at once; at least 1
	// Sent is called after each batch with its messages that SQS confirmed. May be nil.
	Sent func([]Message)
}

// A Failure is a message that was not sent, or whose state is unknown.
type Failure struct {
	Label string `json:"message"`
	Why   string `json:"why"`
}

// A Report is the result of sending.
type Report struct {
	Sent     int64     `json:"sent"`               // confirmed by SQS
	Failed   int64     `json:"failed"`             // not confirmed, after all attempts
	Retried  int64     `json:"retried"`            // entries that were sent again after a failure
	Failures []Failure `json:"failures,omitempty"` // the first ten
}

// namedFailures is how many failures a Report names.
const namedFailures = 10

// ErrNotAllSent says that messages failed; the Report says how many and why.
var ErrNotAllSent = errors.New("not all messages were sent")

// Send sends all messages. Entries that fail for a transient reason are retried with exponential
// backoff. It returns an error that wraps ErrNotAllSent when a message was not confirmed, the
// messages' own error when reading them failed, a permanent refusal of the service, or the
// context's error when it ended early: messages taken until then are still sent. The Report is
// right in every case.
func (s *Sender) Send(ctx context.Context, messages iter.Seq2[Message, error]) (Report, error) {
	calls, cancel := outlive(ctx, grace)
	defer cancel()
	r := &sending{Queue: s.Queue, user: ctx, calls: calls}
	stop := func() bool { return ctx.Err() != nil || r.refused.Load() != nil }
	deliver := func(_ context.Context, batch []Message) (*delivery, error) {
		d := &delivery{sending: r}
		d.send(batch)
		return d, nil
	}

	var report Report
	// What was taken is sent, and reported, after an interruption too.
	for d, err := range inorder.Map(
		context.WithoutCancel(ctx), max(1, s.Parallel), batches(stop, messages), deliver,
	) {
		if err != nil {
			return report, err
		}
		report.add(d)
		if s.Sent != nil && len(d.confirmed) > 0 {
			s.Sent(d.confirmed)
		}
	}

	switch refused := r.refused.Load(); {
	case ctx.Err() != nil:
		return report, ctx.Err()
	case refused != nil:
		return report, errors.New(*refused)
	case report.Failed > 0:
		return report, fmt.Errorf("%w: %d failed", ErrNotAllSent, report.Failed)
	}
	return report, nil
}

func (r *Report) add(d *delivery) {
	r.Sent += int64(len(d.confirmed))
	r.Failed += int64(len(d.failed))
	r.Retried += d.retried
	room := namedFailures - len(r.Failures)
	r.Failures = append(r.Failures, d.failed[:min(room, len(d.failed))]...)
}

// sending is what the batches of one Send share.
type sending struct {
	Queue
	user    context.Context        // ends when the user interrupts
	calls   context.Context        // ends when calls under way must end too
	refused atomic.Pointer[string] // a permanent refusal of the service
}

// A delivery is the result of one batch.
type delivery struct {
	*sending
	confirmed []Message
	failed    []Failure
	retried   int64
}

// send sends messages until each of them is confirmed or given up.
func (d *delivery) send(batch []Message) {
	batch = slices.DeleteFunc(batch, func(m Message) bool {
		err := m.Check()
		if err != nil {
			d.fail(err.Error(), m)
		}
		return err != nil
	})

	why := ""
	for attempt := 0; len(batch) > 0; attempt++ {
		switch refused := d.refused.Load(); {
		case refused != nil:
			d.fail(*refused, batch...)
			return
		case attempt == attempts, attempt > 0 && !Sleep(d.user, backoff(attempt)):
			d.fail(why, batch...)
			return
		case attempt > 0:
			d.retried += int64(len(batch))
		}
		out, err := d.SendMessageBatch(d.calls, batchInput(d.URL, batch))
		if err == nil {
			batch, why = d.settle(batch, out)
			continue
		}

		why = plain(err)
		switch kindOf(err) {
		case tooMuch:
			half := len(batch) / 2
			if half == 0 {
				d.fail(why, batch...)
				return
			}
			d.send(batch[:half])
			batch = batch[half:]
			attempt--
		case permanent:
			refused := "the queue refuses messages: " + why
			d.refused.Store(&refused)
		case transient:
		}
	}
}

// settle reads the answer to a call. It returns the entries that are to be retried, and why; one
// without an answer is not confirmed, so it is among them.
func (d *delivery) settle(
	batch []Message, out *sqs.SendMessageBatchOutput,
) (left []Message, why string) {
	confirmed := map[string]*string{}
	for _, ok := range out.Successful {
		confirmed[aws.ToString(ok.Id)] = ok.MessageId
	}
	refused := map[string]types.BatchResultErrorEntry{}
	for _, bad := range out.Failed {
		refused[aws.ToString(bad.Id)] = bad
	}

	why = "the service did not answer for it"
	for i, m := range batch {
		id, done := confirmed[strconv.Itoa(i)]
		bad, failed := refused[strconv.Itoa(i)]
		if failed {
			why = aws.ToString(bad.Code) + ": " + aws.ToString(bad.Message)
		}
		switch {
		case done:
			m.ID = aws.ToString(id)
			d.confirmed = append(d.confirmed, m)
		case failed && bad.SenderFault && !throttled(aws.ToString(bad.Code)):
			d.fail(why, m)
		default:
			left = append(left, m)
		}
	}
	return left, why
}

func (d *delivery) fail(why string, messages ...Message) {
	for _, m := range messages {
		d.failed = append(d.failed, Failure{m.Label, why})
	}
}

func batchInput(queueURL string, messages []Message) *sqs.SendMessageBatchInput {
	entries := make([]types.SendMessageBatchRequestEntry, len(messages))
	for i, m := range messages {
		entries[i] = types.SendMessageBatchRequestEntry{
			Id:                aws.String(strconv.Itoa(i)),
			MessageBody:       aws.String(m.Body),
			MessageAttributes: m.Attributes,
		}
	}
	return &sqs.SendMessageBatchInput{QueueUrl: aws.String(queueURL), Entries: entries}
}

// backoff doubles from shortestWait to longestWait; half of it is random, so that senders do not
// retry at the same moment.
func backoff(attempt int) time.Duration {
	d := min(longestWait, shortestWait<<(attempt-1))
	return d/2 + rand.N(d/2)
}

type kind int

const (
	transient kind = iota
	tooMuch        // this batch, or one message of it
	permanent
)

// kindOf classifies the error of a call that failed as a whole. The SDK has retried it already.
func kindOf(err error) kind {
	code := ErrorCode(err)
	switch code {
	case "":
		return transient // no answer: connection, time limit
	case "BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong",
		"InvalidMessageContents", "InvalidParameterValue":
		return tooMuch
	}
	resp, answered := errors.AsType[*smithyhttp.ResponseError](err)
	if throttled(code) || answered && resp.HTTPStatusCode() >= 500 {
		return transient
	}
	return permanent
}

func throttled(code string) bool {
	_, known := retry.DefaultThrottleErrorCodes[code]
	return known ||
		slices.Contains([]string{"KmsThrottled", "ServiceUnavailable", "InternalError"}, code)
}

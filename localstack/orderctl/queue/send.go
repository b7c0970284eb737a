package queue

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
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
	// Sent is called after each call with the messages that SQS confirmed. Calls do not overlap.
	// May be nil.
	Sent func([]Message)
	// Sleep waits, or returns false when the context ends first. Nil means real time.
	Sleep func(context.Context, time.Duration) bool
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
	r := &sending{Sender: s, user: ctx, calls: calls}

	work := make(chan []Message)
	var workers sync.WaitGroup
	for range max(1, s.Parallel) {
		workers.Go(func() {
			for batch := range work {
				r.deliver(batch)
			}
		})
	}
	stop := func() bool { return ctx.Err() != nil || r.refusal() != nil }
	var readErr error
	for batch, err := range batches(stop, messages) {
		if err != nil {
			readErr = err
			break
		}
		work <- batch
	}
	close(work)
	workers.Wait()

	switch {
	case r.panicked != nil:
		panic(r.panicked) // here, so that the caller's deferred calls run
	case readErr != nil:
		return r.report, readErr
	case ctx.Err() != nil:
		return r.report, ctx.Err()
	case r.refused != nil:
		return r.report, r.refused
	case r.report.Failed > 0:
		return r.report, fmt.Errorf("%w: %d failed", ErrNotAllSent, r.report.Failed)
	}
	return r.report, nil
}

// sending is the state of one Send.
type sending struct {
	*Sender
	user  context.Context // ends when the user interrupts
	calls context.Context // ends when calls under way must end too

	mu       sync.Mutex
	report   Report
	refused  error // a permanent refusal of the service
	panicked any
}

// deliver sends one batch until every entry is confirmed or given up.
func (r *sending) deliver(batch []Message) {
	defer func() {
		if p := recover(); p != nil {
			r.mu.Lock()
			r.panicked, r.refused = p, fmt.Errorf("panic: %v", p)
			r.mu.Unlock()
		}
	}()
	batch = slices.DeleteFunc(batch, func(m Message) bool {
		err := m.Check()
		if err != nil {
			r.fail(err.Error(), m)
		}
		return err != nil
	})

	why := ""
	for attempt := 0; len(batch) > 0; attempt++ {
		switch refused := r.refusal(); {
		case refused != nil:
			r.fail(refused.Error(), batch...)
			return
		case attempt == attempts, attempt > 0 && !r.sleep(backoff(attempt)):
			r.fail(why, batch...)
			return
		case attempt > 0:
			r.mu.Lock()
			r.report.Retried += int64(len(batch))
			r.mu.Unlock()
		}
		out, err := r.SendMessageBatch(r.calls, batchInput(r.URL, batch))
		if err == nil {
			batch, why = r.settle(batch, out)
			continue
		}

		why = plain(err)
		switch kindOf(err) {
		case tooMuch:
			half := len(batch) / 2
			if half == 0 {
				r.fail(why, batch...)
				return
			}
			r.deliver(batch[:half])
			batch = batch[half:]
			attempt--
		case permanent:
			r.mu.Lock()
			r.refused = fmt.Errorf("the queue refuses messages: %s", why)
			r.mu.Unlock()
		case transient:
		}
	}
}

// settle reads the answer to a call. It returns the entries that are to be retried, and why; one
// without an answer is not confirmed, so it is among them.
func (r *sending) settle(
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

	var sent []Message
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
			sent = append(sent, m)
		case failed && bad.SenderFault && !throttled(aws.ToString(bad.Code)):
			r.fail(why, m)
		default:
			left = append(left, m)
		}
	}
	r.confirm(sent)
	return left, why
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

func (r *sending) confirm(sent []Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Sent += int64(len(sent))
	if r.Sent != nil && len(sent) > 0 {
		r.Sent(sent)
	}
}

func (r *sending) fail(why string, messages ...Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range messages {
		r.report.Failed++
		if len(r.report.Failures) < namedFailures {
			r.report.Failures = append(r.report.Failures, Failure{m.Label, why})
		}
	}
}

func (r *sending) refusal() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refused
}

func (r *sending) sleep(d time.Duration) bool {
	if r.Sleep != nil {
		return r.Sleep(r.user, d)
	}
	return Sleep(r.user, d)
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
	switch code {
	case "RequestThrottled", "ThrottlingException", "Throttling", "TooManyRequestsException",
		"KmsThrottled", "ServiceUnavailable", "InternalError":
		return true
	}
	return false
}

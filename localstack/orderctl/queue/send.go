package queue

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// BatchSender is the part of SQS that Sender needs.
type BatchSender interface {
	SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, opts ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

const (
	// attempts is how often an entry is tried; with the pauses between them that is about half a minute.
	attempts     = 10
	shortestWait = 100 * time.Millisecond
	longestWait  = 5 * time.Second
	// grace is how long calls under way may take to end after an interruption, so that what was sent is known.
	grace = 10 * time.Second
)

// A Sender sends messages to one queue, in batches, several batches at a time.
type Sender struct {
	SQS      BatchSender
	QueueURL string
	Parallel int // batches under way at once; at least 1
	// Sent is called after each call with the messages that SQS confirmed. Calls do not overlap. May be nil.
	Sent func([]Message)
	// Sleep waits, or returns false when the context ends first. Nil means real time.
	Sleep func(context.Context, time.Duration) bool
}

// A Failure is a message that was not sent, or of which it is not known.
type Failure struct {
	Label string
	Why   string
}

// A Report is what became of the messages.
type Report struct {
	Sent   int64 // confirmed by SQS
	Failed int64 // not confirmed, after all attempts
	Again  int64 // entries that were sent again after a failure
	First  []Failure
}

// shownFailures is how many failures a Report names.
const shownFailures = 10

// ErrNotAllSent: the Report says how many were not, and why.
var ErrNotAllSent = errors.New("not all messages were sent")

// Send sends all messages. Entries that fail for a passing reason are sent again, with growing pauses. It returns an
// error wrapping ErrNotAllSent when a message was not confirmed, the messages' own error when reading them failed, a
// service's refusal that no repetition heals, or the context's error when it ended early: messages taken until then are
// still sent. The Report is right in every case.
func (s *Sender) Send(ctx context.Context, messages iter.Seq2[Message, error]) (Report, error) {
	r := &run{Sender: s}
	// Calls go on for a while after ctx ended: an aborted call would leave it unknown what was sent.
	calls, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	cancelLater := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(grace, func() { stop(context.Cause(ctx)) })
		context.AfterFunc(calls, func() { timer.Stop() })
	})
	defer cancelLater()
	taking, stopTaking := context.WithCancelCause(ctx)
	defer stopTaking(nil)
	r.fatal = func(err error) { stopTaking(err) }

	work := make(chan []Message)
	var workers sync.WaitGroup
	for range max(1, s.Parallel) {
		workers.Go(func() {
			for batch := range work {
				r.deliver(ctx, calls, batch)
			}
		})
	}
	var readErr error
	for batch, err := range batches(taking, messages) {
		if err != nil {
			readErr = err
			break
		}
		work <- batch
	}
	close(work)
	workers.Wait()

	switch {
	case readErr != nil:
		return r.report, readErr
	case ctx.Err() != nil:
		return r.report, ctx.Err()
	case taking.Err() != nil:
		return r.report, context.Cause(taking)
	case r.report.Failed > 0:
		return r.report, fmt.Errorf("%w: %d failed", ErrNotAllSent, r.report.Failed)
	}
	return r.report, nil
}

// run is the state of one Send.
type run struct {
	*Sender
	fatal func(error)

	mu     sync.Mutex
	report Report
	dead   error // a refusal that no repetition heals
}

// deliver sends one batch until every entry is confirmed or given up. user ends when the user interrupts, calls when
// the calls under way must end too.
func (r *run) deliver(user, calls context.Context, batch []Message) {
	pending := batch[:0:0]
	for _, m := range batch {
		if err := m.Check(); err != nil {
			r.fail([]Message{m}, err.Error())
			continue
		}
		pending = append(pending, m)
	}
	why := "interrupted"
	for attempt := range attempts {
		if len(pending) == 0 {
			return
		}
		if dead := r.refused(); dead != nil {
			r.fail(pending, dead.Error())
			return
		}
		if attempt > 0 {
			if !r.sleep(user, pause(attempt)) {
				break
			}
			r.again(len(pending))
		}
		out, err := r.SQS.SendMessageBatch(calls, input(r.QueueURL, pending))
		if err != nil {
			switch kindOf(err) {
			case tooMuch:
				if len(pending) > 1 {
					r.deliver(user, calls, pending[:len(pending)/2])
					r.deliver(user, calls, pending[len(pending)/2:])
					return
				}
				r.fail(pending, plain(err))
				return
			case final:
				r.refuse(fmt.Errorf("the queue refuses messages: %s", plain(err)))
				continue
			case passing:
				why = plain(err)
				continue
			}
		}
		sent, refused := answered(out, len(pending))
		var confirmed, left []Message
		for i, m := range pending {
			bad, failed := refused[i]
			if failed {
				why = aws.ToString(bad.Code) + ": " + aws.ToString(bad.Message)
			}
			switch {
			case sent[i]:
				confirmed = append(confirmed, m)
			case failed && bad.SenderFault && !throttled(aws.ToString(bad.Code)):
				r.fail([]Message{m}, why)
			default: // an entry without an answer too: it is not confirmed
				left = append(left, m)
			}
		}
		r.confirm(confirmed)
		pending = left
	}
	if len(pending) > 0 {
		r.fail(pending, why)
	}
}

func input(queueURL string, messages []Message) *sqs.SendMessageBatchInput {
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

// answered sorts the answer by the place of its entries in the call.
func answered(out *sqs.SendMessageBatchOutput, entries int) (sent map[int]bool, refused map[int]types.BatchResultErrorEntry) {
	sent, refused = map[int]bool{}, map[int]types.BatchResultErrorEntry{}
	for _, ok := range out.Successful {
		if i, known := place(ok.Id, entries); known {
			sent[i] = true
		}
	}
	for _, bad := range out.Failed {
		if i, known := place(bad.Id, entries); known {
			refused[i] = bad
		}
	}
	return sent, refused
}

// place is where an entry stood in its call. An id that was not in the call says nothing.
func place(id *string, entries int) (int, bool) {
	i, err := strconv.Atoi(aws.ToString(id))
	return i, err == nil && i >= 0 && i < entries
}

func (r *run) confirm(sent []Message) {
	if len(sent) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Sent += int64(len(sent))
	if r.Sent != nil {
		r.Sent(sent)
	}
}

func (r *run) fail(messages []Message, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range messages {
		r.report.Failed++
		if len(r.report.First) < shownFailures {
			r.report.First = append(r.report.First, Failure{m.Label, why})
		}
	}
}

func (r *run) again(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Again += int64(n)
}

func (r *run) refuse(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dead == nil {
		r.dead = err
		r.fatal(err)
	}
}

func (r *run) refused() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dead
}

func (r *run) sleep(ctx context.Context, d time.Duration) bool {
	if r.Sleep != nil {
		return r.Sleep(ctx, d)
	}
	return sleep(ctx, d)
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// pause doubles from shortestWait to longestWait; the half of it is random, so that senders do not come back together.
func pause(attempt int) time.Duration {
	d := min(longestWait, shortestWait<<(attempt-1))
	return d/2 + rand.N(d/2)
}

type kind int

const (
	passing kind = iota
	tooMuch      // this batch, or one message of it
	final
)

// kindOf tells what to do after a call that failed as a whole. The SDK has tried it again already.
func kindOf(err error) kind {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return passing // no answer: connection, time limit
	}
	switch api.ErrorCode() {
	case "BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", "InvalidMessageContents", "InvalidParameterValue":
		return tooMuch
	}
	var resp *smithyhttp.ResponseError
	if throttled(api.ErrorCode()) || errors.As(err, &resp) && resp.HTTPStatusCode() >= 500 {
		return passing
	}
	return final
}

func throttled(code string) bool {
	switch code {
	case "RequestThrottled", "ThrottlingException", "Throttling", "TooManyRequestsException", "KmsThrottled", "ServiceUnavailable", "InternalError":
		return true
	}
	return false
}

// plain says a service's error without request ids, hosts and layers.
func plain(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return "no answer in time"
	}
	return "the queue cannot be reached"
}

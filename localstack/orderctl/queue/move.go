package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// ErrNoMoveTask says that the service has no message move task. Messages can be moved one by one.
var ErrNoMoveTask = errors.New("the service has no message move task")

const (
	taskPoll = 500 * time.Millisecond
	// taskAppears is how long a started task may be missing from the list of tasks.
	taskAppears = 30 * time.Second
	// moveTries bounds how often MoveAll starts a task that leaves visible messages behind.
	moveTries = 5
)

// MoveAll moves all visible messages to another queue by SQS's own message move task, at rate
// messages a second (0: as fast as SQS can). It starts a task again while messages are visible: a
// task ends as soon as one receive finds nothing, which a queue may answer although it holds
// messages. It returns how many were moved; ErrNoMoveTask where the service has none. When ctx ends
// the task is cancelled: what was not moved stays.
func (q Queue) MoveAll(
	ctx context.Context, to Queue, rate int, progress func(moved, total int64),
) (int64, error) {
	var moved int64
	for range moveTries {
		n, err := q.moveByTask(ctx, to, rate, func(n, total int64) { progress(moved+n, moved+total) })
		moved += n
		if err != nil {
			return moved, err
		}
		depth, err := q.Depth(ctx)
		if err != nil || depth.Visible == 0 {
			return moved, err
		}
		Sleep(ctx, taskPoll)
	}
	return moved, nil
}

// moveByTask starts one task and follows it until it ends.
func (q Queue) moveByTask(
	ctx context.Context, to Queue, rate int, progress func(moved, total int64),
) (int64, error) {
	source, err := q.arn(ctx)
	if err != nil {
		return 0, err
	}
	destination, err := to.arn(ctx)
	if err != nil {
		return 0, err
	}
	before, err := q.newestTask(ctx, source)
	if err != nil {
		return 0, err
	}
	in := &sqs.StartMessageMoveTaskInput{SourceArn: &source, DestinationArn: &destination}
	if rate > 0 {
		in.MaxNumberOfMessagesPerSecond = aws.Int32(int32(rate))
	}
	started, err := q.StartMessageMoveTask(ctx, in)
	switch {
	case err != nil && unknownAction(err):
		return 0, ErrNoMoveTask
	case err != nil:
		return 0, fmt.Errorf("start to move messages: %s", plain(err))
	}

	calls := context.WithoutCancel(ctx) // the task runs until it is cancelled: follow it until then
	pause := ctx
	var moved int64
	for unseen := time.Duration(0); ; {
		if ctx.Err() != nil && pause == ctx {
			pause = calls
			// A failure means, most likely, that the task has ended; the list tells.
			_, _ = q.CancelMessageMoveTask(calls,
				&sqs.CancelMessageMoveTaskInput{TaskHandle: started.TaskHandle})
		}
		task, err := q.newestTask(calls, source)
		if err != nil {
			return moved, fmt.Errorf("%w; the move continues without orderctl", err)
		}
		if task.StartedTimestamp > before.StartedTimestamp {
			moved = task.ApproximateNumberOfMessagesMoved
			progress(moved, aws.ToInt64(task.ApproximateNumberOfMessagesToMove))
			switch aws.ToString(task.Status) {
			case "COMPLETED":
				return moved, nil
			case "CANCELLED":
				return moved, context.Canceled
			case "FAILED":
				return moved, fmt.Errorf("moving messages failed: %s", aws.ToString(task.FailureReason))
			}
		} else if unseen += taskPoll; unseen > taskAppears {
			return moved, errors.New(
				"the move was started, but the service does not list it; it continues without orderctl")
		}
		Sleep(pause, taskPoll)
	}
}

// newestTask returns the zero value where the queue never had a task.
func (q Queue) newestTask(
	ctx context.Context, source string,
) (types.ListMessageMoveTasksResultEntry, error) {
	list, err := q.ListMessageMoveTasks(ctx,
		&sqs.ListMessageMoveTasksInput{SourceArn: &source, MaxResults: aws.Int32(1)})
	var newest types.ListMessageMoveTasksResultEntry
	switch {
	case err != nil && unknownAction(err):
		return newest, ErrNoMoveTask
	case err != nil:
		return newest, fmt.Errorf("follow the move of messages: %s", plain(err))
	case len(list.Results) > 0:
		newest = list.Results[0]
	}
	return newest, nil
}

// unknownAction says whether the service lacks the operation. LocalStack and similar services use
// different error codes.
func unknownAction(err error) bool {
	switch ErrorCode(err) {
	case "InvalidAction", "UnknownOperationException", "UnknownOperation", "NotImplemented",
		"UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation":
		return true
	}
	return false
}

// Move sends held messages to another queue and then deletes them here: a stop in between leaves a
// message in both queues, never in none, and the second delivery of an order is recognised as a
// duplicate.
func (l *Look) Move(ctx context.Context, send *Sender, messages []Held) (Report, error) {
	byID := make(map[string]Held, len(messages))
	for _, m := range messages {
		byID[m.ID] = m
	}
	var deleteErr error
	s := *send
	s.Sent = func(done []Message) {
		if send.Sent != nil {
			send.Sent(done)
		}
		confirmed := make([]Held, len(done))
		for i, m := range done {
			confirmed[i] = byID[m.Label]
		}
		_, err := l.Delete(context.WithoutCancel(ctx), confirmed, nil)
		if deleteErr == nil {
			deleteErr = err
		}
	}
	report, err := s.Send(ctx, func(yield func(Message, error) bool) {
		for _, m := range messages {
			if !yield(Message{Body: m.Body, Attributes: m.attributes, Label: m.ID}, nil) {
				return
			}
		}
	})
	return report, errors.Join(err, deleteErr)
}

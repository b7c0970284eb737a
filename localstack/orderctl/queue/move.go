package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// ErrNoMoveTask: the service has no message move task. Messages can be moved one by one instead.
var ErrNoMoveTask = errors.New("the service has no message move task")

// TaskMover is the part of SQS that MoveByTask needs.
type TaskMover interface {
	Attributes
	StartMessageMoveTask(ctx context.Context, in *sqs.StartMessageMoveTaskInput, opts ...func(*sqs.Options)) (*sqs.StartMessageMoveTaskOutput, error)
	ListMessageMoveTasks(ctx context.Context, in *sqs.ListMessageMoveTasksInput, opts ...func(*sqs.Options)) (*sqs.ListMessageMoveTasksOutput, error)
	CancelMessageMoveTask(ctx context.Context, in *sqs.CancelMessageMoveTaskInput, opts ...func(*sqs.Options)) (*sqs.CancelMessageMoveTaskOutput, error)
}

const (
	taskPoll = 500 * time.Millisecond
	// taskAppears is how long a task that was started may stay out of the list of tasks.
	taskAppears = 30 * time.Second
)

// moveTries bounds how often MoveAllByTask starts a task that leaves visible messages behind.
const moveTries = 5

// MoveAllByTask moves by task until no visible message is left: a task ends as soon as one receive finds nothing, which a
// queue may answer although it holds messages. Messages that somebody else holds stay.
func MoveAllByTask(ctx context.Context, api TaskMover, from, to string, rate int, progress func(moved, total int64)) (int64, error) {
	var moved int64
	for range moveTries {
		n, err := MoveByTask(ctx, api, from, to, rate, func(n, total int64) { progress(moved+n, moved+total) })
		moved += n
		if err != nil {
			return moved, err
		}
		depth, err := DepthOf(ctx, api, from)
		if err != nil || depth.Visible == 0 {
			return moved, err
		}
		sleep(ctx, taskPoll)
	}
	return moved, nil
}

// MoveByTask moves all messages of one queue to another by SQS's own message move task, and follows it until it ends.
// rate is messages a second, 0 for as many as SQS can. It returns how many were moved; ErrNoMoveTask where the service
// has none. When the context ends the task is cancelled: what was not moved stays where it is.
func MoveByTask(ctx context.Context, api TaskMover, from, to string, rate int, progress func(moved, total int64)) (int64, error) {
	fromARN, err := arn(ctx, api, from)
	if err != nil {
		return 0, err
	}
	toARN, err := arn(ctx, api, to)
	if err != nil {
		return 0, err
	}
	before, err := newestTask(ctx, api, fromARN)
	if err != nil {
		return 0, err
	}
	in := &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(fromARN), DestinationArn: aws.String(toARN)}
	if rate > 0 {
		in.MaxNumberOfMessagesPerSecond = aws.Int32(int32(rate))
	}
	started, err := api.StartMessageMoveTask(ctx, in)
	if err != nil {
		if unknownAction(err) {
			return 0, ErrNoMoveTask
		}
		return 0, fmt.Errorf("start to move messages: %s", plain(err))
	}
	return follow(ctx, api, fromARN, aws.ToString(started.TaskHandle), before.StartedTimestamp, progress)
}

// follow waits for the end of the task that was started after the one at before.
func follow(ctx context.Context, api TaskMover, fromARN, handle string, before int64, progress func(moved, total int64)) (int64, error) {
	calls := context.WithoutCancel(ctx) // the task goes on until it is cancelled, so it is followed until then
	pause := ctx
	var moved int64
	for unseen := time.Duration(0); ; {
		if ctx.Err() != nil && pause == ctx {
			pause = calls
			// When this fails the task has ended meanwhile, most likely; the list tells.
			_, _ = api.CancelMessageMoveTask(calls, &sqs.CancelMessageMoveTaskInput{TaskHandle: aws.String(handle)})
		}
		task, err := newestTask(calls, api, fromARN)
		if err != nil {
			return moved, fmt.Errorf("%w; the move goes on without orderctl", err)
		}
		if task.StartedTimestamp > before {
			moved = task.ApproximateNumberOfMessagesMoved
			if progress != nil {
				progress(moved, aws.ToInt64(task.ApproximateNumberOfMessagesToMove))
			}
			switch aws.ToString(task.Status) {
			case "COMPLETED":
				return moved, nil
			case "CANCELLED":
				return moved, context.Canceled
			case "FAILED":
				return moved, fmt.Errorf("moving messages failed: %s", aws.ToString(task.FailureReason))
			}
		} else if unseen += taskPoll; unseen > taskAppears {
			return moved, errors.New("the move was started, but the service does not list it; it goes on without orderctl")
		}
		sleep(pause, taskPoll)
	}
}

// newestTask is the zero value where the queue never had a task.
func newestTask(ctx context.Context, api TaskMover, fromARN string) (types.ListMessageMoveTasksResultEntry, error) {
	list, err := api.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(fromARN), MaxResults: aws.Int32(1)})
	switch {
	case err != nil && unknownAction(err):
		return types.ListMessageMoveTasksResultEntry{}, ErrNoMoveTask
	case err != nil:
		return types.ListMessageMoveTasksResultEntry{}, fmt.Errorf("follow the move of messages: %s", plain(err))
	case len(list.Results) == 0:
		return types.ListMessageMoveTasksResultEntry{}, nil
	}
	return list.Results[0], nil
}

func arn(ctx context.Context, api Attributes, queueURL string) (string, error) {
	out, err := api.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(queueURL), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return "", fmt.Errorf("ask for the queue's ARN: %s", plain(err))
	}
	return out.Attributes[string(types.QueueAttributeNameQueueArn)], nil
}

// unknownAction says whether the service does not know what it was asked for. LocalStack and other services of the same
// kind use different words.
func unknownAction(err error) bool {
	var unsupported *types.UnsupportedOperation
	if errors.As(err, &unsupported) {
		return true
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "InvalidAction", "UnknownOperationException", "UnknownOperation", "NotImplemented", "UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation":
		return true
	}
	return false
}

// MoveHeld sends held messages to another queue and then deletes them here: a stop in between leaves a message in both
// queues, never in none, and a second delivery of the same order is recognised. It returns the ids of those that are
// gone from here, and how many were sent.
func MoveHeld(ctx context.Context, look *Look, send *Sender, messages []Held) (gone map[string]bool, report Report, err error) {
	gone = map[string]bool{}
	byLabel := make(map[string]Held, len(messages))
	for _, m := range messages {
		byLabel[m.ID] = m
	}
	var deleteErr error
	s := *send
	sent := send.Sent
	s.Sent = func(done []Message) {
		if sent != nil {
			sent(done)
		}
		confirmed := make([]Held, len(done))
		for i, m := range done {
			confirmed[i] = byLabel[m.Label]
		}
		deleted, err := look.Delete(context.WithoutCancel(ctx), confirmed)
		for id := range deleted {
			gone[id] = true
		}
		if err != nil && deleteErr == nil {
			deleteErr = err
		}
	}
	report, err = s.Send(ctx, func(yield func(Message, error) bool) {
		for _, m := range messages {
			if !yield(Message{Body: m.Body, Attributes: m.Attributes, Label: m.ID}, nil) {
				return
			}
		}
	})
	return gone, report, errors.Join(err, deleteErr)
}

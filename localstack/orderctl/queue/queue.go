// Package queue does with an SQS queue what orderctl needs: send many messages fast and reliably,
// look into a queue without removing anything, move and delete messages.
package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"orderpipeline/shared/statsapi/answer"
	"orderpipeline/shared/statsapi/depth"
)

// A Service is the part of SQS that this package calls. *sqs.Client is one.
//
//nolint:interfacebloat // these are the calls of SQS; a test fakes the few that it needs
type Service interface {
	depth.Client
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput,
		...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput,
		...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput,
		...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput,
		...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
	StartMessageMoveTask(context.Context, *sqs.StartMessageMoveTaskInput,
		...func(*sqs.Options)) (*sqs.StartMessageMoveTaskOutput, error)
	ListMessageMoveTasks(context.Context, *sqs.ListMessageMoveTasksInput,
		...func(*sqs.Options)) (*sqs.ListMessageMoveTasksOutput, error)
	CancelMessageMoveTask(context.Context, *sqs.CancelMessageMoveTaskInput,
		...func(*sqs.Options)) (*sqs.CancelMessageMoveTaskOutput, error)
}

// Depth is how many messages a queue holds.
type Depth = answer.Depth

// A Queue is one SQS queue.
type Queue struct {
	Service
	URL string
}

// Name is the queue's name: the last part of its URL.
func (q Queue) Name() string { return q.URL[strings.LastIndexByte(q.URL, '/')+1:] }

// ErrMissing says that there is no such queue.
var ErrMissing = errors.New("the queue does not exist: deploy the stack again")

// Depth returns how many messages the queue holds. An error names the queue.
func (q Queue) Depth(ctx context.Context) (Depth, error) {
	d, err := depth.Of(ctx, q.Service, q.URL)
	if _, missing := errors.AsType[*types.QueueDoesNotExist](err); missing {
		err = ErrMissing
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", q.Name(), err)
	}
	return d, err
}

func (q Queue) arn(ctx context.Context) (string, error) {
	out, err := q.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl:       aws.String(q.URL),
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return "", fmt.Errorf("read the queue's ARN: %s", plain(err))
	}
	return out.Attributes[string(types.QueueAttributeNameQueueArn)], nil
}

// grace is how long calls in flight may take after an interruption, so that their result is known.
const grace = 10 * time.Second

// outlive returns a context that ends d after ctx does: an SQS call that is cancelled may have
// taken effect in the service all the same, unknown to the caller.
func outlive(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return later, func() {
		stop()
		cancel()
	}
}

// Sleep waits, or returns false when the context ends first.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// ErrorCode returns the code of the error that a service answered with, empty for any other error.
func ErrorCode(err error) string {
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		return answer.ErrorCode()
	}
	return ""
}

// plain returns a service's error without request ids, hosts and layers.
func plain(err error) string {
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		return answer.ErrorCode() + ": " + answer.ErrorMessage()
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return "no answer in time"
	}
	return "the queue cannot be reached"
}

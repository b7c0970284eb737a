package queue

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// mover is a service with or without message move tasks.
type mover struct {
	Service
	startErr error
	// what each look at the tasks shows; the last one is repeated
	states []types.ListMessageMoveTasksResultEntry

	left      []string // the visible messages of each answer for the depth
	looks     int
	cancelled bool
}

func (m *mover) GetQueueAttributes(
	_ context.Context,
	in *sqs.GetQueueAttributesInput,
	_ ...func(*sqs.Options),
) (*sqs.GetQueueAttributesOutput, error) {
	attributes := map[string]string{"QueueArn": "arn:" + *in.QueueUrl}
	if in.AttributeNames[0] != types.QueueAttributeNameQueueArn {
		attributes["ApproximateNumberOfMessages"], m.left = m.left[0], m.left[1:]
		attributes["ApproximateNumberOfMessagesNotVisible"] = "3"
		attributes["ApproximateNumberOfMessagesDelayed"] = "0"
	}
	return &sqs.GetQueueAttributesOutput{Attributes: attributes}, nil
}

// deleted is a queue that does not exist.
type deleted struct{ Service }

func (deleted) GetQueueAttributes(
	context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options),
) (*sqs.GetQueueAttributesOutput, error) {
	return nil, &types.QueueDoesNotExist{}
}

func TestADeletedQueueIsNamed(t *testing.T) {
	t.Parallel()
	_, err := Queue{Service: deleted{}, URL: "http://sqs/orders"}.Depth(t.Context())
	const want = "orders: the queue does not exist: deploy the stack again"
	if !errors.Is(err, ErrMissing) || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func (m *mover) StartMessageMoveTask(
	context.Context,
	*sqs.StartMessageMoveTaskInput,
	...func(*sqs.Options),
) (*sqs.StartMessageMoveTaskOutput, error) {
	return &sqs.StartMessageMoveTaskOutput{TaskHandle: aws.String("handle")}, m.startErr
}

func (m *mover) ListMessageMoveTasks(
	context.Context,
	*sqs.ListMessageMoveTasksInput,
	...func(*sqs.Options),
) (*sqs.ListMessageMoveTasksOutput, error) {
	state := m.states[min(m.looks, len(m.states)-1)]
	m.looks++
	if m.cancelled {
		state.Status = aws.String("CANCELLED")
	}
	return &sqs.ListMessageMoveTasksOutput{
		Results: []types.ListMessageMoveTasksResultEntry{state},
	}, nil
}

func (m *mover) CancelMessageMoveTask(
	context.Context,
	*sqs.CancelMessageMoveTaskInput,
	...func(*sqs.Options),
) (*sqs.CancelMessageMoveTaskOutput, error) {
	m.cancelled = true
	return &sqs.CancelMessageMoveTaskOutput{}, nil
}

func task(started int64, status string, moved int64) types.ListMessageMoveTasksResultEntry {
	return types.ListMessageMoveTasksResultEntry{
		StartedTimestamp:                 started,
		Status:                           aws.String(status),
		ApproximateNumberOfMessagesMoved: moved,
		FailureReason:                    aws.String("no room"),
	}
}

// move moves by one task.
func move(ctx context.Context, m *mover) (int64, error) {
	from, to := Queue{Service: m, URL: "from"}, Queue{Service: m, URL: "to"}
	return from.moveByTask(ctx, to, 0, func(int64, int64) {})
}

func TestMoveByTask(t *testing.T) {
	t.Parallel()
	old := task(1, "COMPLETED", 99)
	for _, c := range []struct {
		name    string
		mover   mover
		moved   int64
		wantErr string
	}{
		{
			name:  "an older task is not taken for this one",
			mover: mover{states: []types.ListMessageMoveTasksResultEntry{old, old, task(2, "COMPLETED", 5)}},
			moved: 5,
		},
		{
			name:  "a task that fails",
			mover: mover{states: []types.ListMessageMoveTasksResultEntry{old, task(2, "FAILED", 3)}},
			moved: 3, wantErr: "moving messages failed: no room",
		},
		{
			name:  "someone cancels it",
			mover: mover{states: []types.ListMessageMoveTasksResultEntry{old, task(2, "CANCELLED", 2)}},
			moved: 2, wantErr: "canceled",
		},
		{
			name: "a task runs already",
			mover: mover{
				states:   []types.ListMessageMoveTasksResultEntry{old},
				startErr: &smithy.GenericAPIError{Code: "InvalidParameterValue", Message: "only one"},
			},
			wantErr: "start to move messages: InvalidParameterValue: only one",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			moved, err := move(t.Context(), &c.mover)
			if moved != c.moved {
				t.Errorf("%d moved, want %d", moved, c.moved)
			}
			if text := fmt.Sprint(err); c.wantErr == "" && err != nil ||
				c.wantErr != "" && (err == nil || text[max(0, len(text)-len(c.wantErr)):] != c.wantErr) {
				t.Errorf("error %v, want %q", err, c.wantErr)
			}
		})
	}
}

func TestMoveByTaskWhereTheServiceHasNone(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&types.UnsupportedOperation{},
		&smithy.GenericAPIError{Code: "InvalidAction"},
		&smithy.GenericAPIError{Code: "UnknownOperationException"},
		&smithy.GenericAPIError{Code: "NotImplemented"},
	} {
		m := &mover{startErr: err, states: []types.ListMessageMoveTasksResultEntry{{}}}
		if _, got := move(t.Context(), m); !errors.Is(got, ErrNoMoveTask) {
			t.Errorf("%v becomes %v, want ErrNoMoveTask", err, got)
		}
	}
}

func TestMoveByTaskInterruptedCancelsTheTask(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithTimeout(t.Context(), time.Millisecond)
	defer interrupt()
	m := &mover{states: []types.ListMessageMoveTasksResultEntry{{}, task(2, "RUNNING", 4)}}
	moved, err := move(ctx, m)
	if !m.cancelled || moved != 4 || !errors.Is(err, context.Canceled) {
		t.Errorf(
			"cancelled %v, moved %d, error %v; want true, 4 and context.Canceled", m.cancelled, moved, err,
		)
	}
}

func TestMoveAllByTaskGoesOnWhileMessagesAreVisible(t *testing.T) {
	t.Parallel()
	m := mover{
		states: []types.ListMessageMoveTasksResultEntry{
			task(1, "COMPLETED", 9), task(2, "COMPLETED", 0), // before, and after the first
			task(2, "COMPLETED", 0), task(3, "COMPLETED", 5),
		},
		left: []string{"5", "0"},
	}
	var shown int64
	from, to := Queue{Service: &m, URL: "from"}, Queue{Service: &m, URL: "to"}
	moved, err := from.MoveAll(t.Context(), to, 0, func(moved, _ int64) { shown = moved })
	if err != nil || moved != 5 || shown != 5 || len(m.left) != 0 {
		t.Errorf("%d moved, %d shown, %v; want 5 after two tasks", moved, shown, err)
	}
}

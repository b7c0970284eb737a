package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

// shelf is a queue that hands out its messages in order, with faults that a real one cannot be made
// to have.
type shelf struct {
	Service
	messages   []string
	hidden     int // messages that another look holds
	failDelete func(id string) bool

	mu                sync.Mutex
	deleted, returned []string
}

func (s *shelf) GetQueueAttributes(
	context.Context,
	*sqs.GetQueueAttributesInput,
	...func(*sqs.Options),
) (*sqs.GetQueueAttributesOutput, error) {
	return depthAnswer(len(s.messages), s.hidden), nil
}

// depthAnswer is the answer of a queue with these numbers of messages.
func depthAnswer(visible, inFlight int) *sqs.GetQueueAttributesOutput {
	return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{
		"QueueArn":                              "arn",
		"ApproximateNumberOfMessages":           strconv.Itoa(visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(inFlight),
		"ApproximateNumberOfMessagesDelayed":    "0",
	}}
}

func (s *shelf) ReceiveMessage(
	_ context.Context,
	in *sqs.ReceiveMessageInput,
	_ ...func(*sqs.Options),
) (*sqs.ReceiveMessageOutput, error) {
	out := &sqs.ReceiveMessageOutput{}
	for len(s.messages) > 0 && len(out.Messages) < int(in.MaxNumberOfMessages) {
		id := s.messages[0]
		s.messages = s.messages[1:]
		out.Messages = append(
			out.Messages,
			types.Message{
				MessageId:     aws.String(id),
				Body:          aws.String(id),
				ReceiptHandle: aws.String(id),
				Attributes:    map[string]string{"SentTimestamp": "1000"},
			},
		)
	}
	return out, nil
}

func (s *shelf) ChangeMessageVisibilityBatch(
	_ context.Context,
	in *sqs.ChangeMessageVisibilityBatchInput,
	_ ...func(*sqs.Options),
) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range in.Entries {
		if e.VisibilityTimeout != 0 {
			return nil, fmt.Errorf("visibility %d, want 0", e.VisibilityTimeout)
		}
		s.returned = append(s.returned, *e.ReceiptHandle)
	}
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

func (s *shelf) DeleteMessageBatch(
	_ context.Context,
	in *sqs.DeleteMessageBatchInput,
	_ ...func(*sqs.Options),
) (*sqs.DeleteMessageBatchOutput, error) {
	out := &sqs.DeleteMessageBatchOutput{}
	for _, e := range in.Entries {
		if s.failDelete != nil && s.failDelete(*e.ReceiptHandle) {
			out.Failed = append(
				out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("InternalError")},
			)
			continue
		}
		s.deleted = append(s.deleted, *e.ReceiptHandle)
		out.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: e.Id})
	}
	return out, nil
}

func TestMovingOneByOneDeletesOnlyWhatWasSent(t *testing.T) {
	t.Parallel()
	ours := types.BatchResultErrorEntry{Code: aws.String("InvalidMessageContents"), SenderFault: true}
	for _, c := range []struct {
		name string
		// a message that the other queue refuses, and one that cannot be deleted
		refuse, keep                   string
		wantMoved, wantGone, wantStill []string
	}{
		{name: "all well", wantMoved: numbered(25), wantGone: numbered(25)},
		{
			name: "one is not taken by the other queue", refuse: "m007",
			wantMoved: slices.Delete(numbered(25), 7, 8), wantGone: slices.Delete(numbered(25), 7, 8),
			wantStill: []string{"m007"},
		},
		{
			name: "one cannot be deleted: it is in both queues, not in none", keep: "m003",
			wantMoved: numbered(25), wantGone: slices.Delete(numbered(25), 3, 4),
			wantStill: []string{"m003"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			from := &shelf{messages: numbered(25), failDelete: func(id string) bool { return id == c.keep }}
			to := &faulty{fault: func(_ int, bodies []string) (map[int]types.BatchResultErrorEntry, error) {
				if i := slices.Index(bodies, c.refuse); i >= 0 {
					return map[int]types.BatchResultErrorEntry{i: ours}, nil
				}
				return nil, nil
			}}
			look := &Look{Queue: Queue{Service: from, URL: "q"}}
			if err := look.All(t.Context(), 0, nil); err != nil {
				t.Fatal(err)
			}
			gone, report, err := look.Move(t.Context(), sender(to), look.Held())
			if (err != nil) != (len(c.wantStill) > 0) {
				t.Errorf("error %v", err)
			}
			if report.Sent != int64(len(c.wantMoved)) {
				t.Errorf("%d reported as sent, want %d", report.Sent, len(c.wantMoved))
			}
			if err := look.Close(t.Context(), gone); err != nil {
				t.Error(err)
			}
			slices.Sort(to.accepted)
			slices.Sort(from.deleted)
			slices.Sort(from.returned)
			if diff := cmp.Diff(c.wantMoved, to.accepted); diff != "" {
				t.Errorf("in the other queue (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.wantGone, from.deleted); diff != "" {
				t.Errorf("deleted (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.wantStill, from.returned); diff != "" {
				t.Errorf("released (-want +got):\n%s", diff)
			}
		})
	}
}

func TestALookReleasesEvenAfterAnInterruption(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	from := &shelf{messages: numbered(12)}
	look := &Look{Queue: Queue{Service: from, URL: "q"}}
	if err := look.All(ctx, 0, nil); err != nil {
		t.Fatal(err)
	}
	interrupt()
	if err := look.Close(ctx, map[string]bool{"m000": true}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(from.returned)
	if diff := cmp.Diff(numbered(12)[1:], from.returned); diff != "" {
		t.Errorf("released (-want +got):\n%s", diff)
	}
}

func TestALookEndsAtItsLimit(t *testing.T) {
	t.Parallel()
	look := &Look{Queue: Queue{Service: &shelf{messages: numbered(40)}, URL: "q"}}
	if err := look.All(t.Context(), 13, nil); err != nil {
		t.Fatal(err)
	}
	if got := len(look.Held()); got != 13 {
		t.Errorf("%d held, want 13", got)
	}
}

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

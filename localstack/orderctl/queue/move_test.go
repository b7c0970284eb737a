package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

// shelf is a queue whose messages stand in a row; it faults where a real one cannot be made to.
type shelf struct {
	Receiver
	messages   []string
	failDelete func(id string) bool

	deleted, returned []string
}

func (s *shelf) ReceiveMessage(_ context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	out := &sqs.ReceiveMessageOutput{}
	for len(s.messages) > 0 && len(out.Messages) < int(in.MaxNumberOfMessages) {
		id := s.messages[0]
		s.messages = s.messages[1:]
		out.Messages = append(out.Messages, types.Message{MessageId: aws.String(id), Body: aws.String(id), ReceiptHandle: aws.String(id), Attributes: map[string]string{"SentTimestamp": "1000"}})
	}
	return out, nil
}

func (s *shelf) ChangeMessageVisibilityBatch(_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	for _, e := range in.Entries {
		if e.VisibilityTimeout != 0 {
			return nil, fmt.Errorf("visibility %d, want 0", e.VisibilityTimeout)
		}
		s.returned = append(s.returned, *e.ReceiptHandle)
	}
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

func (s *shelf) DeleteMessageBatch(_ context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	out := &sqs.DeleteMessageBatchOutput{}
	for _, e := range in.Entries {
		if s.failDelete != nil && s.failDelete(*e.ReceiptHandle) {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("InternalError")})
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
		name                           string
		refuse, keep                   string // a message that the other queue refuses, and one that cannot be deleted
		wantMoved, wantGone, wantStill []string
	}{
		{name: "all well", wantMoved: numbered(25), wantGone: numbered(25)},
		{name: "one is not taken by the other queue", refuse: "m007", wantMoved: slices.Delete(numbered(25), 7, 8), wantGone: slices.Delete(numbered(25), 7, 8), wantStill: []string{"m007"}},
		{name: "one cannot be deleted: it is in both queues, not in none", keep: "m003", wantMoved: numbered(25), wantGone: slices.Delete(numbered(25), 3, 4), wantStill: []string{"m003"}},
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
			look := &Look{SQS: from, QueueURL: "q"}
			if err := look.All(t.Context(), 0, nil); err != nil {
				t.Fatal(err)
			}
			gone, report, err := MoveHeld(t.Context(), look, sender(to), look.Held())
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
			if diff := cmp.Diff(c.wantMoved, to.accepted); diff != "" {
				t.Errorf("in the other queue (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.wantGone, from.deleted); diff != "" {
				t.Errorf("deleted (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.wantStill, from.returned); diff != "" {
				t.Errorf("given back (-want +got):\n%s", diff)
			}
		})
	}
}

func TestALookGivesBackEvenAfterAnInterruption(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	from := &shelf{messages: numbered(12)}
	look := &Look{SQS: from, QueueURL: "q"}
	if err := look.All(ctx, 0, nil); err != nil {
		t.Fatal(err)
	}
	interrupt()
	if err := look.Close(ctx, map[string]bool{"m000": true}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(numbered(12)[1:], from.returned); diff != "" {
		t.Errorf("given back (-want +got):\n%s", diff)
	}
}

func TestALookEndsAtItsLimit(t *testing.T) {
	t.Parallel()
	look := &Look{SQS: &shelf{messages: numbered(40)}, QueueURL: "q"}
	if err := look.All(t.Context(), 13, nil); err != nil {
		t.Fatal(err)
	}
	if got := len(look.Held()); got != 13 {
		t.Errorf("%d held, want 13", got)
	}
}

// mover is a service with or without message move tasks.
type mover struct {
	startErr error
	states   []types.ListMessageMoveTasksResultEntry // what each look at the tasks shows; the last one stays

	left      []string // visible messages that each question for the depth is answered with
	looks     int
	cancelled bool
}

func (m *mover) GetQueueAttributes(_ context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	attributes := map[string]string{"QueueArn": "arn:" + *in.QueueUrl}
	if in.AttributeNames[0] != types.QueueAttributeNameQueueArn {
		attributes["ApproximateNumberOfMessages"], m.left = m.left[0], m.left[1:]
		attributes["ApproximateNumberOfMessagesNotVisible"], attributes["ApproximateNumberOfMessagesDelayed"] = "3", "0"
	}
	return &sqs.GetQueueAttributesOutput{Attributes: attributes}, nil
}

func (m *mover) StartMessageMoveTask(context.Context, *sqs.StartMessageMoveTaskInput, ...func(*sqs.Options)) (*sqs.StartMessageMoveTaskOutput, error) {
	return &sqs.StartMessageMoveTaskOutput{TaskHandle: aws.String("handle")}, m.startErr
}

func (m *mover) ListMessageMoveTasks(context.Context, *sqs.ListMessageMoveTasksInput, ...func(*sqs.Options)) (*sqs.ListMessageMoveTasksOutput, error) {
	state := m.states[min(m.looks, len(m.states)-1)]
	m.looks++
	if m.cancelled {
		state.Status = aws.String("CANCELLED")
	}
	return &sqs.ListMessageMoveTasksOutput{Results: []types.ListMessageMoveTasksResultEntry{state}}, nil
}

func (m *mover) CancelMessageMoveTask(context.Context, *sqs.CancelMessageMoveTaskInput, ...func(*sqs.Options)) (*sqs.CancelMessageMoveTaskOutput, error) {
	m.cancelled = true
	return &sqs.CancelMessageMoveTaskOutput{}, nil
}

func task(started int64, status string, moved int64) types.ListMessageMoveTasksResultEntry {
	return types.ListMessageMoveTasksResultEntry{StartedTimestamp: started, Status: aws.String(status), ApproximateNumberOfMessagesMoved: moved, FailureReason: aws.String("no room")}
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
		{name: "an older task is not taken for this one", mover: mover{states: []types.ListMessageMoveTasksResultEntry{old, old, task(2, "COMPLETED", 5)}}, moved: 5},
		{name: "a task that fails", mover: mover{states: []types.ListMessageMoveTasksResultEntry{old, task(2, "FAILED", 3)}}, moved: 3, wantErr: "moving messages failed: no room"},
		{name: "someone cancels it", mover: mover{states: []types.ListMessageMoveTasksResultEntry{old, task(2, "CANCELLED", 2)}}, moved: 2, wantErr: "canceled"},
		{
			name:    "a task runs already",
			mover:   mover{states: []types.ListMessageMoveTasksResultEntry{old}, startErr: &smithy.GenericAPIError{Code: "InvalidParameterValue", Message: "only one"}},
			wantErr: "start to move messages: InvalidParameterValue: only one",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			moved, err := MoveByTask(t.Context(), &c.mover, "from", "to", 0, nil)
			if moved != c.moved {
				t.Errorf("%d moved, want %d", moved, c.moved)
			}
			if text := fmt.Sprint(err); c.wantErr == "" && err != nil || c.wantErr != "" && (err == nil || text[max(0, len(text)-len(c.wantErr)):] != c.wantErr) {
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
		if _, got := MoveByTask(t.Context(), m, "from", "to", 0, nil); !errors.Is(got, ErrNoMoveTask) {
			t.Errorf("%v becomes %v, want ErrNoMoveTask", err, got)
		}
	}
}

func TestMoveByTaskInterruptedCancelsTheTask(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithTimeout(t.Context(), time.Millisecond)
	defer interrupt()
	m := &mover{states: []types.ListMessageMoveTasksResultEntry{{}, task(2, "RUNNING", 4)}}
	moved, err := MoveByTask(ctx, m, "from", "to", 0, nil)
	if !m.cancelled || moved != 4 || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled %v, moved %d, error %v; want true, 4 and context.Canceled", m.cancelled, moved, err)
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
	moved, err := MoveAllByTask(t.Context(), &m, "from", "to", 0, func(moved, _ int64) { shown = moved })
	if err != nil || moved != 5 || shown != 5 || len(m.left) != 0 {
		t.Errorf("%d moved, %d shown, %v; want 5 after two tasks", moved, shown, err)
	}
}

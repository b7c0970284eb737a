package queue

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
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
			report, err := look.Move(t.Context(), sender(to), look.Held())
			if (err != nil) != (len(c.wantStill) > 0) {
				t.Errorf("error %v", err)
			}
			if report.Sent != int64(len(c.wantMoved)) {
				t.Errorf("%d reported as sent, want %d", report.Sent, len(c.wantMoved))
			}
			if err := look.Close(t.Context()); err != nil {
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
	if _, err := look.Delete(ctx, look.Held()[:1], nil); err != nil {
		t.Fatal(err)
	}
	interrupt()
	if err := look.Close(ctx); err != nil {
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

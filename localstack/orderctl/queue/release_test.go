package queue

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// panicking is SQS whose client has a fault.
type panicking struct{ Service }

func (panicking) SendMessageBatch(
	context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options),
) (*sqs.SendMessageBatchOutput, error) {
	panic("a fault of the client")
}

// A panic of a worker would end the process before the caller could release anything.
func TestAPanicWhileSendingReachesTheCaller(t *testing.T) {
	t.Parallel()
	released := false
	func() {
		defer func() { _ = recover() }()
		defer func() { released = true }()
		s := &Sender{Queue: Queue{Service: panicking{}, URL: "q"}, Parallel: 3}
		_, _ = s.Send(t.Context(), named(numbered(50)...))
		t.Error("Send returned")
	}()
	if !released {
		t.Error("the caller's deferred call did not run")
	}
}

// stubborn is a shelf that does not make some messages visible again.
type stubborn struct {
	*shelf
	code string
}

func (s stubborn) ChangeMessageVisibilityBatch(
	_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options),
) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	return &sqs.ChangeMessageVisibilityBatchOutput{Failed: []types.BatchResultErrorEntry{
		{Id: in.Entries[0].Id, Code: aws.String(s.code)},
	}}, nil
}

func TestCloseSaysWhatStaysHidden(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"InternalError":      "3 messages stay hidden for up to 15m0s",
		"MessageNotInflight": "", // its timeout has ended: it is visible
	} {
		look := &Look{Queue: Queue{
			Service: stubborn{&shelf{messages: numbered(25)}, code}, URL: "q",
		}}
		if err := look.All(t.Context(), 0, nil); err != nil {
			t.Fatal(err)
		}
		err := look.Close(t.Context())
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v, want no error", code, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", code, err, want)
		}
	}
}

func TestHidden(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name            string
		visible, hidden int
		limit           int
		want            int64
	}{
		{"nothing", 25, 0, 0, 0},
		{"another look holds some", 25, 7, 0, 7},
		{"a limit leaves visible ones", 25, 0, 10, 0},
		{"a limit, and another look", 25, 7, 10, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			service := &shelf{messages: numbered(c.visible), hidden: c.hidden}
			look := &Look{Queue: Queue{Service: service, URL: "q"}}
			if err := look.All(t.Context(), c.limit, nil); err != nil {
				t.Fatal(err)
			}
			if err := look.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := look.Hidden(); got != c.want {
				t.Errorf("%d hidden, want %d", got, c.want)
			}
		})
	}
}

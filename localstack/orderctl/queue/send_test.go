package queue

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"
)

// faulty is SQS with faults that a real one cannot be asked for. It keeps what it confirmed.
type faulty struct {
	Service
	fault func(call int, bodies []string) (failed map[int]types.BatchResultErrorEntry, err error)

	mu       sync.Mutex
	calls    int
	accepted []string
}

func (f *faulty) SendMessageBatch(
	_ context.Context,
	in *sqs.SendMessageBatchInput,
	_ ...func(*sqs.Options),
) (*sqs.SendMessageBatchOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	var sent []string
	for _, e := range in.Entries {
		sent = append(sent, aws.ToString(e.MessageBody))
	}
	var failed map[int]types.BatchResultErrorEntry
	if f.fault != nil {
		var err error
		if failed, err = f.fault(f.calls, sent); err != nil {
			return nil, err
		}
	}
	out := &sqs.SendMessageBatchOutput{}
	for i, e := range in.Entries {
		if bad, ok := failed[i]; ok {
			if bad.Code == nil { // no answer for this entry
				continue
			}
			bad.Id = e.Id
			out.Failed = append(out.Failed, bad)
			continue
		}
		f.accepted = append(f.accepted, sent[i])
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id})
	}
	return out, nil
}

func named(names ...string) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for _, n := range names {
			if !yield(Message{Body: n, Label: n}, nil) {
				return
			}
		}
	}
}

func numbered(n int) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("m%03d", i))
	}
	return names
}

func sender(f *faulty) *Sender {
	return &Sender{Queue: Queue{Service: f, URL: "q"}, Parallel: 3}
}

func status(code int, err smithy.APIError) error {
	return &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: code}},
		Err:      err,
	}
}

func TestSendTellsWhatBecameOfEveryMessage(t *testing.T) {
	t.Parallel()
	passing := types.BatchResultErrorEntry{
		Code:    aws.String("InternalError"),
		Message: aws.String("again"),
	}
	ours := types.BatchResultErrorEntry{
		Code:        aws.String("InvalidMessageContents"),
		Message:     aws.String("bad"),
		SenderFault: true,
	}
	throttle := types.BatchResultErrorEntry{Code: aws.String("RequestThrottled"), SenderFault: true}
	for _, c := range []struct {
		name     string
		send     []string
		fault    func(call int, bodies []string) (map[int]types.BatchResultErrorEntry, error)
		accepted []string
		report   Report
		wantErr  string
	}{
		{name: "all well", send: numbered(25), accepted: numbered(25), report: Report{Sent: 25}},
		{
			name: "some entries fail once", send: numbered(10),
			fault: func(call int, _ []string) (map[int]types.BatchResultErrorEntry, error) {
				if call == 1 {
					return map[int]types.BatchResultErrorEntry{2: passing, 9: throttle}, nil
				}
				return nil, nil
			},
			accepted: numbered(10), report: Report{Sent: 10, Retried: 2},
		},
		{
			name: "an entry without an answer is not taken for sent", send: numbered(10),
			fault: func(call int, _ []string) (map[int]types.BatchResultErrorEntry, error) {
				if call == 1 {
					return map[int]types.BatchResultErrorEntry{4: {}}, nil
				}
				return nil, nil
			},
			accepted: numbered(10), report: Report{Sent: 10, Retried: 1},
		},
		{
			name: "the service is throttled, then down, then well", send: numbered(10),
			fault: func(call int, _ []string) (map[int]types.BatchResultErrorEntry, error) {
				switch call {
				case 1:
					return nil, status(400, &smithy.GenericAPIError{Code: "RequestThrottled"})
				case 2:
					return nil, status(503, &smithy.GenericAPIError{Code: "Unavailable"})
				case 3:
					return nil, errors.New("connection reset")
				}
				return nil, nil
			},
			accepted: numbered(10), report: Report{Sent: 10, Retried: 30},
		},
		{
			name: "one entry is our fault: it is not sent again", send: numbered(3),
			fault: func(_ int, bodies []string) (map[int]types.BatchResultErrorEntry, error) {
				if i := slices.Index(bodies, "m001"); i >= 0 {
					return map[int]types.BatchResultErrorEntry{i: ours}, nil
				}
				return nil, nil
			},
			accepted: []string{"m000", "m002"},
			report: Report{
				Sent: 2, Failed: 1, Failures: []Failure{{"m001", "InvalidMessageContents: bad"}},
			}, wantErr: "1 failed",
		},
		{
			name: "an entry that never succeeds is given up, and named", send: numbered(2),
			fault: func(_ int, bodies []string) (map[int]types.BatchResultErrorEntry, error) {
				if i := slices.Index(bodies, "m000"); i >= 0 {
					return map[int]types.BatchResultErrorEntry{i: passing}, nil
				}
				return nil, nil
			},
			accepted: []string{"m001"},
			report: Report{
				Sent: 1, Failed: 1, Retried: attempts - 1,
				Failures: []Failure{{"m000", "InternalError: again"}},
			}, wantErr: "1 failed",
		},
		{
			name: "a service that takes smaller batches", send: numbered(10),
			fault: func(_ int, bodies []string) (map[int]types.BatchResultErrorEntry, error) {
				if len(bodies) > 3 {
					return nil, status(400, &types.BatchRequestTooLong{})
				}
				return nil, nil
			},
			accepted: numbered(10), report: Report{Sent: 10},
		},
		{
			name: "a message that spoils its batch is found", send: numbered(8),
			fault: func(_ int, bodies []string) (map[int]types.BatchResultErrorEntry, error) {
				if slices.Contains(bodies, "m005") {
					return nil, status(400, &types.InvalidMessageContents{Message: aws.String("characters")})
				}
				return nil, nil
			},
			accepted: slices.Delete(numbered(8), 5, 6),
			report: Report{
				Sent: 7, Failed: 1, Failures: []Failure{{"m005", "InvalidMessageContents: characters"}},
			}, wantErr: "1 failed",
		},
		{
			name: "what SQS cannot carry is not tried", send: []string{"a", "b\x00", "c"},
			accepted: []string{"a", "c"},
			report: Report{
				Sent: 2, Failed: 1, Failures: []Failure{{"b\x00", "SQS does not carry the character U+0000"}},
			}, wantErr: "1 failed",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := &faulty{fault: c.fault}
			var confirmed []string
			s := sender(f)
			s.Sent = func(done []Message) {
				for _, m := range done {
					confirmed = append(confirmed, m.Label)
				}
			}
			var report Report
			var err error
			synctest.Test(t, func(t *testing.T) { // the pauses between attempts take no time
				report, err = s.Send(t.Context(), named(c.send...))
			})
			slices.Sort(f.accepted)
			slices.Sort(confirmed)
			if diff := cmp.Diff(c.accepted, f.accepted); diff != "" {
				t.Errorf("accepted by SQS (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(f.accepted, confirmed); diff != "" {
				t.Errorf("told as sent (-accepted +told):\n%s", diff)
			}
			if diff := cmp.Diff(c.report, report); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
			if c.wantErr == "" && err != nil ||
				c.wantErr != "" &&
					(!errors.Is(err, ErrNotAllSent) || !strings.Contains(err.Error(), c.wantErr)) {
				t.Errorf("error %v, want %q", err, c.wantErr)
			}
		})
	}
}

func TestSendStopsAtARefusalThatNoRepetitionHeals(t *testing.T) {
	t.Parallel()
	f := &faulty{fault: func(int, []string) (map[int]types.BatchResultErrorEntry, error) {
		return nil, status(400, &types.QueueDoesNotExist{Message: aws.String("no such queue")})
	}}
	taken := 0
	report, err := sender(f).Send(t.Context(), func(yield func(Message, error) bool) {
		for yield(Message{Body: "x"}, nil) { // without an end
			taken++
		}
	})
	if err == nil || !strings.Contains(err.Error(), "no such queue") {
		t.Errorf("error %v, want the service's words", err)
	}
	if report.Sent != 0 || report.Failed == 0 || taken > 1000 {
		t.Errorf("report %+v after %d messages, want none sent and an early end", report, taken)
	}
}

func TestSendInterruptedSendsWhatItTook(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	f := &faulty{}
	taken := int64(0)
	report, err := sender(f).Send(ctx, func(yield func(Message, error) bool) {
		for {
			if taken == 137 {
				interrupt()
			}
			if !yield(Message{Body: "x"}, nil) {
				return
			}
			taken++
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if report.Sent != 137 || len(f.accepted) != 137 {
		t.Errorf("%d reported, %d accepted, want 137", report.Sent, len(f.accepted))
	}
}

func TestSendHandsOnAReadErrorAfterSendingWhatWasRead(t *testing.T) {
	t.Parallel()
	broken := errors.New("line 13 is broken")
	f := &faulty{}
	report, err := sender(f).Send(t.Context(), func(yield func(Message, error) bool) {
		for m := range named(numbered(12)...) {
			if !yield(m, nil) {
				return
			}
		}
		yield(Message{}, broken)
	})
	if !errors.Is(err, broken) || report.Sent != 12 {
		t.Errorf("report %+v, error %v; want 12 sent and the read error", report, err)
	}
}

func TestBackoffGrowsAndIsBounded(t *testing.T) {
	t.Parallel()
	for attempt := 1; attempt < attempts; attempt++ {
		full := min(longestWait, shortestWait<<(attempt-1))
		for range 50 {
			if d := backoff(attempt); d < full/2 || d > full {
				t.Fatalf("backoff(%d) = %v, want %v to %v", attempt, d, full/2, full)
			}
		}
	}
}

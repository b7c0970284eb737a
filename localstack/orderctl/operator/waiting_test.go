package operator

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/backoff"
	"orderpipeline/shared/statsapi/answer"
)

// onAWS is a session whose Lambda does not answer.
func onAWS() *session.Session {
	c := console.New(strings.NewReader(""), &strings.Builder{}, &strings.Builder{},
		func(string) string { return "" })
	nowhere := lambda.New(lambda.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String("http://127.0.0.1:1"), RetryMaxAttempts: 1,
	})
	return &session.Session{
		Env: &session.Env{Console: c}, Target: &session.Target{}, Lambda: nowhere,
	}
}

func TestOrdersInFlightWaitWhenNothingHappens(t *testing.T) {
	t.Parallel()
	type look struct {
		inFlight, recorded int64 // recorded is -1 while the counters are unknown
		waiting            int64
	}
	for _, c := range []struct {
		name  string
		looks []look // one a second
	}{
		{"nothing in flight", []look{{0, 5, 0}, {0, 5, 0}, {0, 5, 0}}},
		{"messages are processed", []look{{900, 0, 0}, {600, 300, 0}, {300, 600, 0}}},
		{
			"the same number is in flight, but others",
			[]look{{1000, 0, 0}, {1000, 700, 0}, {1000, 1400, 0}},
		},
		{"nothing happens", []look{{3000, 0, 0}, {3000, 0, 0}, {3000, 0, 3000}, {3000, 0, 3000}}},
		{"they are retried and recorded", []look{{40, 0, 0}, {40, 0, 0}, {40, 0, 40}, {20, 20, 0}}},
		{"Redis is away", []look{{3000, -1, 3000}, {2000, -1, 2000}}},
		{"Redis is back", []look{{3000, -1, 3000}, {3000, 7, 0}, {3000, 7, 0}, {3000, 7, 3000}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := onAWS()
				var st stillness
				for i, l := range c.looks {
					var counts *answer.Counts
					if l.recorded >= 0 {
						counts = &answer.Counts{Recorded: l.recorded}
					}
					var got int64
					w := st.look(t.Context(), s, queue.Depth{InFlight: l.inFlight}, counts)
					if w != nil {
						got = w.Orders
					}
					if got != l.waiting {
						t.Errorf("look %d: %d wait, want %d", i, got, l.waiting)
					}
					if w != nil && w.Within != backoff.Longest.Seconds() {
						t.Errorf("look %d: within %v s, want the longest delay", i, w.Within)
					}
					time.Sleep(time.Second)
				}
			})
		})
	}
}

func TestUnknownCountsAreShownAsUnknown(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	c := console.New(strings.NewReader(""), &out, &out, func(string) string { return "" })
	m := moment{
		Numbers: session.Numbers{Totals: answer.Totals{Orders: 5, Revenue: 500}},
		Problem: "the API or its Redis does not answer now",
		Queues:  []answer.Queue{{Queue: "orders", Depth: answer.Depth{InFlight: 3000}}},
		Waiting: &waiting{Orders: 3000, Within: 96},
		read:    time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC),
	}
	m.show(c)
	for _, want := range []string{
		"messages     unknown", "orders and revenue as of 12:00:00 UTC",
		"3,000 orders wait for their next attempt, the next comes within 1m36s",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing:\n%s", want, &out)
		}
	}
}

// An erase to the end of a line as wide as the screen erases its last character on a terminal.
func TestAFrameErasesALineBeforeItWritesIt(t *testing.T) {
	t.Parallel()
	got := frame("one\ntwo\nthree\n", 3)
	if want := "\x1b[H\x1b[2Kone\r\n\x1b[2Ktwo\r\n\x1b[J"; got != want {
		t.Errorf("frame %q, want %q", got, want)
	}
	if strings.Contains(got, "\x1b[K") {
		t.Error("it erases to the end of a line")
	}
}

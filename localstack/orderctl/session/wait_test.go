package session

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/shared/statsapi/answer"
)

// A moment is what the queue and the API say at one look.
type moment struct {
	waiting int64
	orders  int64
	down    bool
}

// waiting runs a waiter over moments, one a second; the last one is repeated. It returns how many
// seconds it took.
func waiting(t *testing.T, expected func(answer.Totals) bool, moments ...moment) (int, error) {
	t.Helper()
	var out bytes.Buffer
	c := console.New(strings.NewReader(""), &out, &out, func(string) string { return "" })
	start := time.Now()
	seconds := func() int { return int(time.Since(start) / time.Second) }
	at := func() moment { return moments[min(seconds(), len(moments)-1)] }
	w := &Waiter{
		Console: c,
		Depth: func(context.Context) (queue.Depth, error) {
			if at().down {
				return queue.Depth{}, errors.New("down")
			}
			return queue.Depth{InFlight: at().waiting}, nil
		},
		Numbers: func(context.Context) (Numbers, error) {
			if at().down {
				return Numbers{}, api.ErrUnavailable
			}
			return Numbers{Totals: answer.Totals{Orders: at().orders}}, nil
		},
		Every: time.Second, Settle: 3 * time.Second, Limit: 20 * time.Second,
	}
	if expected != nil {
		w.Settled = func(_ context.Context, n Numbers) bool { return expected(n.Totals) }
	}
	err := w.Run(t.Context())
	return seconds(), err
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	ten := func(t answer.Totals) bool { return t.Orders == 10 }
	for _, c := range []struct {
		name     string
		expected func(answer.Totals) bool
		moments  []moment
		seconds  int
		wantErr  error
	}{
		{name: "empty from the start: settles", moments: []moment{{}}, seconds: 3},
		{
			name: "drains, then settles", moments: []moment{{5, 0, false}, {2, 8, false}, {0, 10, false}},
			seconds: 5,
		},
		{
			name:    "the numbers move after the queue is empty",
			moments: []moment{{0, 5, false}, {0, 7, false}, {0, 7, false}, {0, 9, false}, {0, 10, false}},
			seconds: 7,
		},
		{
			name:    "a message is redelivered",
			moments: []moment{{0, 5, false}, {0, 5, false}, {1, 5, false}, {0, 6, false}}, seconds: 6,
		},
		{
			name: "what is expected needs no settling", expected: ten,
			moments: []moment{{5, 5, false}, {0, 10, false}}, seconds: 1,
		},
		{
			name: "nothing is expected before the queue is empty", expected: ten,
			moments: []moment{{5, 10, false}, {5, 10, false}, {0, 10, false}}, seconds: 2,
		},
		{
			name: "what is expected never comes", expected: ten, moments: []moment{{0, 9, false}},
			seconds: 3,
		},
		{
			name:    "an outage is waited for",
			moments: []moment{{0, 5, false}, {0, 5, false}, {0, 0, true}, {0, 0, true}, {0, 5, false}},
			seconds: 6,
		},
		{
			name: "a message that stays", moments: []moment{{1, 5, false}}, seconds: 20, wantErr: ErrTimeout,
		},
		{
			name: "an outage without an end", moments: []moment{{0, 0, true}}, seconds: 20,
			wantErr: ErrTimeout,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				seconds, err := waiting(t, c.expected, c.moments...)
				if seconds != c.seconds || !errors.Is(err, c.wantErr) {
					t.Errorf("%d s, error %v; want %d s, error %v", seconds, err, c.seconds, c.wantErr)
				}
			})
		})
	}
}

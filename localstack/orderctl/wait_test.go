package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
)

// A moment is what the queue and the API say at one look.
type moment struct {
	waiting int64
	orders  int64
	down    bool
}

// waiting runs a waiter over moments, one a second; the last one stays. It returns how many seconds it took.
func waiting(t *testing.T, expected func(api.Totals) bool, moments ...moment) (int, error) {
	t.Helper()
	var out bytes.Buffer
	now := noon
	c := console.New(strings.NewReader(""), &out, &out, nothing)
	c.Now = func() time.Time { return now }
	at := func() moment { return moments[min(int(now.Sub(noon)/time.Second), len(moments)-1)] }
	w := &waiter{
		con: c,
		depth: func(context.Context) (queue.Depth, error) {
			if at().down {
				return queue.Depth{}, errors.New("down")
			}
			return queue.Depth{InFlight: at().waiting}, nil
		},
		totals: func(context.Context) (api.Totals, error) {
			if at().down {
				return api.Totals{}, api.ErrUnavailable
			}
			return api.Totals{Orders: at().orders}, nil
		},
		every: time.Second, settle: 3 * time.Second, limit: 20 * time.Second,
		sleep: func(_ context.Context, d time.Duration) bool { now = now.Add(d); return true },
	}
	if expected != nil {
		w.expected = func(_ context.Context, t api.Totals) bool { return expected(t) }
	}
	err := w.run(t.Context())
	return int(now.Sub(noon) / time.Second), err
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	ten := func(t api.Totals) bool { return t.Orders == 10 }
	for _, c := range []struct {
		name     string
		expected func(api.Totals) bool
		moments  []moment
		seconds  int
		wantErr  error
	}{
		{name: "empty from the start: settles", moments: []moment{{}}, seconds: 3},
		{name: "drains, then settles", moments: []moment{{5, 0, false}, {2, 8, false}, {0, 10, false}}, seconds: 5},
		{name: "the numbers move after the queue is empty", moments: []moment{{0, 5, false}, {0, 7, false}, {0, 7, false}, {0, 9, false}, {0, 10, false}}, seconds: 7},
		{name: "a message comes back", moments: []moment{{0, 5, false}, {0, 5, false}, {1, 5, false}, {0, 6, false}}, seconds: 6},
		{name: "what is expected needs no settling", expected: ten, moments: []moment{{5, 5, false}, {0, 10, false}}, seconds: 1},
		{name: "nothing is expected before the queue is empty", expected: ten, moments: []moment{{5, 10, false}, {5, 10, false}, {0, 10, false}}, seconds: 2},
		{name: "what is expected never comes", expected: ten, moments: []moment{{0, 9, false}}, seconds: 3},
		{name: "an outage is waited for", moments: []moment{{0, 5, false}, {0, 5, false}, {0, 0, true}, {0, 0, true}, {0, 5, false}}, seconds: 6},
		{name: "a message that stays", moments: []moment{{1, 5, false}}, seconds: 20, wantErr: errTimeout},
		{name: "an outage without an end", moments: []moment{{0, 0, true}}, seconds: 20, wantErr: errTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			seconds, err := waiting(t, c.expected, c.moments...)
			if seconds != c.seconds || !errors.Is(err, c.wantErr) {
				t.Errorf("%d s, error %v; want %d s, error %v", seconds, err, c.seconds, c.wantErr)
			}
		})
	}
}

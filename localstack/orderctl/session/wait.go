package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/shared/statsapi/answer"
)

// A Waiter watches the queue and the API until nothing changes any more.
type Waiter struct {
	Console *console.Console
	Depth   func(context.Context) (queue.Depth, error)
	Numbers func(context.Context) (Numbers, error)
	// Settled says that all is as it must be in the end: then there is nothing to settle. May be nil.
	Settled func(context.Context, Numbers) bool

	Every  time.Duration // between two looks
	Settle time.Duration // how long nothing may change; SQS's numbers lag on AWS
	Limit  time.Duration
}

// Waiter returns a waiter for the orders queue.
func (s *Session) Waiter(limit time.Duration) *Waiter {
	w := &Waiter{
		Console: s.Console, Depth: s.Orders.Depth, Numbers: s.Numbers,
		Every: 2 * time.Second, Settle: time.Minute, Limit: limit,
	}
	if s.Local {
		w.Every, w.Settle = 300*time.Millisecond, 3*time.Second
	}
	return w
}

// A look is what the queue and the API say at one moment.
type look struct {
	depth                queue.Depth
	numbers              Numbers
	errDepth, errNumbers error
}

// drained says that both answer, and that the queue is empty.
func (l look) drained() bool {
	return l.errDepth == nil && l.errNumbers == nil && l.depth.Total() == 0
}

// Run returns when the queue is empty and the numbers have stopped changing. A queue or an API that
// does not answer is waited for: messages are safe in the queue. It returns ErrTimeout when that
// takes longer than the limit.
func (w *Waiter) Run(ctx context.Context) error {
	status := w.Console.Status()
	defer status.Clear()
	start := time.Now()
	quietSince := start
	var last answer.Totals
	known := false
	for {
		var l look
		l.depth, l.errDepth = w.Depth(ctx)
		l.numbers, l.errNumbers = w.Numbers(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}

		now := time.Now()
		if !l.drained() || !known || l.numbers.Totals != last {
			quietSince = now
		}
		if l.errNumbers == nil {
			last, known = l.numbers.Totals, true
		}
		quiet := now.Sub(quietSince) >= w.Settle
		if l.drained() && (quiet || w.Settled != nil && w.Settled(ctx, l.numbers)) {
			return nil
		}
		if now.Sub(start) >= w.Limit {
			return fmt.Errorf("%w after %s: %s; `orderctl status` shows the current state",
				ErrTimeout, console.Ago(now.Sub(start)), l.text())
		}
		status.Set("waiting: " + l.text())
		if !queue.Sleep(ctx, w.Every) {
			return ctx.Err()
		}
	}
}

// DrainFirst waits for messages that are in the queue already: counted later, they would be taken
// for those of the command.
func (w *Waiter) DrainFirst(ctx context.Context) error {
	depth, err := w.Depth(ctx)
	if err != nil || depth.Total() == 0 {
		return err
	}
	w.Console.Hintf("%s messages are in the queue already: waiting for them first\n",
		console.Count(depth.Total()))
	return w.Run(ctx)
}

func (l look) text() string {
	text := fmt.Sprintf("%s in the queue (%s visible, %s in flight, %s delayed)",
		console.Count(l.depth.Total()), console.Count(l.depth.Visible),
		console.Count(l.depth.InFlight), console.Count(l.depth.Delayed))
	if l.errDepth != nil {
		text = "the queue does not answer"
	}
	switch {
	case errors.Is(l.errNumbers, api.ErrUnavailable):
		return text + ", the API or its Redis does not answer now"
	case l.errNumbers != nil:
		return text + ", " + l.errNumbers.Error()
	}
	return text + fmt.Sprintf(", %s orders counted", console.Count(l.numbers.Orders))
}

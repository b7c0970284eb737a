package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
)

// waitFlags are the flags of every command that can wait.
type waitFlags struct {
	wait  bool
	limit time.Duration
}

func (w *waitFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&w.wait, "wait", false, "wait until the queue is drained, then show the numbers")
	cmd.Flags().DurationVar(&w.limit, "wait-timeout", 15*time.Minute, "how long --wait may take")
}

// A waiter watches the queue and the API until nothing moves any more.
type waiter struct {
	con    *console.Console
	depth  func(context.Context) (queue.Depth, error)
	totals func(context.Context) (api.Totals, error)
	// expected says that all is as it must be in the end; then there is nothing to settle. May be nil.
	expected func(context.Context, api.Totals) bool

	every  time.Duration // between two looks
	settle time.Duration // how long nothing may move; SQS's numbers lag on AWS
	limit  time.Duration
	sleep  func(context.Context, time.Duration) bool
}

func (a *app) waiter(ctx context.Context, limit time.Duration) (*waiter, error) {
	t, err := a.target(ctx)
	if err != nil {
		return nil, err
	}
	client, err := a.sqs(ctx)
	if err != nil {
		return nil, err
	}
	url, err := t.OrdersQueue(ctx)
	if err != nil {
		return nil, err
	}
	stats, err := a.api(ctx)
	if err != nil {
		return nil, err
	}
	w := &waiter{
		con:    a.Console,
		depth:  func(ctx context.Context) (queue.Depth, error) { return queue.DepthOf(ctx, client, url) },
		totals: stats.Global,
		every:  2 * time.Second,
		settle: time.Minute,
		limit:  limit,
		sleep:  sleep,
	}
	if t.Local {
		w.every, w.settle = 300*time.Millisecond, 3*time.Second
	}
	return w, nil
}

// run returns when the queue is empty and the numbers have stopped to change. A queue or an API that does not answer is
// waited for: messages are safe in the queue meanwhile. It returns errTimeout when that takes longer than the limit.
func (w *waiter) run(ctx context.Context) error {
	status := w.con.Status()
	defer status.Clear()
	start := w.con.Now()
	quietSince := start
	var last api.Totals
	known := false
	for {
		depth, errDepth := w.depth(ctx)
		totals, errTotals := w.totals(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		now := w.con.Now()
		if errDepth != nil || errTotals != nil || !known || depth.Total() > 0 || totals != last {
			quietSince = now
		}
		if errTotals == nil {
			last, known = totals, true
		}
		if errDepth == nil && errTotals == nil && depth.Total() == 0 {
			if w.expected != nil && w.expected(ctx, totals) {
				return nil
			}
			if now.Sub(quietSince) >= w.settle {
				return nil
			}
		}
		if now.Sub(start) >= w.limit {
			return fmt.Errorf("%w after %s: %s; `orderctl status` shows where it stands",
				errTimeout, console.Ago(now.Sub(start)), waitingFor(depth, errDepth, last, errTotals))
		}
		status.Set("waiting: " + waitingFor(depth, errDepth, last, errTotals))
		if !w.sleep(ctx, w.every) {
			return ctx.Err()
		}
	}
}

// drainFirst waits for messages that are in the queue already: counted later, they would be taken for ours.
func (w *waiter) drainFirst(ctx context.Context) error {
	depth, err := w.depth(ctx)
	if err != nil {
		return err
	}
	if depth.Total() == 0 {
		return nil
	}
	if !w.con.JSON {
		w.con.Notef("%s messages are in the queue already: waiting for them first\n", console.Count(depth.Total()))
	}
	return w.run(ctx)
}

func waitingFor(depth queue.Depth, errDepth error, totals api.Totals, errTotals error) string {
	text := fmt.Sprintf("%s in the queue (%s visible, %s in flight, %s delayed)", console.Count(depth.Total()),
		console.Count(depth.Visible), console.Count(depth.InFlight), console.Count(depth.Delayed))
	if errDepth != nil {
		text = "the queue does not answer"
	}
	switch {
	case errors.Is(errTotals, api.ErrUnavailable):
		return text + ", the API does not answer now"
	case errTotals != nil:
		return text + ", " + errTotals.Error()
	}
	return text + fmt.Sprintf(", %s orders counted", console.Count(totals.Orders))
}

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
)

type redriveFlags struct {
	filter
	rate int
	waitFlags
}

func (a *app) redriveCommand(s store) *cobra.Command {
	var f redriveFlags
	cmd := &cobra.Command{
		Use:   "redrive",
		Short: "Move messages back to the orders queue",
		Long: `Move messages back to the orders queue. All of them are moved by SQS's own message move
task; Ctrl-C cancels it, and what was not moved stays in the dead-letter queue.

With a filter, or where the service has no such task, messages are moved one by one: sent
to the orders queue, then deleted here. A stop in between leaves a message in both
queues, and its order is counted once all the same.`,
		Example: example("orderctl dlq redrive --wait", "orderctl dlq redrive --contains '\"user_id\":\"U42\"' --yes", "orderctl dlq redrive --rate 100"),
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.complete(a.Now()); err != nil {
				return err
			}
			if f.rate < 0 || f.rate > 500 {
				return fmt.Errorf("%w: --rate is from 1 to 500 messages a second, or 0 for as fast as SQS can", errUsage)
			}
			if f.rate > 0 && f.active() {
				return fmt.Errorf("%w: --rate goes without a filter only", errUsage)
			}
			return a.redrive(cmd.Context(), s, f)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	f.filter.add(cmd, s.reasons)
	cmd.Flags().IntVar(&f.rate, "rate", 0, "move at most so many messages a second (default: as fast as SQS can)")
	f.waitFlags.add(cmd)
	return cmd
}

type redriveResult struct {
	How      string          `json:"how"`
	Moved    int64           `json:"moved"`
	Failed   int64           `json:"failed"`
	Failures []queue.Failure `json:"failures,omitempty"`
	Left     int64           `json:"left"` // in the dead-letter queue, approximately
	Numbers  *numbers        `json:"numbers,omitempty"`
}

const (
	byTask   = "message move task"
	oneByOne = "one by one"
)

func (a *app) redrive(ctx context.Context, s store, f redriveFlags) error {
	t, err := a.target(ctx)
	if err != nil {
		return err
	}
	client, err := a.sqs(ctx)
	if err != nil {
		return err
	}
	from, err := s.url(ctx)
	if err != nil {
		return err
	}
	to, err := t.OrdersQueue(ctx)
	if err != nil {
		return err
	}
	depth, err := queue.DepthOf(ctx, client, from)
	if err != nil {
		return err
	}
	which := "the " + console.Count(depth.Total())
	if f.active() {
		which = "the matching ones of " + console.Count(depth.Total())
	}
	if depth.Total() > 0 {
		if err := a.Confirm(fmt.Sprintf("Move %s messages of %s to %s on %s?", which, queue.Name(from), queue.Name(to), t.Name())); err != nil {
			return err
		}
	}
	var w *waiter
	if f.wait {
		if w, err = a.waiter(ctx, f.limit); err != nil {
			return err
		}
	}

	result := redriveResult{How: byTask}
	if f.active() {
		result.How = oneByOne
	} else {
		p := a.Progress("moving", "messages", depth.Total())
		result.Moved, err = queue.MoveAllByTask(ctx, client, from, to, f.rate, func(moved, total int64) { p.Set(moved, max(total, moved)) })
		p.Finish()
		if errors.Is(err, queue.ErrNoMoveTask) {
			result.How = oneByOne
			if !a.JSON {
				a.Notef("%v: moving one by one\n", err)
			}
		}
	}
	if result.How == oneByOne {
		err = a.moveOneByOne(ctx, s, f.filter, to, &result)
	}
	if d, failed := queue.DepthOf(context.WithoutCancel(ctx), client, from); failed == nil {
		result.Left = d.Total()
	}
	if !a.JSON && (err == nil || result.Moved > 0 || errors.Is(err, context.Canceled)) {
		a.Printf("moved %s messages to %s (%s); about %s are left in %s\n", console.Count(result.Moved), queue.Name(to), result.How, console.Count(result.Left), queue.Name(from))
		for _, m := range result.Failures {
			a.Printf("  not moved: %s: %s\n", m.Label, console.Clean(m.Why))
		}
	}
	if err == nil && w != nil {
		if err = w.run(ctx); err == nil {
			result.Numbers, err = a.showEnd(ctx)
		}
	}
	if a.JSON {
		return errors.Join(err, a.Emit(result))
	}
	return err
}

func (a *app) moveOneByOne(ctx context.Context, s store, f filter, to string, result *redriveResult) error {
	client, err := a.sqs(ctx)
	if err != nil {
		return err
	}
	look, _, err := a.look(ctx, s, 0)
	if err != nil {
		return err
	}
	chosen := f.choose(look.Held())
	p := a.Progress("moving", "messages", int64(len(chosen)))
	sender := &queue.Sender{SQS: client, QueueURL: to, Parallel: defaultParallel, Sent: func(m []queue.Message) { p.Add(int64(len(m))) }}
	gone, report, err := queue.MoveHeld(ctx, look, sender, chosen)
	p.Finish()
	result.Moved, result.Failed, result.Failures = report.Sent, report.Failed, report.First
	return errors.Join(err, look.Close(ctx, gone))
}

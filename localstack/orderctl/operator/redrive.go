package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/session"
)

type redriveFlags struct {
	filter
	rate       uint
	untilEmpty bool
}

func redriveCommand(env *session.Env) *cobra.Command {
	var f redriveFlags
	cmd := &cobra.Command{
		Use:   "redrive",
		Short: "Move messages back to the orders queue",
		Long: `Move messages back to the orders queue. All of them are moved by SQS's own message move
task; an interruption cancels it, and what was not moved stays in the dead-letter queue.

With a filter, or where the service has no such task, messages are moved one by one: sent
to the orders queue, then deleted here. A stop in between leaves a message in both
queues, and its order is counted once all the same.

With --wait the exit code is 1 when messages went back to the dead-letter queue: their
cause is not gone. --until-empty moves and waits again until the dead-letter queue is
empty, for at most --wait-timeout.`,
		Example: session.Example("orderctl dlq redrive --wait",
			"orderctl dlq redrive --until-empty --wait-timeout 1h --yes",
			`orderctl dlq redrive --contains '"user_id":"U42"' --yes`,
			"orderctl dlq redrive --rate 100"),
		Args: cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error {
			switch {
			case f.rate > 500:
				return session.Usage(
					"--rate is 1 to 500 messages a second, or 0 for as fast as SQS can")
			case f.rate > 0 && f.active():
				return session.Usage("--rate cannot be combined with a filter")
			case f.untilEmpty && f.active():
				return session.Usage("--until-empty cannot be combined with a filter")
			}
			env.Wait = env.Wait || f.untilEmpty
			return nil
		},
		RunE: env.Run(session.DLQ|session.Orders,
			func(ctx context.Context, s *session.Session, _ []string) error {
				return redrive(ctx, s, f)
			}),
	}
	f.filter.add(cmd, false)
	cmd.Flags().UintVar(&f.rate, "rate", 0,
		"maximum number of messages a second (default: as fast as SQS can)")
	cmd.Flags().BoolVar(&f.untilEmpty, "until-empty", false,
		"move and wait again until the dead-letter queue is empty")
	env.WaitFlags(cmd)
	return cmd
}

type redriveResult struct {
	How      string          `json:"how"`
	Moved    int64           `json:"moved"`
	Failed   int64           `json:"failed"`
	Failures []queue.Failure `json:"failures,omitempty"`
	Left     int64           `json:"left"`               // in the dead-letter queue, approximately
	Returned int64           `json:"returned,omitempty"` // that failed again and went back there
	hidden
	session.Outcome
}

const (
	byTask   = "message move task"
	oneByOne = "one by one"
)

// A redriving is the state of one redrive command.
type redriving struct {
	*session.Session
	flags  redriveFlags
	result redriveResult
}

func redrive(ctx context.Context, s *session.Session, f redriveFlags) error {
	depth, err := s.DLQ.Depth(ctx)
	if err != nil {
		return err
	}
	which := "the " + console.Count(depth.Total())
	if f.active() {
		which = "the matching ones of " + console.Count(depth.Total())
	}
	question := ""
	if depth.Total() > 0 {
		question = fmt.Sprintf("Move %s messages of %s to %s on %s?",
			which, s.DLQ.Name(), s.Orders.Name(), s.Where())
	}
	r := &redriving{Session: s, flags: f}
	err = s.Perform(ctx, session.Plan{
		Question: question,
		Act: func(ctx context.Context) error {
			if f.untilEmpty {
				return r.moveUntilEmpty(ctx)
			}
			return r.move(ctx)
		},
		Show:   r.show,
		Check:  r.check,
		Result: &r.result, Outcome: &r.result.Outcome,
	})
	return errors.Join(err, r.result.report(s))
}

// move moves once, and notes how many messages stay because they are hidden.
func (r *redriving) move(ctx context.Context) (err error) {
	before, err := r.DLQ.Depth(ctx)
	if err != nil {
		return err
	}
	moved := r.result.Moved
	r.result.How = byTask
	if r.flags.active() {
		r.result.How = oneByOne
	} else {
		var n int64
		p := r.Progress("moving", "messages", before.Total())
		n, err = r.DLQ.MoveAll(ctx, r.Orders, int(r.flags.rate), func(moved, total int64) {
			p.Set(moved, max(total, moved))
		})
		p.Finish()
		r.result.Moved += n
		if errors.Is(err, queue.ErrNoMoveTask) {
			r.result.How = oneByOne
			r.Hintf("%v: moving one by one\n", err)
		}
	}
	if r.result.How == oneByOne {
		err = r.moveOneByOne(ctx)
	} else if err == nil {
		r.result.hidden = hiddenMessages(r.Session, before.Total()-(r.result.Moved-moved))
	}
	if d, failed := r.DLQ.Depth(context.WithoutCancel(ctx)); failed == nil {
		r.result.Left = d.Total()
		if d.Total() == 0 {
			r.result.hidden = hidden{}
		}
	}
	return err
}

func (r *redriving) moveOneByOne(ctx context.Context) error {
	return r.Look(ctx, r.DLQ, 0, func(look *queue.Look) error {
		r.result.hidden = hiddenMessages(r.Session, look.Hidden())
		chosen := r.flags.choose(look.Held())
		p := r.Progress("moving", "messages", int64(len(chosen)))
		defer p.Finish()
		sender := &queue.Sender{
			Queue: r.Orders, Parallel: session.DefaultParallel,
			Sent: func(m []queue.Message) { p.Add(int64(len(m))) },
		}
		report, err := look.Move(ctx, sender, chosen)
		r.result.Moved += report.Sent
		r.result.Failed, r.result.Failures = report.Failed, report.Failures
		return err
	})
}

// moveUntilEmpty moves and waits until the dead-letter queue is empty. Messages that fail again are
// moved again; those that another look hides are moved when they are visible.
func (r *redriving) moveUntilEmpty(ctx context.Context) error {
	begun := time.Now()
	for {
		if err := r.move(ctx); err != nil {
			return err
		}
		left := r.WaitLimit - time.Since(begun)
		if err := r.Waiter(left).Run(ctx); err != nil {
			return err
		}
		d, err := r.DLQ.Depth(ctx)
		if err != nil {
			return err
		}
		if r.result.Left = d.Total(); r.result.Left == 0 {
			r.result.hidden = hidden{}
			return nil
		}
		if time.Since(begun) >= r.WaitLimit {
			return fmt.Errorf("%w: %s messages are still in %s", session.ErrTimeout,
				console.Count(r.result.Left), r.DLQ.Name())
		}
		if !queue.Sleep(ctx, time.Second) {
			return ctx.Err()
		}
	}
}

func (r *redriving) show(err error) {
	if err != nil && r.result.Moved == 0 && !errors.Is(err, context.Canceled) {
		return
	}
	r.Printf("moved %s messages to %s (%s); about %s are left in %s\n",
		console.Count(r.result.Moved), r.Orders.Name(), r.result.How,
		console.Count(r.result.Left), r.DLQ.Name())
	for _, m := range r.result.Failures {
		r.Printf("  not moved: %s: %s\n", m.Label, console.Clean(m.Why))
	}
}

// check looks at the dead-letter queue after waiting: messages that were moved may be there again.
func (r *redriving) check(ctx context.Context) error {
	d, err := r.DLQ.Depth(ctx)
	if err != nil {
		return err
	}
	r.result.Returned = max(0, d.Total()-r.result.Left)
	r.result.Left = d.Total()
	if r.result.Returned == 0 {
		return nil
	}
	text := fmt.Sprintf("%s messages went back to %s: their cause is not gone. See `orderctl status`",
		console.Count(r.result.Returned), r.DLQ.Name())
	if !r.JSON {
		r.Println(r.Bad(text))
	}
	return fmt.Errorf("%w: %s", session.ErrCheck, text)
}

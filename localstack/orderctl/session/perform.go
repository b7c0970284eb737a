package session

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
)

// WaitFlags declares --wait and --wait-timeout.
func (e *Env) WaitFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&e.Wait, "wait", false, "wait until the queue is drained, then show the numbers")
	f.DurationVar(&e.WaitLimit, "wait-timeout", 15*time.Minute,
		"the longest time that --wait may take")
}

// A Plan is a command that changes something: it asks, acts, waits, checks and reports, in this
// order. Every part but Act may be absent.
type Plan struct {
	Question string // asked before anything is done; empty asks nothing
	// Before runs after the question, and only with --wait.
	Before func(ctx context.Context) error
	// Act does the work. What Show and Result tell must be right even when it returns an error.
	Act func(ctx context.Context) error
	// Show prints for a person what Act did.
	Show func(err error)
	// Settled says that everything is as it must be in the end, so that waiting can stop early.
	Settled func(ctx context.Context, n Numbers) bool
	// Check runs after waiting.
	Check func(ctx context.Context) error
	// Result is what --json prints, whatever happened after the question.
	Result any
	// Outcome is the part of Result that waiting fills in.
	Outcome *Outcome
}

// An Outcome is what a command knows after waiting. Results embed it.
type Outcome struct {
	Waited  float64  `json:"waited_seconds,omitempty"`
	Numbers *Numbers `json:"numbers,omitempty"`
}

// Perform carries out a plan. Its error is the first thing that went wrong.
func (s *Session) Perform(ctx context.Context, p Plan) error {
	if p.Question != "" {
		if err := s.Confirm(p.Question); err != nil {
			return err
		}
	}
	if s.Wait && p.Before != nil {
		if err := p.Before(ctx); err != nil {
			return err
		}
	}

	err := p.Act(ctx)
	if p.Show != nil && !s.JSON {
		p.Show(err)
	}
	if err == nil && s.Wait {
		err = s.await(ctx, p)
	}
	if s.JSON && p.Result != nil {
		return errors.Join(err, s.Emit(p.Result))
	}
	return err
}

func (s *Session) await(ctx context.Context, p Plan) error {
	begun := time.Now()
	w := s.Waiter(s.WaitLimit)
	w.Settled = p.Settled
	if err := w.Run(ctx); err != nil {
		return err
	}
	waited := time.Since(begun)
	n, err := s.Numbers(ctx)
	if err != nil {
		return err
	}
	if p.Outcome != nil {
		p.Outcome.Waited, p.Outcome.Numbers = Seconds(waited), &n
	}
	if !s.JSON {
		s.Printf("drained after %s\n", console.Ago(waited))
		n.Show(s.Console)
	}
	if p.Check == nil {
		return nil
	}
	return p.Check(ctx)
}

// Seconds is a duration in JSON, in milliseconds' precision.
func Seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

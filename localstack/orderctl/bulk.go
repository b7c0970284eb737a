package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/sample"
	"orderpipeline/shared/order"
)

type bulkFlags struct {
	sample.Options
	start, end string
	again      bool
	dryRun     bool
	parallel   int
	rate       float64
	waitFlags
}

func (a *app) bulkCommand() *cobra.Command {
	var f bulkFlags
	cmd := &cobra.Command{
		Use:     "bulk N",
		GroupID: groupSend,
		Short:   "Send N random orders, and check that they were counted to the cent",
		Long: `Send N random messages. With --wait their sums, added up here while sending, are compared
with what the API shows more than before: orders, revenue, every month, some customers,
duplicates and refusals. The exit code is 1 when they are not equal; another sender at
the same time makes them differ too.

The same --seed with the same other flags makes the same orders with the same ids: sent
once more, not one of them may count. --again expects just that.`,
		Example: example(
			"orderctl bulk 10000 --wait",
			"orderctl bulk 5000 --duplicates 0.05 --broken 0.01 --conflicts 0.01 --mismatches 0.02 --wait",
			"orderctl bulk 1000 --seed 7 --wait && orderctl bulk 1000 --seed 7 --wait --again",
			"orderctl bulk 100000 --users 10000 --dry-run > orders.ndjson",
		),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.complete(args[0], cmd.Flags().Changed("seed")); err != nil {
				return fmt.Errorf("%w: %w", errUsage, err)
			}
			if f.dryRun {
				for m := range f.Messages() {
					a.Printf("%s\n", m.Body)
				}
				return nil
			}
			return a.bulk(cmd.Context(), f)
		},
	}
	cmd.Flags().IntVar(&f.Users, "users", 1000, "number of customers: U1, U2, …")
	cmd.Flags().Uint64Var(&f.Seed, "seed", 0, "makes the same orders again (default: a random one, shown at the end)")
	cmd.Flags().Float64Var(&f.Duplicates, "duplicates", 0, "share of messages that repeat an earlier order, such as 0.05")
	cmd.Flags().Float64Var(&f.Broken, "broken", 0, "share of messages that must be refused")
	cmd.Flags().Float64Var(&f.Conflicts, "conflicts", 0, "share of messages with an earlier order_id and other content")
	cmd.Flags().Float64Var(&f.Mismatches, "mismatches", 0, "share of orders with a wrong order_value")
	cmd.Flags().StringVar(&f.start, "start", "2024-01", "first month of the orders")
	cmd.Flags().StringVar(&f.end, "end", "2024-12", "last month of the orders")
	cmd.Flags().BoolVar(&f.again, "again", false, "the same orders were sent before: expect that none counts")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "print the messages instead of sending them")
	cmd.Flags().IntVar(&f.parallel, "parallel", defaultParallel, "batches of 10 under way at once")
	cmd.Flags().Float64Var(&f.rate, "rate", 0, "send at most so many messages a second (default: as fast as it goes)")
	f.add(cmd)
	return cmd
}

func (f *bulkFlags) complete(count string, seeded bool) error {
	var err error
	if f.Count, err = strconv.Atoi(count); err != nil {
		return fmt.Errorf("%q is not a number of orders", count)
	}
	if f.From, err = order.ParseMonth(f.start); err != nil {
		return fmt.Errorf("--start: %w", err)
	}
	if f.To, err = order.ParseMonth(f.end); err != nil {
		return fmt.Errorf("--end: %w", err)
	}
	if !seeded {
		if f.again {
			return errors.New("--again needs the --seed of the first time")
		}
		f.Seed = uint64(rand.Uint32()) // short enough to be typed again
	}
	if f.parallel < 1 {
		return errors.New("--parallel must be at least 1")
	}
	if f.rate < 0 {
		return errors.New("--rate must not be negative")
	}
	return f.Validate()
}

// bulkResult is what --json shows.
type bulkResult struct {
	delivery
	Seed    uint64     `json:"seed"`
	Sums    sumsResult `json:"expected"`
	Waited  float64    `json:"waited_seconds,omitempty"`
	Numbers *numbers   `json:"numbers,omitempty"`
	Checks  []check    `json:"checks,omitempty"`
	Equal   *bool      `json:"equal,omitempty"`
}

type sumsResult struct {
	Orders     int64                  `json:"orders"`
	Revenue    api.Money              `json:"revenue"`
	Duplicates int64                  `json:"duplicates"`
	Mismatches int64                  `json:"mismatches"`
	Refused    map[order.Reason]int64 `json:"refused"`
}

func (a *app) bulk(ctx context.Context, f bulkFlags) error {
	if err := a.guard(ctx, fmt.Sprintf("%d orders", f.Count), true); err != nil {
		return err
	}
	sums := sample.NewSums(watched(f.Users))
	var w *waiter
	var v *verifier
	if f.wait {
		var err error
		if w, err = a.waiter(ctx, f.limit); err != nil {
			return err
		}
		if err = w.drainFirst(ctx); err != nil {
			return err
		}
		if v, err = a.verifier(ctx, f, sums); err != nil {
			return err
		}
		w.expected = v.reached
	}

	p := a.Progress("sending", "orders", int64(f.Count))
	sent, err := a.deliver(ctx, f.parallel, p, f.messages(ctx, sums, a.Now))
	if sent.Queue == "" {
		return err
	}
	result := bulkResult{delivery: sent, Seed: f.Seed, Sums: sumsResult{
		sums.Orders, api.Money(sums.Revenue), sums.Duplicates, sums.Mismatches, sums.Refused,
	}}
	if !a.JSON {
		a.showDelivery(sent, err)
		a.Printf("expected: %s orders, revenue %s (seed %d)\n", console.Count(sums.Orders), console.Group(sums.Revenue.String()), f.Seed)
	}
	if err == nil && f.wait {
		err = a.bulkWait(ctx, w, v, &result)
	}
	if a.JSON {
		if failed := a.Emit(result); failed != nil {
			return failed
		}
	}
	return err
}

func (a *app) bulkWait(ctx context.Context, w *waiter, v *verifier, result *bulkResult) error {
	start := a.Now()
	if err := w.run(ctx); err != nil {
		return err
	}
	result.Waited = float64(a.Now().Sub(start).Round(time.Millisecond)) / float64(time.Second)
	if !a.JSON {
		a.Printf("drained %.1fs after the last was sent\n", result.Waited)
	}
	n, err := a.showEnd(ctx)
	if err != nil {
		return err
	}
	result.Numbers = n
	after, err := v.read(ctx)
	if err != nil {
		return err
	}
	result.Checks = v.compare(after)
	equal := allEqual(result.Checks)
	result.Equal = &equal
	if !a.JSON {
		a.showChecks(result.Checks, v.landed(after))
	}
	if !equal {
		return fmt.Errorf("%w: the API's numbers are not what was sent", errCheck)
	}
	return nil
}

// messages makes the messages and adds them up. When the user interrupts, what was made until then is still sent, so
// the sums stay those of what was sent.
func (f bulkFlags) messages(ctx context.Context, sums *sample.Sums, now func() time.Time) iter.Seq2[queue.Message, error] {
	return func(yield func(queue.Message, error) bool) {
		start := now()
		n := 0
		for m := range f.Messages() {
			if f.rate > 0 {
				due := start.Add(time.Duration(float64(n) / f.rate * float64(time.Second)))
				if d := due.Sub(now()); d > 0 && !sleep(ctx, d) {
					return
				}
			}
			if ctx.Err() != nil {
				return
			}
			n++
			sums.Add(m)
			if !yield(queue.Message{Body: m.Body, Label: m.ID}, nil) {
				return
			}
		}
	}
}

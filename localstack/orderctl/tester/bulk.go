package tester

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/localstack/orderctl/tester/sample"
	"orderpipeline/shared/order"
)

type bulkFlags struct {
	sample.Options
	again    bool
	dryRun   bool
	parallel session.Positive
	rate     float64
}

func bulkCommand(env *session.Env) *cobra.Command {
	f := bulkFlags{parallel: session.DefaultParallel}
	f.From = order.MonthOf(time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC))
	f.To = f.From + 11
	cmd := &cobra.Command{
		Use:   "bulk N",
		Short: "Send N random orders, and check that they were counted to the cent",
		Long: `Send N random messages. With --wait their sums, added up here while sending, are compared
with the growth of the API's figures: orders, revenue, every month, some customers,
duplicates and refusals. The exit code is 1 when they are not equal; another sender at
the same time makes them differ too.

The same --seed with the same other flags makes the same orders with the same ids: sent
a second time, none of them may count. --again expects just that.`,
		Example: session.Example(
			"orderctl bulk 10000 --wait",
			"orderctl bulk 5000 --duplicates 0.05 --broken 0.01 --conflicts 0.01 --mismatches 0.02 --wait",
			"orderctl bulk 1000 --seed 7 --wait && orderctl bulk 1000 --seed 7 --wait --again",
			"orderctl bulk 100000 --users 10000 --dry-run > orders.ndjson",
		),
		Args: cobra.ExactArgs(1),
		PreRunE: func(cmd *cobra.Command, args []string) error {
			if err := f.complete(args[0], cmd.Flags().Changed("seed")); err != nil {
				return session.Usage("%w", err)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.dryRun {
				for m := range f.Messages() {
					if err := cmd.Context().Err(); err != nil {
						return err
					}
					env.Println(m.Body)
					if err := env.Failed(); err != nil {
						return err
					}
				}
				return nil
			}
			s, err := env.Open(cmd.Context(), session.Orders)
			if err != nil {
				return err
			}
			return bulk(cmd.Context(), s, f)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&f.Users, "users", 1000, "number of customers: U1, U2, …")
	flags.Uint64Var(&f.Seed, "seed", 0,
		"makes the same orders again (default: a random one, shown at the end)")
	flags.Float64Var(&f.Duplicates, "duplicates", 0,
		"share of messages that repeat an earlier order, such as 0.05")
	flags.Float64Var(&f.Broken, "broken", 0, "share of messages that must be refused")
	flags.Float64Var(&f.Conflicts, "conflicts", 0,
		"share of messages with an earlier order_id and other content")
	flags.Float64Var(&f.Mismatches, "mismatches", 0, "share of orders with a wrong order_value")
	session.ParsedFlag(cmd, &f.From, "start", "first `month` of the orders (default 2024-01)",
		order.ParseMonth)
	session.ParsedFlag(cmd, &f.To, "end", "last `month` of the orders (default 2024-12)",
		order.ParseMonth)
	flags.BoolVar(&f.again, "again", false,
		"the same orders were sent before: expect that none counts")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the messages instead of sending them")
	flags.Var(&f.parallel, "parallel", "batches of 10 under way at once")
	flags.Float64Var(&f.rate, "rate", 0,
		"maximum number of messages a second (default: unlimited)")
	env.WaitFlags(cmd)
	return cmd
}

func (f *bulkFlags) complete(count string, seeded bool) error {
	var err error
	if f.Count, err = strconv.Atoi(count); err != nil {
		return fmt.Errorf("%q is not a number of orders", count)
	}
	if !seeded {
		if f.again {
			return errors.New("--again needs the --seed of the first time")
		}
		f.Seed = uint64(rand.Uint32()) // short enough to be typed
	}
	if f.rate < 0 {
		return errors.New("--rate must not be negative")
	}
	return f.Validate()
}

func bulk(ctx context.Context, s *session.Session, f bulkFlags) error {
	v := newVerifier(s, customers(f.Users))
	v.again, v.result.Seed = f.again, &f.Seed
	plan := session.Plan{
		Question: s.SendQuestion(fmt.Sprintf("%d orders", f.Count), true),
		Show: func(err error) {
			v.result.Show(s.Console, err)
			s.Printf("expected: %s orders, revenue %s (seed %d)\n",
				console.Count(v.sums.Orders), console.Number(v.sums.Revenue), f.Seed)
		},
	}
	messages := func(*console.Progress) iter.Seq2[queue.Message, error] { return f.messages(ctx, v) }
	return v.send(ctx, plan, f.parallel, int64(f.Count), messages)
}

// messages makes the messages and adds them up. When the user interrupts, what was made until then
// is still sent, so the sums stay those of what was sent.
func (f bulkFlags) messages(ctx context.Context, v *verifier) iter.Seq2[queue.Message, error] {
	return func(yield func(queue.Message, error) bool) {
		start := time.Now()
		n := 0
		for m := range f.Messages() {
			if f.rate > 0 {
				due := start.Add(time.Duration(float64(n) / f.rate * float64(time.Second)))
				if d := time.Until(due); d > 0 && !queue.Sleep(ctx, d) {
					return
				}
			}
			if ctx.Err() != nil {
				return
			}
			n++
			v.sums.Add(m)
			if !yield(queue.Message{Body: m.Body, Label: m.ID}, nil) {
				return
			}
		}
	}
}

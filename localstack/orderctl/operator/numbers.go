package operator

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/statsapi/answer"
)

func topCommand(env *session.Env) *cobra.Command {
	n := 10
	cmd := &cobra.Command{
		Use:   "top [N]",
		Short: "Show the customers with the highest spend (10, or N up to 1000)",
		Example: session.Example("orderctl top", "orderctl top 3 --json",
			"orderctl top 1000 --csv > top.csv"),
		Args: cobra.MaximumNArgs(1),
		PreRunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			var err error
			if n, err = strconv.Atoi(args[0]); err != nil || n < 1 || n > 1000 {
				return session.Usage("%q is not a number from 1 to 1000", args[0])
			}
			return nil
		},
		RunE: env.Run(session.API, func(ctx context.Context, s *session.Session, _ []string) error {
			top, err := s.API.Top(ctx, n)
			if err != nil {
				return err
			}
			if s.JSON {
				return s.Emit(top)
			}
			if len(top) == 0 && !s.CSV {
				s.Printf("no orders yet\n")
				return nil
			}
			return showTop(s.Console, top)
		}),
	}
	addCSV(env, cmd)
	return cmd
}

func showTop(c *console.Console, top []answer.Spender) error {
	rows := make([][]any, len(top))
	for i, t := range top {
		rows[i] = []any{i + 1, t.UserID, t.Spend}
	}
	out := newFigures(c, numberColumn("rank", "RANK"), textColumn("user_id", "CUSTOMER"),
		numberColumn("total_spend", "SPEND"))
	return out.rows(rows)
}

func userCommand(env *session.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "user ID",
		Short: "Show the orders and the spend of one customer",
		Long: `Show the orders and the spend of one customer. The exit code is 1 for a customer without
orders.`,
		Example: session.Example("orderctl user U1", "orderctl user U1 --json"),
		Args:    session.OneID,
		RunE: env.Run(session.API, func(ctx context.Context, s *session.Session, args []string) error {
			u, err := s.API.User(ctx, args[0])
			if err != nil {
				return err
			}
			return s.Result(u, func(c *console.Console) {
				c.List("customer", console.Clean(u.UserID))
				c.List("orders", console.Count(u.Orders))
				c.List("spend", console.Number(u.Spend))
			})
		}),
	}
}

package operator

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

func topCommand(env *session.Env) *cobra.Command {
	n := 10
	cmd := &cobra.Command{
		Use:               "top [N]",
		GroupID:           session.GroupNumbers,
		Short:             "Show the customers with the highest spend (10, or N up to 1000)",
		Example:           session.Example("orderctl top", "orderctl top 3 --json"),
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
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
			if len(top) == 0 {
				s.Printf("no orders yet\n")
				return nil
			}
			showTop(s.Console, top)
			return nil
		}),
	}
	return cmd
}

func showTop(c *console.Console, top []answer.Spender) {
	rows := make([][]string, len(top))
	for i, t := range top {
		rows[i] = []string{strconv.Itoa(i + 1), t.UserID, console.Group(t.Spend.String())}
	}
	c.Table([]console.Column{
		{Title: "RANK", Right: true}, {Title: "CUSTOMER", Flex: true}, {Title: "SPEND", Right: true},
	}, rows)
}

func userCommand(env *session.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "user ID",
		GroupID: session.GroupNumbers,
		Short:   "Show the orders and the spend of one customer",
		Long: `Show the orders and the spend of one customer. The exit code is 1 for a customer without
orders.`,
		Example:           session.Example("orderctl user U1", "orderctl user U1 --json"),
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: env.Run(session.API, func(ctx context.Context, s *session.Session, args []string) error {
			u, err := s.API.User(ctx, args[0])
			if err != nil {
				return err
			}
			if s.JSON {
				return s.Emit(u)
			}
			s.List("customer", console.Clean(u.UserID))
			s.List("orders", console.Count(u.Orders))
			s.List("spend", console.Group(u.Spend.String()))
			return nil
		}),
	}
}

func monthsCommand(env *session.Env) *cobra.Command {
	var start, end string
	cmd := &cobra.Command{
		Use:               "months",
		GroupID:           session.GroupNumbers,
		Short:             "Show orders and revenue of each month",
		Long:              "Show orders and revenue of each month in UTC. Months without orders are left out.",
		Example:           session.Example("orderctl months", "orderctl months --start 2023-06 --end 2025-06"),
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		PreRunE: func(*cobra.Command, []string) error {
			for flag, month := range map[string]string{"--start": start, "--end": end} {
				if month == "" {
					continue
				}
				if _, err := order.ParseMonth(month); err != nil {
					return session.Usage("%s: %w", flag, err)
				}
			}
			return nil
		},
		RunE: env.Run(session.API, func(ctx context.Context, s *session.Session, _ []string) error {
			months, err := s.API.Months(ctx, start, end)
			if err != nil {
				return err
			}
			rows := make([]period, len(months))
			for i, m := range months {
				rows[i] = period{Month: m.Month.String(), Period: m.Period}
			}
			return showPeriods(s, "MONTH", rows)
		}),
	}
	cmd.Flags().StringVar(&start, "start", "", "first month, YYYY-MM (default 2024-01)")
	cmd.Flags().StringVar(&end, "end", "", "last month, YYYY-MM (default 2024-12)")
	return cmd
}

// A period is one row of months or days in JSON.
type period struct {
	Month string `json:"month,omitempty"`
	Day   string `json:"day,omitempty"`
	answer.Period
}

func showPeriods(s *session.Session, title string, periods []period) error {
	if s.JSON {
		return s.Emit(periods)
	}
	if len(periods) == 0 {
		s.Printf("no orders in this range\n")
		return nil
	}
	var total answer.Period
	rows := make([][]string, 0, len(periods)+1)
	for _, p := range periods {
		total.Orders += p.Orders
		total.Revenue += p.Revenue
		rows = append(rows, []string{
			p.Month + p.Day, console.Count(p.Orders), console.Group(p.Revenue.String()),
		})
	}
	if len(periods) > 1 {
		rows = append(rows, []string{
			"total", console.Count(total.Orders), console.Group(total.Revenue.String()),
		})
	}
	s.Table([]console.Column{
		{Title: title}, {Title: "ORDERS", Right: true}, {Title: "REVENUE", Right: true},
	}, rows)
	return nil
}

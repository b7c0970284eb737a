package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/shared/order"
)

func (a *app) topCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "top [N]",
		GroupID:           groupNumbers,
		Short:             "Show the customers with the highest spend (10, or N up to 1000)",
		Example:           example("orderctl top", "orderctl top 3 --json"),
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			n := 10
			if len(args) == 1 {
				var err error
				if n, err = strconv.Atoi(args[0]); err != nil || n < 1 || n > 1000 {
					return fmt.Errorf("%w: %q is not a number from 1 to 1000", errUsage, args[0])
				}
			}
			client, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			top, err := client.Top(cmd.Context(), n)
			if err != nil {
				return err
			}
			if a.JSON {
				return a.Emit(top)
			}
			if len(top) == 0 {
				a.Printf("no orders yet\n")
				return nil
			}
			showTop(a.Console, top)
			return nil
		},
	}
}

func showTop(c *console.Console, top []api.Spender) {
	rows := make([][]string, len(top))
	for i, s := range top {
		rows[i] = []string{strconv.Itoa(i + 1), s.UserID, console.Group(s.Spend.String())}
	}
	c.Table([]console.Column{{Title: "RANK", Right: true}, {Title: "CUSTOMER", Flex: true}, {Title: "SPEND", Right: true}}, rows)
}

func (a *app) userCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "user ID",
		GroupID:           groupNumbers,
		Short:             "Show the orders and the spend of one customer",
		Long:              "Show the orders and the spend of one customer. The exit code is 1 for a customer without orders.",
		Example:           example("orderctl user U1", "orderctl user U1 --json"),
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			u, err := client.User(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if a.JSON {
				return a.Emit(u)
			}
			a.List("customer", console.Clean(u.UserID))
			a.List("orders", console.Count(u.Orders))
			a.List("spend", console.Group(u.Spend.String()))
			return nil
		},
	}
}

func (a *app) monthsCommand() *cobra.Command {
	var start, end string
	cmd := &cobra.Command{
		Use:               "months",
		GroupID:           groupNumbers,
		Short:             "Show orders and revenue of each month",
		Long:              "Show orders and revenue of each month in UTC. Months without orders are left out.",
		Example:           example("orderctl months", "orderctl months --start 2023-06 --end 2025-06"),
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for flag, month := range map[string]string{"--start": start, "--end": end} {
				if month == "" {
					continue
				}
				if _, err := order.ParseMonth(month); err != nil {
					return fmt.Errorf("%w: %s: %w", errUsage, flag, err)
				}
			}
			client, err := a.api(cmd.Context())
			if err != nil {
				return err
			}
			months, err := client.Months(cmd.Context(), start, end)
			if err != nil {
				return err
			}
			if a.JSON {
				return a.Emit(months)
			}
			if len(months) == 0 {
				a.Printf("no orders in these months\n")
				return nil
			}
			showMonths(a.Console, months)
			return nil
		},
	}
	cmd.Flags().StringVar(&start, "start", "", "first month, YYYY-MM (default 2024-01)")
	cmd.Flags().StringVar(&end, "end", "", "last month, YYYY-MM (default 2024-12)")
	return cmd
}

func showMonths(c *console.Console, months []api.Month) {
	var total api.Month
	rows := make([][]string, 0, len(months)+1)
	for _, m := range months {
		total.Orders += m.Orders
		total.Revenue += m.Revenue
		rows = append(rows, []string{m.Month, console.Count(m.Orders), console.Group(m.Revenue.String())})
	}
	if len(months) > 1 {
		rows = append(rows, []string{"together", console.Count(total.Orders), console.Group(total.Revenue.String())})
	}
	c.Table([]console.Column{{Title: "MONTH"}, {Title: "ORDERS", Right: true}, {Title: "REVENUE", Right: true}}, rows)
}

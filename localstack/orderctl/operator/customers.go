package operator

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/statsapi/answer"
)

func customersCommand(env *session.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "customers",
		Short: "Show the orders and the spend of every customer",
		Long: `Show the orders and the spend of every customer, in no particular order. They are written
page by page, so that any number of them needs little memory. While nothing changes each
customer is written exactly once; with --json the result is one array.`,
		Example: session.Example("orderctl customers --csv > customers.csv",
			"orderctl customers --json | jq '.[] | select(.order_count > 10)'"),
		Args: cobra.NoArgs,
		RunE: env.Run(session.API, func(ctx context.Context, s *session.Session, _ []string) error {
			if s.JSON {
				return customersJSON(ctx, s)
			}
			return customers(ctx, s)
		}),
	}
	addCSV(env, cmd)
	return cmd
}

// eachPage calls write with every page of customers, and shows how many there were so far.
func eachPage(ctx context.Context, s *session.Session, write func([]answer.User) error) error {
	status := s.Status()
	defer status.Clear()
	n := 0
	for users, err := range s.API.Customers(ctx) {
		if err == nil {
			err = write(users)
		}
		if err != nil {
			return err
		}
		if n += len(users); !s.Terminal() {
			status.Set(console.Count(n) + " customers")
		}
	}
	return nil
}

func customers(ctx context.Context, s *session.Session) error {
	out := newFigures(s.Console, textColumn("user_id", "CUSTOMER"),
		numberColumn("order_count", "ORDERS"), numberColumn("total_spend", "SPEND"))
	return eachPage(ctx, s, func(users []answer.User) error {
		rows := make([][]any, len(users))
		for i, u := range users {
			rows[i] = []any{u.UserID, u.Orders, u.Spend}
		}
		return out.rows(rows)
	})
}

// customersJSON writes one array without holding it.
func customersJSON(ctx context.Context, s *session.Session) error {
	out := bufio.NewWriterSize(s.Out, 1<<16)
	before := "[\n  "
	err := eachPage(ctx, s, func(users []answer.User) error {
		for _, u := range users {
			line, err := json.Marshal(u)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "%s%s", before, line)
			before = ",\n  "
		}
		return s.Failed()
	})
	if err != nil {
		return err
	}
	if before == "[\n  " {
		fmt.Fprint(out, "[")
	}
	fmt.Fprint(out, "\n]\n")
	return out.Flush()
}

package operator

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/statsapi/answer"
)

// csvFlag is --csv.
type csvFlag bool

func (f *csvFlag) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar((*bool)(f), "csv", false,
		"write CSV; a cell that a spreadsheet would run as a formula begins with '")
}

// check refuses --csv with --json, which is not a flag of the same command.
func (f csvFlag) check(env *session.Env) error {
	if bool(f) && env.JSON {
		return session.Usage("--csv cannot be combined with --json")
	}
	return nil
}

// pageSize is the largest page of customers that the API returns.
const pageSize = 1000

func customersCommand(env *session.Env) *cobra.Command {
	var csv csvFlag
	cmd := &cobra.Command{
		Use:     "customers",
		GroupID: session.GroupNumbers,
		Short:   "Show the orders and the spend of every customer",
		Long: `Show the orders and the spend of every customer, in no particular order. They are written
page by page, so that any number of them needs little memory. While nothing changes each
customer is written exactly once; with --json the result is one array.`,
		Example: session.Example("orderctl customers --csv > customers.csv",
			"orderctl customers --json | jq '.[] | select(.order_count > 10)'"),
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		PreRunE:           func(*cobra.Command, []string) error { return csv.check(env) },
		RunE: env.Run(session.API, func(ctx context.Context, s *session.Session, _ []string) error {
			switch {
			case s.JSON:
				return customersJSON(ctx, s)
			case bool(csv):
				return customersCSV(ctx, s)
			}
			return customersTable(ctx, s)
		}),
	}
	csv.add(cmd)
	return cmd
}

// eachPage calls write with every page of customers, and shows how many there were so far.
func eachPage(
	ctx context.Context, s *session.Session, write func([]answer.User) error,
) error {
	status := s.Status()
	defer status.Clear()
	n, cursor := int64(0), ""
	for {
		page, err := s.API.Customers(ctx, cursor, pageSize)
		if err != nil {
			return err
		}
		if err := write(page.Users); err != nil {
			return err
		}
		if n += int64(len(page.Users)); !s.Terminal() {
			status.Set(console.Count(n) + " customers")
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}

func customersTable(ctx context.Context, s *session.Session) error {
	var rows [][]string
	columns := []console.Column{
		{Title: "CUSTOMER", Flex: true}, {Title: "ORDERS", Right: true}, {Title: "SPEND", Right: true},
	}
	table := s.Stream(columns)
	return eachPage(ctx, s, func(users []answer.User) error {
		rows = rows[:0]
		for _, u := range users {
			rows = append(rows,
				[]string{u.UserID, console.Count(u.Orders), console.Group(u.Spend.String())})
		}
		table.Rows(rows)
		return s.Failed()
	})
}

func customersCSV(ctx context.Context, s *session.Session) error {
	w := s.CSV("user_id", "order_count", "total_spend")
	err := eachPage(ctx, s, func(users []answer.User) error {
		for _, u := range users {
			w.Row(console.Disarm(u.UserID), strconv.FormatInt(u.Orders, 10), u.Spend.String())
		}
		return s.Failed()
	})
	if err != nil {
		return err
	}
	return w.Flush()
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

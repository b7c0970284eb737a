package operator

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

func monthsCommand(env *session.Env) *cobra.Command {
	var f periodFlags
	cmd := &cobra.Command{
		Use:     "months",
		GroupID: session.GroupNumbers,
		Short:   "Show orders and revenue of each month",
		Long: `Show orders and revenue of each month that has orders, all months where no range is given.
Months are those of the deployment's time zone.`,
		Example: session.Example("orderctl months", "orderctl months --start 2023-06 --end 2025-06",
			"orderctl months --csv > months.csv"),
		Args: cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error {
			return f.complete(env, func(text string) (int, error) {
				m, err := order.ParseMonth(text)
				return int(m), err
			})
		},
		RunE: env.Run(session.API, func(ctx context.Context, s *session.Session, _ []string) error {
			months, zone, err := f.months(ctx, s)
			if err != nil {
				return err
			}
			rows := make([]period, len(months))
			for i, m := range months {
				rows[i] = period{Month: m.Month.String(), Period: m.Period}
			}
			return f.show(s, "month", zone, rows)
		}),
	}
	f.add(cmd, "month, YYYY-MM")
	return cmd
}

func daysCommand(env *session.Env) *cobra.Command {
	var f periodFlags
	cmd := &cobra.Command{
		Use:     "days",
		GroupID: session.GroupNumbers,
		Short:   "Show orders and revenue of each day",
		Long: `Show orders and revenue of each day that has orders, all days where no range is given.
Days are those of the deployment's time zone.`,
		Example: session.Example("orderctl days --start 2024-12-01",
			"orderctl days --start 2024-12-01 --end 2024-12-31 --csv > december.csv"),
		Args: cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error {
			return f.complete(env, func(text string) (int, error) {
				d, err := order.ParseDay(text)
				return int(d), err
			})
		},
		RunE: env.Run(session.API, func(ctx context.Context, s *session.Session, _ []string) error {
			first, last := order.Day(f.first), order.Day(f.last)
			f.first, f.last = int(first.Month()), int(last.Month())
			months, zone, err := f.months(ctx, s)
			if err != nil {
				return err
			}
			names := make([]order.Month, len(months))
			for i, m := range months {
				names[i] = m.Month
			}
			days, err := s.API.Days(ctx, names, first, last)
			if err != nil {
				return err
			}
			rows := make([]period, len(days))
			for i, d := range days {
				rows[i] = period{Day: d.Day.String(), Period: d.Period}
			}
			return f.show(s, "day", zone, rows)
		}),
	}
	f.add(cmd, "day, YYYY-MM-DD")
	return cmd
}

// periodFlags are the flags of months and days.
type periodFlags struct {
	start, end string
	csv        csvFlag

	first, last int // of the range as numbers; without a flag there is no limit
}

func (f *periodFlags) add(cmd *cobra.Command, what string) {
	cmd.Flags().StringVar(&f.start, "start", "", "first "+what+" (default: the first that has orders)")
	cmd.Flags().StringVar(&f.end, "end", "", "last "+what+" (default: the last that has orders)")
	f.csv.add(cmd)
}

func (f *periodFlags) complete(env *session.Env, parse func(string) (int, error)) error {
	if err := f.csv.check(env); err != nil {
		return err
	}
	f.last = 1 << 30
	for _, flag := range []struct {
		name, text string
		number     *int
	}{{"--start", f.start, &f.first}, {"--end", f.end, &f.last}} {
		if flag.text == "" {
			continue
		}
		n, err := parse(flag.text)
		if err != nil {
			return session.Usage("%s: %w", flag.name, err)
		}
		*flag.number = n
	}
	if f.first > f.last {
		return session.Usage("--start is after --end")
	}
	return nil
}

// months returns the months of the range that have orders, and the time zone of months and days.
func (f *periodFlags) months(
	ctx context.Context, s *session.Session,
) (answer.Months, string, error) {
	o, err := s.API.Overview(ctx)
	switch {
	case err != nil:
		return nil, "", err
	case o.Figures == nil:
		return nil, "", fmt.Errorf("%w: Redis does not answer", api.ErrUnavailable)
	}
	months := slices.DeleteFunc(o.Figures.Months, func(m answer.Month) bool {
		return int(m.Month) < f.first || int(m.Month) > f.last
	})
	return months, o.TimeZone, nil
}

// A period is one row of months or days in JSON.
type period struct {
	Month string `json:"month,omitempty"`
	Day   string `json:"day,omitempty"`
	answer.Period
}

func (f *periodFlags) show(s *session.Session, title, zone string, periods []period) error {
	if s.JSON {
		return s.Emit(append([]period{}, periods...))
	}
	if len(periods) == 0 && !bool(f.csv) {
		s.Printf("no orders in this range\n")
		return nil
	}
	var total answer.Period
	rows := make([][]any, 0, len(periods)+1)
	for _, p := range periods {
		total.Orders += p.Orders
		total.Revenue += p.Revenue
		rows = append(rows, []any{p.Month + p.Day, p.Orders, p.Revenue})
	}
	if len(periods) > 1 && !bool(f.csv) {
		rows = append(rows, []any{"total", total.Orders, total.Revenue})
	}
	out := f.csv.begin(s.Console, textColumn(title, strings.ToUpper(title)+" ("+zone+")"),
		numberColumn("orders", "ORDERS"), numberColumn("revenue", "REVENUE"))
	return out.rows(rows)
}

package operator

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

func monthsCommand(env *session.Env) *cobra.Command {
	return periodsCommand(env, "month", "YYYY-MM", order.ParseMonth, readMonths,
		"orderctl months", "orderctl months --start 2023-06 --end 2025-06",
		"orderctl months --csv > months.csv")
}

func daysCommand(env *session.Env) *cobra.Command {
	return periodsCommand(env, "day", "YYYY-MM-DD", order.ParseDay, readDays,
		"orderctl days --start 2024-12-01",
		"orderctl days --start 2024-12-01 --end 2024-12-31 --csv > december.csv")
}

// periodsCommand makes a command that shows the periods from --start to --end. read returns them,
// and the time zone.
func periodsCommand[T order.Day | order.Month](
	env *session.Env, unit, format string, parse func(string) (T, error),
	read func(ctx context.Context, s *session.Session, first, last T) ([]period, string, error),
	examples ...string,
) *cobra.Command {
	first, last := T(0), T(1<<30) // no limit
	cmd := &cobra.Command{
		Use:   unit + "s",
		Short: "Show orders and revenue of each " + unit,
		Long: fmt.Sprintf("Show orders and revenue of each %s that has orders, "+
			"all %[1]ss where no range is given.\n"+
			"A %[1]s is one of the deployment's time zone.", unit),
		Example: session.Example(examples...),
		Args:    cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error {
			if first > last {
				return session.Usage("--start is after --end")
			}
			return nil
		},
		RunE: env.Run(session.API, func(ctx context.Context, s *session.Session, _ []string) error {
			rows, zone, err := read(ctx, s, first, last)
			if err != nil {
				return err
			}
			return showPeriods(s, unit, zone, rows)
		}),
	}
	usage := fmt.Sprintf(" `%s`, %s (default: the ", unit, format)
	session.ParsedFlag(cmd, &first, "start", "first"+usage+"first that has orders)", parse)
	session.ParsedFlag(cmd, &last, "end", "last"+usage+"last that has orders)", parse)
	addCSV(env, cmd)
	return cmd
}

// A period is one row of months or days in JSON.
type period struct {
	Month string `json:"month,omitempty"`
	Day   string `json:"day,omitempty"`
	answer.Period
}

// existing returns the months from first to last that have orders, and the time zone.
func existing(
	ctx context.Context, s *session.Session, first, last order.Month,
) (answer.Months, string, error) {
	o, err := s.API.Figures(ctx)
	if err != nil {
		return nil, "", err
	}
	outside := func(m answer.Dated[order.Month]) bool { return m.Date < first || m.Date > last }
	return slices.DeleteFunc(o.Figures.Months, outside), o.TimeZone, nil
}

func readMonths(
	ctx context.Context, s *session.Session, first, last order.Month,
) (rows []period, zone string, err error) {
	months, zone, err := existing(ctx, s, first, last)
	for _, m := range months {
		rows = append(rows, period{Month: m.Date.String(), Period: m.Period})
	}
	return rows, zone, err
}

func readDays(
	ctx context.Context, s *session.Session, first, last order.Day,
) (rows []period, zone string, err error) {
	months, zone, err := existing(ctx, s, first.Month(), last.Month())
	if err != nil {
		return nil, "", err
	}
	var names []order.Month
	for _, m := range months {
		names = append(names, m.Date)
	}
	days, err := s.API.Days(ctx, names, first, last)
	for _, d := range days {
		rows = append(rows, period{Day: d.Date.String(), Period: d.Period})
	}
	return rows, zone, err
}

func showPeriods(s *session.Session, title, zone string, periods []period) error {
	if s.JSON {
		return s.Emit(append([]period{}, periods...))
	}
	if len(periods) == 0 && !s.CSV {
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
	if len(periods) > 1 && !s.CSV {
		rows = append(rows, []any{"total", total.Orders, total.Revenue})
	}
	out := newFigures(s.Console, textColumn(title, strings.ToUpper(title)+" ("+zone+")"),
		numberColumn("orders", "ORDERS"), numberColumn("revenue", "REVENUE"))
	return out.rows(rows)
}

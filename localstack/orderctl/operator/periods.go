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
	parse := func(text string) (int, error) {
		m, err := order.ParseMonth(text)
		return int(m), err
	}
	return periodsCommand(env, "month", "YYYY-MM", parse, span.months,
		"orderctl months", "orderctl months --start 2023-06 --end 2025-06",
		"orderctl months --csv > months.csv")
}

func daysCommand(env *session.Env) *cobra.Command {
	parse := func(text string) (int, error) {
		d, err := order.ParseDay(text)
		return int(d), err
	}
	return periodsCommand(env, "day", "YYYY-MM-DD", parse, span.days,
		"orderctl days --start 2024-12-01",
		"orderctl days --start 2024-12-01 --end 2024-12-31 --csv > december.csv")
}

// A span is the range of --start and --end, in months or days.
type span struct{ first, last int }

func periodsCommand(
	env *session.Env, unit, format string, parse func(string) (int, error),
	read func(span, context.Context, *session.Session) ([]period, string, error),
	examples ...string,
) *cobra.Command {
	r := span{last: 1 << 30} // no limit
	cmd := &cobra.Command{
		Use:   unit + "s",
		Short: "Show orders and revenue of each " + unit,
		Long: fmt.Sprintf("Show orders and revenue of each %s that has orders, "+
			"all %[1]ss where no range is given.\n"+
			"A %[1]s is one of the deployment's time zone.", unit),
		Example: session.Example(examples...),
		Args:    cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error {
			if r.first > r.last {
				return session.Usage("--start is after --end")
			}
			return nil
		},
		RunE: env.Run(session.API, func(ctx context.Context, s *session.Session, _ []string) error {
			rows, zone, err := read(r, ctx, s)
			if err != nil {
				return err
			}
			return showPeriods(s, unit, zone, rows)
		}),
	}
	flag := func(name, which string, number *int) {
		usage := fmt.Sprintf("%s `%s`, %s (default: the %[1]s that has orders)", which, unit, format)
		cmd.Flags().Func(name, usage, func(text string) (err error) {
			*number, err = parse(text)
			return err
		})
	}
	flag("start", "first", &r.first)
	flag("end", "last", &r.last)
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
	o, err := s.API.Overview(ctx)
	switch {
	case err != nil:
		return nil, "", err
	case o.Figures == nil:
		return nil, "", fmt.Errorf("%w: Redis does not answer", api.ErrUnavailable)
	}
	outside := func(m answer.Month) bool { return m.Month < first || m.Month > last }
	return slices.DeleteFunc(o.Figures.Months, outside), o.TimeZone, nil
}

func (r span) months(
	ctx context.Context, s *session.Session,
) (rows []period, zone string, err error) {
	months, zone, err := existing(ctx, s, order.Month(r.first), order.Month(r.last))
	for _, m := range months {
		rows = append(rows, period{Month: m.Month.String(), Period: m.Period})
	}
	return rows, zone, err
}

func (r span) days(
	ctx context.Context, s *session.Session,
) (rows []period, zone string, err error) {
	first, last := order.Day(r.first), order.Day(r.last)
	months, zone, err := existing(ctx, s, first.Month(), last.Month())
	if err != nil {
		return nil, "", err
	}
	var names []order.Month
	for _, m := range months {
		names = append(names, m.Month)
	}
	days, err := s.API.Days(ctx, names, first, last)
	for _, d := range days {
		rows = append(rows, period{Day: d.Day.String(), Period: d.Period})
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

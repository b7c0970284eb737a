package operator

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

// mostDays is the longest range of one request to the API.
const mostDays = 400

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
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
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
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		PreRunE: func(*cobra.Command, []string) error {
			return f.complete(env, func(text string) (int, error) {
				d, err := order.ParseDay(text)
				return int(d), err
			})
		},
		RunE: env.Run(session.API, func(ctx context.Context, s *session.Session, _ []string) error {
			rows, zone, err := f.days(ctx, s)
			if err != nil {
				return err
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
	for _, name := range []string{"start", "end"} {
		// The only error is a flag that does not exist.
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
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

// existing returns every month that has orders, and the time zone of months and days.
func existing(ctx context.Context, s *session.Session) (answer.Months, string, error) {
	o, err := s.API.Overview(ctx)
	switch {
	case err != nil:
		return nil, "", err
	case o.Figures == nil:
		return nil, "", fmt.Errorf("%w: Redis does not answer", api.ErrUnavailable)
	}
	return o.Figures.Months, o.TimeZone, nil
}

func (f *periodFlags) months(
	ctx context.Context, s *session.Session,
) (answer.Months, string, error) {
	months, zone, err := existing(ctx, s)
	return slices.DeleteFunc(months, func(m answer.Month) bool {
		return int(m.Month) < f.first || int(m.Month) > f.last
	}), zone, err
}

// days asks for the days of the months that have orders only, so that one order with an odd date
// does not lead to a request for each of many empty years.
func (f *periodFlags) days(ctx context.Context, s *session.Session) ([]period, string, error) {
	months, zone, err := existing(ctx, s)
	if err != nil {
		return nil, "", err
	}
	var rows []period
	for i := 0; i < len(months); {
		first := firstDay(months[i].Month)
		last := firstDay(months[i].Month+1) - 1
		for i++; i < len(months); i++ {
			next := firstDay(months[i].Month+1) - 1
			if next-first >= mostDays {
				break
			}
			last = next
		}
		first, last = max(first, order.Day(f.first)), min(last, order.Day(f.last))
		if first > last {
			continue
		}
		days, err := s.API.Days(ctx, first.String(), last.String())
		if err != nil {
			return nil, "", err
		}
		for _, name := range slices.Sorted(maps.Keys(days)) {
			rows = append(rows, period{Day: name, Period: days[name]})
		}
	}
	return rows, zone, nil
}

// firstDay returns the first day of a month, which may be the one after 9999-12.
func firstDay(m order.Month) order.Day {
	return order.DayOf(time.Date(int(m)/12, time.Month(int(m)%12+1), 1, 0, 0, 0, 0, time.UTC))
}

// A period is one row of months or days in JSON.
type period struct {
	Month string `json:"month,omitempty"`
	Day   string `json:"day,omitempty"`
	answer.Period
}

func (f *periodFlags) show(s *session.Session, title, zone string, periods []period) error {
	switch {
	case s.JSON:
		if periods == nil {
			periods = []period{}
		}
		return s.Emit(periods)
	case bool(f.csv):
		w := s.CSV(title, "orders", "revenue")
		for _, p := range periods {
			w.Row(p.Month+p.Day, fmt.Sprint(p.Orders), p.Revenue.String())
		}
		return w.Flush()
	case len(periods) == 0:
		s.Printf("no orders in this range\n")
		return nil
	}

	var total answer.Period
	rows := make([][]string, 0, len(periods)+1)
	row := func(name string, p answer.Period) {
		rows = append(rows, []string{name, console.Count(p.Orders), console.Group(p.Revenue.String())})
	}
	for _, p := range periods {
		total.Orders += p.Orders
		total.Revenue += p.Revenue
		row(p.Month+p.Day, p.Period)
	}
	if len(periods) > 1 {
		row("total", total)
	}
	s.Table([]console.Column{
		{Title: strings.ToUpper(title) + " (" + zone + ")"},
		{Title: "ORDERS", Right: true}, {Title: "REVENUE", Right: true},
	}, rows)
	return nil
}

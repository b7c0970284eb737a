package statsapi

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

// The longest ranges of one query: a hundred years of months, and more than a year of days.
const (
	maxMonths = 1200
	maxDays   = 400
)

type userQuery struct {
	ID string `path:"id" doc:"The customer's id, percent-encoded: 1 to 128 characters, no control characters." minLength:"1" maxLength:"128" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$" patternDescription:"without control characters" example:"U5678"`
}

func (a *API) user(ctx context.Context, in *userQuery) (*body[answer.User], error) {
	if !utf8.ValidString(in.ID) {
		return nil, huma.Error422UnprocessableEntity(
			"The customer's id is not UTF-8: percent-encode it as UTF-8.",
		)
	}
	stats, err := a.store.User(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &body[answer.User]{asUser(stats)}, nil
}

func asUser(u ledger.UserStats) answer.User {
	return answer.User{UserID: u.UserID, Orders: u.OrderCount, Spend: u.TotalSpend}
}

func (a *API) global(ctx context.Context, _ *noQuery) (*body[answer.Totals], error) {
	totals, err := a.store.Global(ctx)
	if err != nil {
		return nil, err
	}
	return &body[answer.Totals]{answer.Totals(totals)}, nil
}

type topQuery struct {
	N int `path:"n" doc:"How many customers." minimum:"1" maximum:"1000" example:"10"`
}

type topAnswer struct {
	Body []answer.Spender `nullable:"false"`
}

func (a *API) top(ctx context.Context, in *topQuery) (*topAnswer, error) {
	top, err := a.store.Top(ctx, in.N)
	if err != nil {
		return nil, err
	}
	return &topAnswer{asSpenders(top)}, nil
}

func asSpenders(top []ledger.Spender) []answer.Spender {
	all := make([]answer.Spender, len(top))
	for i, s := range top {
		all[i] = answer.Spender{UserID: s.UserID, Spend: s.TotalSpend}
	}
	return all
}

type monthlyQuery struct {
	Start string `query:"start" default:"2024-01" doc:"The first month, YYYY-MM, 1970-01 to 9999-12."                            pattern:"^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])$" patternDescription:"YYYY-MM" example:"2024-01"`
	End   string `query:"end"   default:"2024-12" doc:"The last month, included. Not before start; at most 1,200 months in all." pattern:"^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])$" patternDescription:"YYYY-MM" example:"2024-12"`
}

func (a *API) monthly(ctx context.Context, in *monthlyQuery) (*body[answer.Months], error) {
	from, err := order.ParseMonth(in.Start)
	if err != nil {
		return nil, huma.Error422UnprocessableEntity("start: " + err.Error())
	}
	to, err := order.ParseMonth(in.End)
	if err != nil {
		return nil, huma.Error422UnprocessableEntity("end: " + err.Error())
	}
	switch {
	case from > to:
		return nil, badRange{fmt.Sprintf("start (%v) is after end (%v).", from, to)}
	case to-from >= maxMonths:
		return nil, badRange{
			fmt.Sprintf("%v to %v is more than %d months: ask for less.", from, to, maxMonths),
		}
	}

	months, err := a.store.Monthly(ctx, from, to)
	if err != nil {
		return nil, err
	}
	return &body[answer.Months]{asMonths(months)}, nil
}

func asMonths(months []ledger.MonthTotals) answer.Months {
	all := make(answer.Months, len(months))
	for i, m := range months {
		all[i] = answer.Month{Month: m.Month, Period: answer.Period{Orders: m.Orders, Revenue: m.Revenue}}
	}
	return all
}

type dailyQuery struct {
	Start string `query:"start" required:"true" doc:"The first day, YYYY-MM-DD, 1970-01-01 to 9999-12-31."               pattern:"^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$" patternDescription:"YYYY-MM-DD" example:"2024-12-01"`
	End   string `query:"end"   required:"true" doc:"The last day, included. Not before start; at most 400 days in all." pattern:"^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$" patternDescription:"YYYY-MM-DD" example:"2024-12-31"`
}

func (a *API) daily(ctx context.Context, in *dailyQuery) (*body[answer.Days], error) {
	asked, err := readDays(in.Start, in.End)
	if err != nil {
		return nil, err
	}
	days, err := a.store.Daily(ctx, asked.from, asked.to)
	if err != nil {
		return nil, err
	}
	return &body[answer.Days]{asDays(days)}, nil
}

type dayRange struct{ from, to order.Day }

// readDays reads a range of days.
func readDays(start, end string) (dayRange, error) {
	from, err := order.ParseDay(start)
	if err != nil {
		return dayRange{}, huma.Error422UnprocessableEntity("start: " + err.Error())
	}
	to, err := order.ParseDay(end)
	if err != nil {
		return dayRange{}, huma.Error422UnprocessableEntity("end: " + err.Error())
	}
	switch {
	case from > to:
		return dayRange{}, badRange{fmt.Sprintf("start (%v) is after end (%v).", from, to)}
	case to-from >= maxDays:
		return dayRange{}, badRange{fmt.Sprintf(
			"%v to %v is more than %d days: ask for less.", from, to, maxDays,
		)}
	}
	return dayRange{from, to}, nil
}

func asDays(days []ledger.DayTotals) answer.Days {
	all := make(answer.Days, len(days))
	for i, d := range days {
		all[i] = answer.Day{Day: d.Day, Period: answer.Period{Orders: d.Orders, Revenue: d.Revenue}}
	}
	return all
}

type customersQuery struct {
	Limit  int    `query:"limit"  default:"100" doc:"How many customers, at most."                                               minimum:"1" maximum:"1000" example:"100"`
	Cursor string `query:"cursor"               doc:"Where the page begins: next of the page before. Absent for the first page."                                          required:"false" maxLength:"1024"`
}

func (a *API) customers(ctx context.Context, in *customersQuery) (*body[answer.Customers], error) {
	page, next, err := a.store.Customers(ctx, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	users := make([]answer.User, len(page))
	for i, u := range page {
		users[i] = asUser(u)
	}
	return &body[answer.Customers]{answer.Customers{Users: users, Next: next}}, nil
}

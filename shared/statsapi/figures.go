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
	stats, err := a.config.Store.User(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &body[answer.User]{answer.User(stats)}, nil
}

func (a *API) global(ctx context.Context, _ *noQuery) (*body[answer.Totals], error) {
	totals, err := a.config.Store.Global(ctx)
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
	top, err := a.config.Store.Top(ctx, in.N)
	if err != nil {
		return nil, err
	}
	return &topAnswer{each(top, asSpender)}, nil
}

func asSpender(s ledger.Spender) answer.Spender { return answer.Spender(s) }

// each converts the elements of a list. The list is written as [] where it is empty, never as null.
func each[From, To any](list []From, convert func(From) To) []To {
	all := make([]To, len(list))
	for i, element := range list {
		all[i] = convert(element)
	}
	return all
}

type monthlyQuery struct {
	Start string `query:"start" default:"2024-01" doc:"The first month, YYYY-MM, 1970-01 to 9999-12."                            pattern:"^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])$" patternDescription:"YYYY-MM" example:"2024-01"`
	End   string `query:"end"   default:"2024-12" doc:"The last month, included. Not before start; at most 1,200 months in all." pattern:"^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])$" patternDescription:"YYYY-MM" example:"2024-12"`
}

func (a *API) monthly(ctx context.Context, in *monthlyQuery) (*body[answer.Months], error) {
	asked, err := readMonths(in.Start, in.End)
	if err != nil {
		return nil, err
	}
	months, err := a.config.Store.Monthly(ctx, asked.from, asked.to)
	if err != nil {
		return nil, err
	}
	return &body[answer.Months]{each(months, asDated)}, nil
}

func asDated[D order.Date](p ledger.PeriodTotals[D]) answer.Dated[D] {
	return answer.Dated[D]{Date: p.Date, Period: answer.Period{Orders: p.Orders, Revenue: p.Revenue}}
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
	days, err := a.config.Store.Daily(ctx, asked.from, asked.to)
	if err != nil {
		return nil, err
	}
	return &body[answer.Days]{each(days, asDated)}, nil
}

// A span holds the first and the last date that a query asks for.
type span[D order.Date] struct{ from, to D }

func readMonths(start, end string) (span[order.Month], error) {
	return readSpan(start, end, order.ParseMonth, maxMonths, "months")
}

func readDays(start, end string) (span[order.Day], error) {
	return readSpan(start, end, order.ParseDay, maxDays, "days")
}

// readSpan reads the span from start to end, of at most limit months or days, which unit names.
func readSpan[D order.Date](
	start, end string, parse func(string) (D, error), limit D, unit string,
) (s span[D], err error) {
	if s.from, err = parse(start); err != nil {
		return s, huma.Error422UnprocessableEntity("start: " + err.Error())
	}
	if s.to, err = parse(end); err != nil {
		return s, huma.Error422UnprocessableEntity("end: " + err.Error())
	}
	switch {
	case s.from > s.to:
		err = badRange{fmt.Sprintf("start (%v) is after end (%v).", s.from, s.to)}
	case s.to-s.from >= limit:
		err = badRange{
			fmt.Sprintf("%v to %v is more than %d %s: ask for less.", s.from, s.to, int(limit), unit),
		}
	}
	return s, err
}

type customersQuery struct {
	Limit  int    `query:"limit"  default:"100" doc:"How many customers, at most."                                               minimum:"1" maximum:"1000" example:"100"`
	Cursor string `query:"cursor"               doc:"Where the page begins: next of the page before. Absent for the first page."                                          required:"false" maxLength:"1024"`
}

func (a *API) customers(ctx context.Context, in *customersQuery) (*body[answer.Customers], error) {
	page, next, err := a.config.Store.Customers(ctx, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	users := each(page, func(u ledger.UserStats) answer.User { return answer.User(u) })
	return &body[answer.Customers]{answer.Customers{Users: users, Next: next}}, nil
}

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

// maxMonths bounds the range of one query: a hundred years.
const maxMonths = 1200

type userQuery struct {
	ID string `path:"id" doc:"The customer's id, percent-encoded: 1 to 128 characters, no control characters." minLength:"1" maxLength:"128" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$" patternDescription:"no control characters" example:"U5678"`
}

func (a *API) user(ctx context.Context, in *userQuery) (*body[answer.User], error) {
	if !utf8.ValidString(in.ID) {
		return nil, huma.Error422UnprocessableEntity("The customer's id is not UTF-8: percent-encode it as UTF-8.")
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
	Start string `query:"start" default:"2024-01" doc:"The first month, YYYY-MM, 1970-01 to 9999-12." pattern:"^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])$" patternDescription:"YYYY-MM" example:"2024-01"`
	End   string `query:"end" default:"2024-12" doc:"The last month, included. Not before start; at most 1,200 months in all." pattern:"^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])$" patternDescription:"YYYY-MM" example:"2024-12"`
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
		return nil, badRange{fmt.Sprintf("%v to %v is more than %d months: ask for less.", from, to, maxMonths)}
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

package statsapi

import (
	"context"
	"errors"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

type overviewQuery struct {
	Start string `query:"start" required:"false" doc:"The first day to show as well, YYYY-MM-DD. Needs end."                         pattern:"^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$" patternDescription:"YYYY-MM-DD" example:"2024-12-01"`
	End   string `query:"end"   required:"false" doc:"The last day to show as well, included. Needs start; at most 400 days in all." pattern:"^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$" patternDescription:"YYYY-MM-DD" example:"2024-12-31"`

	Top  int    `query:"top"  default:"10" doc:"How many of the top spenders."                                              minimum:"1" maximum:"1000" example:"10"`
	User string `query:"user"              doc:"A customer to look up as well: 1 to 128 characters, no control characters."                            example:"U5678" required:"false" maxLength:"128" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]*$" patternDescription:"without control characters"`
}

func (a *API) overview(ctx context.Context, in *overviewQuery) (*body[answer.Overview], error) {
	var days *span[order.Day]
	if in.Start != "" || in.End != "" {
		asked, err := readDays(in.Start, in.End)
		if err != nil {
			return nil, err
		}
		days = &asked
	}

	figures, queues, err := withQueues(ctx, a, func(ctx context.Context) (*answer.Figures, error) {
		return a.readFigures(ctx, in, days)
	})
	if err != nil {
		return nil, err
	}
	return &body[answer.Overview]{answer.Overview{
		Time:     a.config.Now().UTC(),
		TimeZone: a.config.Zone.String(),
		RedisUp:  figures != nil,
		Figures:  figures,
		Queues:   queues,
	}}, nil
}

// readFigures reads what Redis holds; days is nil when no days were asked for.
func (a *API) readFigures(
	ctx context.Context, in *overviewQuery, days *span[order.Day],
) (*answer.Figures, error) {
	totals, err := a.config.Store.Global(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := a.config.Store.Messages(ctx)
	if err != nil {
		return nil, err
	}
	top, err := a.config.Store.Top(ctx, in.Top)
	if err != nil {
		return nil, err
	}

	months, err := a.config.Store.Months(ctx)
	if err != nil {
		return nil, err
	}
	today := order.DayOf(a.config.Now().In(a.config.Zone))
	now, err := a.config.Store.Daily(ctx, today, today)
	if err != nil {
		return nil, err
	}

	figures := &answer.Figures{
		Totals:   answer.Totals(totals),
		Messages: answer.Counts(counts),
		Top:      each(top, asSpender),
		Months:   each(months, asDated),
	}
	for _, d := range now {
		figures.Today = answer.Today{Orders: d.Orders, Revenue: d.Revenue}
	}
	if days != nil {
		found, err := a.config.Store.Daily(ctx, days.from, days.to)
		if err != nil {
			return nil, err
		}
		all := answer.Days(each(found, asDated))
		figures.Days = &all
	}
	if in.User != "" {
		user, err := a.config.Store.User(ctx, in.User)
		switch {
		case err == nil:
			found := answer.User(user)
			figures.User = &found
		case !errors.Is(err, ledger.ErrNotFound):
			return nil, err
		}
	}
	return figures, nil
}

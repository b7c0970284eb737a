package statsapi

import (
	"context"
	"errors"
	"time"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

type overviewQuery struct {
	Top  int    `query:"top" default:"10" doc:"How many of the top spenders." minimum:"1" maximum:"1000" example:"10"`
	User string `query:"user" required:"false" doc:"A customer to look up as well: 1 to 128 characters, no control characters." maxLength:"128" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]*$" patternDescription:"no control characters" example:"U5678"`
}

func (a *API) overview(ctx context.Context, in *overviewQuery) (*body[answer.Overview], error) {
	queues := a.readQueues(ctx)
	figures, err := withReserve(ctx, a, func(ctx context.Context) (*answer.Figures, error) {
		return a.readFigures(ctx, in)
	})
	answered := answer.Overview{
		Time:     a.now().UTC(),
		TimeZone: a.zone.String(),
		RedisUp:  err == nil,
		Figures:  figures,
		Queues:   <-queues,
	}
	switch {
	case err != nil && len(answered.Queues) == 0:
		return nil, err // nothing is known
	case err != nil:
		logCause(ctx, err)
	}
	return &body[answer.Overview]{answered}, nil
}

func (a *API) readFigures(ctx context.Context, in *overviewQuery) (*answer.Figures, error) {
	totals, err := a.store.Global(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := a.store.Messages(ctx)
	if err != nil {
		return nil, err
	}
	top, err := a.store.Top(ctx, in.Top)
	if err != nil {
		return nil, err
	}

	months, err := a.store.Monthly(ctx, order.MonthOf(time.Unix(0, 0)), order.MonthOf(time.Unix(0, 0))+maxMonths-1)
	if err != nil {
		return nil, err
	}

	figures := &answer.Figures{
		Totals:   answer.Totals(totals),
		Messages: *asCounts(counts),
		Top:      asSpenders(top),
		Months:   asMonths(months),
	}
	if in.User != "" {
		user, err := a.store.User(ctx, in.User)
		switch {
		case err == nil:
			found := asUser(user)
			figures.User = &found
		case !errors.Is(err, ledger.ErrNotFound):
			return nil, err
		}
	}
	return figures, nil
}

package statsapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/metric"
	"orderpipeline/shared/order"
)

// maxMonths bounds the range of one question: a hundred years.
const maxMonths = 1200

// routes registers what answers with data, and returns the document that describes it.
func (a *API) routes() *huma.OpenAPI {
	api := humago.New(a.mux, documentConfig())
	huma.Register(api, operation("health", "/health", "Health",
		"Whether the store answers. A monitor asks this.", 0), a.health)
	huma.Register(api, operation("user-stats", "/users/{id}/stats", "One customer",
		"How many orders a customer placed, and what they spent in all.", http.StatusNotFound), a.user)
	huma.Register(api, operation("global-stats", "/stats/global", "Totals",
		"The number of orders and the revenue over all customers. Zeros before the first order.", 0), a.global)
	huma.Register(api, operation("top-spenders", "/stats/top/{n}", "Top spenders",
		"The customers who spent most, highest first. Equal spends come in one fixed order.", 0), a.top)
	huma.Register(api, operation("monthly-stats", "/stats/monthly", "Months",
		"Orders and revenue by calendar month in UTC, in month order. Months without orders are left out.",
		http.StatusBadRequest), a.monthly)
	huma.Register(api, operation("message-stats", "/stats/messages", "Messages",
		"What became of the messages so far, and how many wait in each queue.", 0), a.messages)
	huma.Register(api, metricsOperation(), a.metrics)
	return api.OpenAPI()
}

type none struct{}

type healthAnswer struct {
	Body health
}

func (a *API) health(ctx context.Context, _ *none) (*healthAnswer, error) {
	if err := a.store.Ping(ctx); err != nil {
		return nil, unavailable(ctx, err)
	}
	return &healthAnswer{health{"ok"}}, nil
}

type userQuestion struct {
	ID string `path:"id" doc:"The customer's id, percent-encoded: 1 to 128 characters, no control characters." minLength:"1" maxLength:"128" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$" patternDescription:"no control characters" example:"U5678"`
}

type userAnswer struct {
	Body userStats
}

func (a *API) user(ctx context.Context, in *userQuestion) (*userAnswer, error) {
	if !utf8.ValidString(in.ID) {
		return nil, huma.Error422UnprocessableEntity("The customer's id is not UTF-8: percent-encode it as UTF-8.")
	}
	stats, err := a.store.User(ctx, in.ID)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return nil, huma.Error404NotFound("This customer has no orders.")
	case err != nil:
		return nil, unavailable(ctx, err)
	}
	return &userAnswer{userStats{in.ID, stats.OrderCount, money(stats.TotalSpend)}}, nil
}

type globalAnswer struct {
	Body globalStats
}

func (a *API) global(ctx context.Context, _ *none) (*globalAnswer, error) {
	totals, err := a.store.Global(ctx)
	if err != nil {
		return nil, unavailable(ctx, err)
	}
	return &globalAnswer{globalStats{totals.Orders, money(totals.Revenue)}}, nil
}

type topQuestion struct {
	N int `path:"n" doc:"How many customers." minimum:"1" maximum:"1000" example:"10"`
}

type topAnswer struct {
	Body []spender `nullable:"false"`
}

func (a *API) top(ctx context.Context, in *topQuestion) (*topAnswer, error) {
	top, err := a.store.Top(ctx, in.N)
	if err != nil {
		return nil, unavailable(ctx, err)
	}
	body := make([]spender, len(top))
	for i, s := range top {
		body[i] = spender{s.UserID, money(s.TotalSpend)}
	}
	return &topAnswer{body}, nil
}

type monthlyQuestion struct {
	Start string `query:"start" default:"2024-01" doc:"The first month, YYYY-MM, 1970-01 to 9999-12." pattern:"^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])$" patternDescription:"YYYY-MM" example:"2024-01"`
	End   string `query:"end" default:"2024-12" doc:"The last month, included. Not before start; at most 1,200 months in all." pattern:"^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])$" patternDescription:"YYYY-MM" example:"2024-12"`
}

// Resolve refuses a month that is given and empty. The library takes it for one that is not given, and would answer with
// the default.
func (*monthlyQuestion) Resolve(c huma.Context) []error {
	address := c.URL()
	var refused []error
	query := address.Query()
	for _, name := range []string{"start", "end"} {
		if query.Has(name) && query.Get(name) == "" {
			refused = append(refused, &huma.ErrorDetail{Location: "query." + name, Message: "expected a month: YYYY-MM", Value: ""})
		}
	}
	return refused
}

type monthlyAnswer struct {
	Body months
}

func (a *API) monthly(ctx context.Context, in *monthlyQuestion) (*monthlyAnswer, error) {
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
		return nil, huma.Error400BadRequest(fmt.Sprintf("start (%v) is after end (%v).", from, to))
	case to-from >= maxMonths:
		return nil, huma.Error400BadRequest(fmt.Sprintf("%v to %v is more than %d months: ask for less.", from, to, maxMonths))
	}
	found, err := a.store.Monthly(ctx, from, to)
	if err != nil {
		return nil, unavailable(ctx, err)
	}
	return &monthlyAnswer{found}, nil
}

type messagesAnswer struct {
	Body messageStats
}

func (a *API) messages(ctx context.Context, _ *none) (*messagesAnswer, error) {
	depths := a.depths(ctx)
	counts, err := a.store.Messages(ctx)
	if err != nil {
		return nil, unavailable(ctx, err)
	}
	body := messageStats{
		Recorded: counts.Recorded, Duplicate: counts.Duplicate, Mismatch: counts.Mismatch, Failed: counts.Failed,
		Refused: make(map[string]int64, len(order.Reasons())),
		Queues:  []queueStats{},
	}
	for _, reason := range order.Reasons() {
		body.Refused[string(reason)] = counts.Refused[reason]
	}
	for _, d := range <-depths {
		body.Queues = append(body.Queues, queueStats(d))
	}
	return &messagesAnswer{body}, nil
}

type metricsAnswer struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (a *API) metrics(ctx context.Context, _ *none) (*metricsAnswer, error) {
	depths := a.depths(ctx)
	samples, err := a.samples(ctx)
	if err != nil {
		return nil, unavailable(ctx, err)
	}
	metric.RedisUp.Set(samples, 1)
	for _, d := range <-depths {
		metric.QueueMessages.Set(samples, d.Visible, d.Queue, metric.StateVisible)
		metric.QueueMessages.Set(samples, d.InFlight, d.Queue, metric.StateInFlight)
		metric.QueueMessages.Set(samples, d.Delayed, d.Queue, metric.StateDelayed)
	}
	var text bytes.Buffer
	if err := metric.WriteText(&text, samples, metric.Families()); err != nil {
		return nil, unavailable(ctx, err)
	}
	return &metricsAnswer{metric.ContentType, text.Bytes()}, nil
}

// samples reads all that Redis holds: the shared counters, and what the ledger's scripts count.
func (a *API) samples(ctx context.Context) (metric.Delta, error) {
	samples, err := a.store.Counters(ctx)
	if err != nil {
		return nil, err
	}
	messages, err := a.store.Messages(ctx)
	if err != nil {
		return nil, err
	}
	totals, err := a.store.Global(ctx)
	if err != nil {
		return nil, err
	}
	metric.Messages.Add(samples, messages.Recorded, metric.OutcomeRecorded)
	metric.Messages.Add(samples, messages.Duplicate, metric.OutcomeDuplicate)
	metric.Messages.Add(samples, messages.Failed, metric.OutcomeFailed)
	for _, reason := range order.Reasons() {
		metric.Refused.Add(samples, messages.Refused[reason], string(reason))
	}
	metric.Mismatches.Add(samples, messages.Mismatch)
	metric.Recorded.Add(samples, totals.Orders)
	metric.Revenue.Add(samples, int64(totals.Revenue))
	return samples, nil
}

// depths asks for the queues' depths while the caller asks Redis. SQS being slow or away costs the depths, never the answer, and
// no more than a quarter of its time.
func (a *API) depths(ctx context.Context) <-chan []QueueDepth {
	answer := make(chan []QueueDepth, 1)
	if a.queues == nil {
		answer <- nil
		return answer
	}
	ctx, cancel := context.WithTimeout(ctx, a.limit/4)
	asked := make(chan []QueueDepth, 1)
	go func() {
		depths, err := a.queues.Depths(ctx)
		if err != nil {
			a.log.WarnContext(ctx, "queue depths are not known", "error", err)
		}
		asked <- depths
	}()
	go func() {
		defer cancel()
		select {
		case depths := <-asked:
			answer <- depths
		case <-ctx.Done():
			answer <- nil
		}
	}()
	return answer
}

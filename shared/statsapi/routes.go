package statsapi

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"orderpipeline/shared/order"
)

// routes registers what answers with data, and returns the document that describes it.
func (a *API) routes() *huma.OpenAPI {
	api := humago.New(a.mux, documentConfig())
	describeTypes(api.OpenAPI().Components.Schemas)
	api.UseMiddleware(strictQuery(api))

	register(a, api, operation("health", "/health", "Health",
		"Whether Redis answers. A monitor asks this."), a.health)

	register(a, api, operation("user-stats", "/users/{id}/stats", "One customer",
		"How many orders a customer placed, and what they spent in all. The ids . and .. are written "+
			"%2E and %2E%2E. Many clients remove even those from a path: /stats/overview?user=.. "+
			"works with all.",
		http.StatusNotFound), a.user)

	register(a, api, operation("global-stats", "/stats/global", "Totals",
		"The number of orders and the revenue over all customers. "+
			"Zeros before the first order."), a.global)

	register(a, api, operation("top-spenders", "/stats/top/{n}", "Top spenders",
		"The customers who spent most, highest first. Equal spends come in one fixed order."), a.top)

	register(a, api, operation("monthly-stats", "/stats/monthly", "Months",
		"Orders and revenue by calendar month, in month order. Months without orders are left out. "+
			"/stats/overview tells the time zone.",
		http.StatusBadRequest), a.monthly)

	register(a, api, operation("daily-stats", "/stats/daily", "Days",
		"Orders and revenue by calendar day, in day order. Days without orders are left out.",
		http.StatusBadRequest), a.daily)

	register(a, api, operation("customers", "/users", "All customers",
		"Every customer exactly once over all pages while nothing changes, "+
			"in no particular order."), a.customers)

	register(a, api, operation("message-stats", "/stats/messages", "Messages",
		"What happened to the messages so far, and how many wait in each queue. While Redis is away "+
			"the queues are still shown and the counters are absent."), a.messages)

	register(a, api, operation("overview", "/stats/overview", "Overview",
		"Everything that the page shows, in one answer. While Redis is away the queues are still "+
			"shown and figures is absent.",
		http.StatusBadRequest), a.overview)

	register(a, api, textOperation(metricsExample, operation("metrics", "/metrics", "Metrics",
		"Everything that is counted, over all function instances together, in the Prometheus text "+
			"format. While Redis is away: orders_redis_up 0 and the queue depths, with status 200.",
	)), a.metrics)

	register(a, api, schemaOperation(operation("order-schema", "/schema/order.json", "Order message",
		"The JSON Schema (2020-12) of the message that is sent to the queue. Its description lists "+
			"what a schema cannot say.")), a.orderSchema)

	return api.OpenAPI()
}

func (a *API) orderSchema(context.Context, *noQuery) (*textAnswer, error) {
	return &textAnswer{"application/schema+json", []byte(order.Schema())}, nil
}

type noQuery struct{}

// A body is the answer of a route.
type body[T any] struct {
	Body T
}

// A textAnswer is the answer of a route that is not JSON made from a type.
type textAnswer struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// writeJSON writes an answer. What makes its JSON itself, as months and days do, is written as it
// is: encoding/json would read it once more.
func writeJSON(w io.Writer, answered any) error {
	marshaler, ok := answered.(json.Marshaler)
	if !ok {
		return huma.DefaultJSONFormat.Marshal(w, answered)
	}
	text, err := marshaler.MarshalJSON()
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

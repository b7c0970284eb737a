package metric

import "slices"

// Label values of Messages.
const (
	OutcomeRecorded  = "recorded"
	OutcomeDuplicate = "duplicate"
	OutcomeFailed    = "failed"
)

// Label values of QueueMessages.
const (
	StateVisible  = "visible"
	StateInFlight = "in_flight"
	StateDelayed  = "delayed"
)

// What the ledger's own scripts count, in the same step that records the orders.
var (
	// Messages has the label outcome.
	Messages = counter("orders_messages_total", 0,
		"Messages by outcome. A failed message comes back: it is counted once for each failed attempt.", "outcome")
	// Refused has the label reason, one of order.Reasons.
	Refused = counter("orders_messages_refused_total", 0,
		"Messages that are no order that can be counted, by reason. Each is found in the queue of rejected messages.", "reason")
	// Mismatches counts recorded orders whose stated value was overridden.
	Mismatches = counter("orders_value_mismatches_total", 0,
		"Recorded orders whose stated order_value differed from the recalculated value by more than 0.01.")
	// Recorded counts orders.
	Recorded = counter("orders_recorded_total", 0,
		"Orders counted in the totals.")
	// Revenue is kept in cents and shown in units of the currency.
	Revenue = counter("orders_revenue_total", 2,
		"Recalculated value of all recorded orders, in units of the currency.")
)

// What the order function adds to the shared counters after each batch.
var (
	// BatchSize observes messages.
	BatchSize = histogram("orders_batch_messages", 0,
		"Messages in one batch given to the order function.",
		1, 10, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000)
	// BatchDuration observes microseconds.
	BatchDuration = histogram("orders_batch_duration_seconds", 6,
		"Time that the order function took for one batch.",
		1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
		1_000_000, 2_500_000, 5_000_000, 10_000_000, 30_000_000)
)

// What the stats function adds to the shared counters.
var (
	// APIRequests has the labels route (the pattern, never the path) and status (the code).
	APIRequests = counter("orders_api_requests_total", 0,
		"Requests to the API by route and status code.", "route", "status")
	// APIDuration observes microseconds. It has the label route.
	APIDuration = histogram("orders_api_request_duration_seconds", 6,
		"Time from a request's arrival at the handler to the end of its answer.",
		250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
	).labelled("route")
)

// QueueMessages has the labels queue (the name) and state. SQS is asked for it at each scrape; its numbers are
// approximate, as SQS says of them itself.
var QueueMessages = Gauge{family{
	name: "orders_queue_messages", help: "Messages in a queue, approximately.", labels: []string{"queue", "state"},
}}

// Families lists every family, in the order in which they are written.
func Families() []Family {
	return []Family{
		Messages, Refused, Mismatches, Recorded, Revenue,
		BatchSize, BatchDuration,
		APIRequests, APIDuration,
		QueueMessages,
	}
}

func counter(name string, scale int, help string, labels ...string) Counter {
	return Counter{family{name: name, help: help, labels: labels, scale: scale}}
}

func histogram(name string, scale int, help string, bounds ...int64) Histogram {
	return Histogram{family{name: name, help: help, scale: scale}, bounds}
}

func (h Histogram) labelled(labels ...string) Histogram {
	h.labels = slices.Concat(h.labels, labels)
	return h
}

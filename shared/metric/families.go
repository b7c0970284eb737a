package metric

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
		"Messages by outcome. A failed message is retried: each failed attempt is counted.", "outcome")
	// Refused has the label reason, one of order.Reasons.
	Refused = counter("orders_messages_refused_total", 0,
		"Invalid messages by reason. Each is kept in the queue of rejected messages.", "reason")
	// Mismatches counts recorded orders whose stated value was overridden.
	Mismatches = counter("orders_value_mismatches_total", 0,
		"Recorded orders whose stated order_value differed from the recalculated value "+
			"by more than 0.01.")
	// Healed counts orders that Redis had lost and a replay of the archive recorded again.
	Healed = counter("orders_healed_total", 0,
		"Orders that Redis had lost and a replay of the archive recorded again.")
	// Recorded counts orders.
	Recorded = counter("orders_recorded_total", 0,
		"Orders counted in the totals.")
	// Revenue is kept in cents and shown in units of the currency.
	Revenue = counter("orders_revenue_total", 2,
		"Recalculated value of all recorded orders, in units of the currency.")
)

// What the replay function adds to the shared counters.
var (
	// ReplayConflicts counts archived orders that differ from the order recorded under their id.
	ReplayConflicts = counter("orders_replay_conflicts_total", 0,
		"Archived orders that a replay did not record: their order_id belongs to another order.")
)

// What the order function adds to the shared counters after each batch.
var (
	// BatchSize observes messages.
	BatchSize = histogram("orders_batch_messages", 0,
		"Messages in one batch given to the order function.",
		[]int64{1, 10, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000})
	// BatchDuration observes microseconds.
	BatchDuration = histogram("orders_batch_duration_seconds", 6,
		"Time that the order function took for one batch.",
		[]int64{
			1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
			1_000_000, 2_500_000, 5_000_000, 10_000_000, 30_000_000,
		})
)

// What a stats server adds to the shared counters. In Lambda it does not: there each request is a
// line of metrics in the log (see EMF), and Redis is not written to.
var (
	// APIRequests has the labels route (the pattern, never the path) and status (the code).
	APIRequests = counter("orders_api_requests_total", 0,
		"Requests to the API by route and status code.", "route", "status")
	// APIDuration observes microseconds. It has the label route.
	APIDuration = histogram("orders_api_request_duration_seconds", 6,
		"Time from a request's arrival at the handler to the end of its answer.",
		[]int64{
			250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000,
			500_000, 1_000_000, 2_500_000,
		}, "route")
)

// What is read at each scrape and does not depend on Redis.
var (
	// RedisUp is 1 when Redis answered this scrape and 0 when it did not.
	RedisUp = gauge("orders_redis_up",
		"Whether Redis answered this scrape. While it is 0 no counter is shown.")
	// QueueMessages has the labels queue (the name) and state. The numbers are approximate, as SQS
	// itself says.
	QueueMessages = gauge("orders_queue_messages",
		"Messages in a queue, approximately. In flight: in work, or waiting for the next attempt.",
		"queue", "state")
)

// Families lists every family, in the order in which they are written.
func Families() []Family {
	return append(WithoutRequests(), APIRequests, APIDuration)
}

// WithoutRequests lists the families but for those about the API, which only a server fills.
func WithoutRequests() []Family {
	return append(Independent(),
		Messages, Refused, Mismatches, Recorded, Revenue, Healed, ReplayConflicts,
		BatchSize, BatchDuration)
}

// Independent lists the families that are known while Redis is away.
func Independent() []Family { return []Family{RedisUp, QueueMessages} }

func gauge(name, help string, labels ...string) Gauge {
	return Gauge{family{name: name, help: help, labels: labels}}
}

func counter(name string, scale int, help string, labels ...string) Counter {
	return Counter{family{name: name, help: help, labels: labels, scale: scale}}
}

func histogram(
	name string, scale int, help string, bounds []int64, labels ...string,
) Histogram {
	return Histogram{family{name: name, help: help, labels: labels, scale: scale}, bounds}
}

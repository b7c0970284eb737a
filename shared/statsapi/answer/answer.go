// Package answer declares the JSON of the API's answers, so that the server and its clients share
// one set of types. Money is a JSON number with exactly two decimals (see order.Cents).
package answer

import (
	"time"

	"orderpipeline/shared/order"
)

// Health is the answer while Redis answers; otherwise the status is 503.
type Health struct {
	Status string `json:"status" enum:"ok" example:"ok" doc:"Always ok; otherwise the answer is a 503."`
}

// User holds the figures of one customer.
type User struct {
	UserID string      `json:"user_id"     example:"U1" doc:"The customer's id."`
	Orders int64       `json:"order_count" example:"3"  doc:"Orders recorded."                       minimum:"1"`
	Spend  order.Cents `json:"total_spend"              doc:"The recalculated value of all of them."`
}

// Customers is one page of the list of all customers.
type Customers struct {
	Users []User `json:"users"          nullable:"false" doc:"Customers, in no particular order."`
	Next  string `json:"next,omitempty"                  doc:"The cursor of the next page. Absent on the last page."`
}

// Totals are the figures over all orders.
type Totals struct {
	Orders  int64       `json:"total_orders"  minimum:"0" example:"3" doc:"Orders recorded."`
	Revenue order.Cents `json:"total_revenue"                         doc:"The recalculated value of all of them."`
}

// Spender is one line of the leaderboard.
type Spender struct {
	UserID string      `json:"user_id"     example:"U1" doc:"The customer's id."`
	Spend  order.Cents `json:"total_spend"              doc:"The value of all orders of this customer."`
}

// Counts say what happened to the messages so far.
type Counts struct {
	Recorded  int64 `json:"recorded"  minimum:"0" required:"false" example:"3" doc:"Messages recorded as new orders."`
	Duplicate int64 `json:"duplicate" minimum:"0" required:"false" example:"1" doc:"Messages whose order was recorded before, with the same content."`
	Mismatch  int64 `json:"mismatch"  minimum:"0" required:"false" example:"1" doc:"Recorded orders whose stated value was overridden."`
	Healed    int64 `json:"healed"    minimum:"0" required:"false" example:"0" doc:"Orders that Redis had lost and a replay of the archive recorded again."`
	Failed    int64 `json:"failed"    minimum:"0" required:"false" example:"0" doc:"Failed attempts. Each such message is retried."`

	Refused map[order.Reason]int64 `json:"refused" required:"false" example:"{\"invalid_json\":1,\"missing_field\":0}" doc:"Invalid messages by reason. Each is kept in the queue of rejected messages."`
}

// Messages are the counters and the queues. While Redis is away there are no counters: Counts is
// nil and its members are absent.
type Messages struct {
	*Counts
	RedisUp bool    `json:"redis_up" example:"true" doc:"Whether Redis answers. While it is away the counters are unknown and absent."`
	Queues  []Queue `json:"queues"                  doc:"Approximate depth of each queue; empty when it is unknown."                   nullable:"false"`
}

// Queue is a queue and its depth.
type Queue struct {
	Queue string `json:"queue" example:"orders" doc:"The queue's name."`
	Depth
}

// Depth is how many messages a queue holds. On AWS the numbers are approximate: they can lag by a
// minute.
type Depth struct {
	Visible  int64 `json:"visible"   minimum:"0" example:"0" doc:"Messages waiting to be received."`
	InFlight int64 `json:"in_flight" minimum:"0" example:"0" doc:"Messages received and not deleted: in work, or waiting for their next attempt after a failed one."`
	Delayed  int64 `json:"delayed"   minimum:"0" example:"0" doc:"Messages sent with a delay that is not over."`
}

// Total is the number of all messages of the queue.
func (d Depth) Total() int64 { return d.Visible + d.InFlight + d.Delayed }

// Overview is everything that the page shows.
type Overview struct {
	Time     time.Time `json:"time"              doc:"When the answer was made, by the server's clock."`
	TimeZone string    `json:"time_zone"         doc:"The IANA time zone of months and days."                     example:"UTC"`
	RedisUp  bool      `json:"redis_up"          doc:"Whether Redis answers. While it is away figures is absent." example:"true"`
	Figures  *Figures  `json:"figures,omitempty" doc:"What Redis holds."`
	Queues   []Queue   `json:"queues"            doc:"Approximate depth of each queue; empty when it is unknown."                nullable:"false"`
}

// Figures are the part of the overview that comes from Redis.
type Figures struct {
	Totals   Totals    `json:"totals"`
	Messages Counts    `json:"messages"`
	Top      []Spender `json:"top"            nullable:"false" doc:"The customers who spent most, highest first."`
	Months   Months    `json:"months"                          doc:"Every month that has orders, in order."`
	Today    Today     `json:"today"`
	Days     *Days     `json:"days,omitempty"                  doc:"The days from start to end that have orders. Absent when they were not asked for."`
	User     *User     `json:"user,omitempty"                  doc:"The customer that was asked for. Absent when the id has no orders."`
}

// Today holds the figures of the current day in the deployment's time zone.
type Today struct {
	Orders  int64       `json:"orders"  minimum:"0" example:"2" doc:"Orders placed today."`
	Revenue order.Cents `json:"revenue"                         doc:"The recalculated value of all of them."`
}

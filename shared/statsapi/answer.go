package statsapi

import (
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
)

// money is an amount in an answer: a JSON number with exactly two decimals, made from whole cents.
type money order.Cents

func (m money) MarshalJSON() ([]byte, error) { return order.Cents(m).Append(nil), nil }

// Schema describes money in the OpenAPI document.
func (money) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type:        huma.TypeNumber,
		Description: "Money in units of the currency, always with two decimals. Exact: it is kept in whole cents.",
		Examples:    []any{59.97},
	}
}

type health struct {
	Status string `json:"status" enum:"ok" example:"ok" doc:"Always ok; otherwise the answer is a 503."`
}

type userStats struct {
	UserID     string `json:"user_id" example:"U1" doc:"The customer's id."`
	OrderCount int64  `json:"order_count" minimum:"1" example:"3" doc:"Orders recorded."`
	TotalSpend money  `json:"total_spend" doc:"The recalculated value of all of them."`
}

type globalStats struct {
	TotalOrders  int64 `json:"total_orders" minimum:"0" example:"3" doc:"Orders recorded."`
	TotalRevenue money `json:"total_revenue" doc:"The recalculated value of all of them."`
}

type spender struct {
	UserID     string `json:"user_id" example:"U1" doc:"The customer's id."`
	TotalSpend money  `json:"total_spend" doc:"The recalculated value of all orders of this customer."`
}

type monthStats struct {
	Orders  int64 `json:"orders" minimum:"1" example:"2" doc:"Orders placed in this month, in UTC."`
	Revenue money `json:"revenue" doc:"The recalculated value of all of them."`
}

// months is written as an object with a member for each month, in month order.
type months []ledger.MonthTotals

func (all months) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 64*len(all)+2)
	b = append(b, '{')
	for i, m := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(m.Month.Append(append(b, '"')), `":{"orders":`...)
		b = append(strconv.AppendInt(b, m.Orders, 10), `,"revenue":`...)
		b = append(m.Revenue.Append(b), '}')
	}
	return append(b, '}'), nil
}

// Schema describes the months in the OpenAPI document.
func (months) Schema(registry huma.Registry) *huma.Schema {
	return huma.SchemaFromType(registry, reflect.TypeFor[map[string]monthStats]())
}

type messageStats struct {
	Recorded  int64            `json:"recorded" minimum:"0" example:"3" doc:"Messages recorded as new orders."`
	Duplicate int64            `json:"duplicate" minimum:"0" example:"1" doc:"Messages whose order was recorded before, with the same content."`
	Mismatch  int64            `json:"mismatch" minimum:"0" example:"1" doc:"Recorded orders whose stated value was overridden."`
	Failed    int64            `json:"failed" minimum:"0" example:"0" doc:"Failed attempts: each such message comes back."`
	Refused   map[string]int64 `json:"refused" example:"{\"invalid_json\":1,\"missing_field\":0}" doc:"Messages refused, by reason. Each is found in the queue of rejected messages."`
	Queues    []queueStats     `json:"queues" nullable:"false" doc:"Approximate depth of each queue; empty when it is not known."`
}

type queueStats struct {
	Queue    string `json:"queue" example:"orders" doc:"The queue's name."`
	Visible  int64  `json:"visible" minimum:"0" example:"0" doc:"Messages waiting to be received."`
	InFlight int64  `json:"in_flight" minimum:"0" example:"0" doc:"Messages received and being worked on."`
	Delayed  int64  `json:"delayed" minimum:"0" example:"0" doc:"Messages not yet to be received."`
}

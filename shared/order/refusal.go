package order

import "strconv"

// A Reason is the machine-readable code of a refusal.
type Reason string

const (
	InvalidJSON   Reason = "invalid_json"
	MissingField  Reason = "missing_field"
	InvalidField  Reason = "invalid_field"
	OrderTooLarge Reason = "order_too_large"
	// IDConflict and TotalOverflow are found by the ledger, which alone knows what was counted before.
	IDConflict    Reason = "order_id_conflict"
	TotalOverflow Reason = "total_overflow"
)

// Reasons lists every code, in the order in which they are shown.
func Reasons() []Reason {
	return []Reason{InvalidJSON, MissingField, InvalidField, OrderTooLarge, IDConflict, TotalOverflow}
}

// A Refusal says why a message is not an order that can be counted. It is the error that Parse returns.
type Refusal struct {
	Reason Reason
	Field  string // path of the offending field, such as items[2].quantity; empty when the whole body is meant
	Detail string // one plain sentence for a person
}

func (r *Refusal) Error() string {
	if r.Field == "" {
		return string(r.Reason) + ": " + r.Detail
	}
	return string(r.Reason) + " at " + r.Field + ": " + r.Detail
}

// refuseBody refuses a message that is not the JSON of an order at all.
func refuseBody(problem string) *Refusal {
	return &Refusal{Reason: InvalidJSON, Detail: "the message cannot be read, " + problem + ": write one JSON object."}
}

// refuseSyntax refuses a message whose JSON is broken where s stopped.
func refuseSyntax(s *scanner) *Refusal {
	return &Refusal{
		Reason: InvalidJSON,
		Detail: "the message is not valid JSON, " + s.problem + " at byte " + strconv.Itoa(s.pos) + ": write one JSON object.",
	}
}

// refuseTooLarge refuses an order whose items are worth more than MaxValue.
func refuseTooLarge() *Refusal {
	return &Refusal{
		Reason: OrderTooLarge,
		Field:  itemsField.name,
		Detail: "items add up to more than 1,000,000,000.00: write several smaller orders.",
	}
}

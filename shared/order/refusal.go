package order

import "orderpipeline/shared/jsonscan"

// A Reason is the machine-readable code of a refusal.
type Reason string

// The reasons are part of the order contract: they are shown in the API's metrics and written on
// rejected messages.
const (
	// the message is not one JSON object, or a string of one; it has no field
	InvalidJSON  Reason = "invalid_json"
	MissingField Reason = "missing_field" // a required field is absent
	InvalidField Reason = "invalid_field" // a field is present and wrong
	// its items are worth more than MaxValue; the field is items
	OrderTooLarge Reason = "order_too_large"

	// The ledger finds these two: it knows what was counted before.

	IDConflict    Reason = "order_id_conflict" // another order with this order_id was counted
	TotalOverflow Reason = "total_overflow"    // counting it would pass the limit of exact sums
)

// Reasons lists every code, in the order in which they are shown.
func Reasons() []Reason {
	return []Reason{InvalidJSON, MissingField, InvalidField, OrderTooLarge, IDConflict, TotalOverflow}
}

// A Refusal says why a message is not an order that can be counted. It is the error that Parse
// returns.
type Refusal struct {
	Reason Reason
	// path of the offending field, such as items[2].quantity; empty when the whole body is meant
	Field  string
	Detail string // one plain sentence for a person
}

func (r *Refusal) Error() string {
	if r.Field == "" {
		return string(r.Reason) + ": " + r.Detail
	}
	return string(r.Reason) + " at " + r.Field + ": " + r.Detail
}

// refuseBody refuses a message that is not the JSON of an order.
func refuseBody(problem string) *Refusal {
	return &Refusal{
		Reason: InvalidJSON,
		Detail: "the message cannot be read, " + problem + ": write one JSON object.",
	}
}

// refuseOther refuses a text that does not begin as an object does; what names it in the detail.
func refuseOther(what, text string, s *jsonscan.Scanner) *Refusal {
	var other jsonscan.Value
	switch {
	case s.AtEnd():
		return refuseBody("it is empty")
	case !s.Value(&other) || !s.End():
		return refuseSyntax(what, s)
	case isPointer(text):
		return refusePointer()
	}
	return refuseBody("it is JSON, but not an object")
}

// refuseSyntax refuses a message whose syntax is broken where s stopped; what names the text.
func refuseSyntax(what string, s *jsonscan.Scanner) *Refusal {
	return &Refusal{
		Reason: InvalidJSON,
		Detail: what + " is not valid JSON, " + s.Err().Error() + ": write one JSON object.",
	}
}

// RefuseOverflow refuses an order that would take a sum past what the ledger keeps exactly.
func RefuseOverflow() *Refusal {
	return &Refusal{
		Reason: TotalOverflow,
		Field:  valueField.name,
		Detail: "Counting this order would take a sum past the largest amount that can be kept exactly.",
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

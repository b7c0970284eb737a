package order

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

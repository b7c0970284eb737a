package order

// Message attributes of a message in the queue orders-rejected. Its body is the untouched body of
// the message that was refused.
const (
	AttributeReason = "reason" // a Reason
	// path of the offending field; WholeBody when the body as a whole is meant
	AttributeField    = "field"
	AttributeDetail   = "detail"            // one sentence for a person
	AttributeSourceID = "source_message_id" // id of the message in the queue orders
)

// WholeBody is written for an empty field path, because SQS takes no empty attribute.
const WholeBody = "$"

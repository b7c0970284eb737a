package order

import (
	"strings"

	"orderpipeline/shared/jsonscan"
)

// An envelope is a wrapper in which another service or library sends a message. An order in an
// envelope is refused like any other body without an order, but the detail names the envelope and
// the remedy.
type envelope struct{ is, remedy string }

// envelopes are those that are JSON objects, by a name that each of them has and no order needs.
var envelopes = map[string]*envelope{
	"TopicArn": {
		"an Amazon SNS notification", "switch on raw message delivery in the subscription",
	},
	"detail-type": {
		"an Amazon EventBridge event", "set the input path of the rule's target to $.detail",
	},
	"specversion": {
		"a CloudEvents envelope", "send its data as the body, as binary content mode does",
	},
	"orders": {"a list of orders", "send one message for each order"},
}

// refuseEnvelope refuses a message without order_id that is an envelope.
func refuseEnvelope(e *envelope) *Refusal {
	return &Refusal{
		Reason: MissingField,
		Field:  orderIDField.name,
		Detail: orderIDField.name + " is missing, because the body is " + e.is + ": " + e.remedy + ".",
	}
}

// pointerSuffix ends the class name that the SQS extended client writes in front of the place in S3
// where the body is: software.amazon.payloadoffloading.PayloadS3Pointer, and in its first version
// com.amazon.sqs.javamessaging.MessageS3Pointer.
const pointerSuffix = "S3Pointer"

// isPointer says whether a text, which is a JSON list, is such a pointer.
func isPointer(text string) bool {
	s := jsonscan.New(text)
	var first jsonscan.Value
	if s.Next() != '[' {
		return false
	}
	s.Open()
	if !s.More() || !s.Value(&first) {
		return false
	}
	class, _ := first.Text()
	return strings.HasSuffix(class, pointerSuffix)
}

func refusePointer() *Refusal {
	return &Refusal{
		Reason: InvalidJSON,
		Detail: "the message cannot be read, it is a pointer of the SQS extended client to a body " +
			"in S3: send the order itself, which a message has room for.",
	}
}

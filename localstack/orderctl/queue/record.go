package queue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderpipeline/shared/order"
)

// A Record is a message as export writes it, one JSON object on a line.
type Record struct {
	ID       string    `json:"message_id"`
	Sent     time.Time `json:"sent"`
	Receives int       `json:"receives"` // how often it was received, this time included
	// Attributes are those with a text. Binary ones, which the pipeline does not use, are left out.
	Attributes map[string]string `json:"attributes"`
	Body       string            `json:"body"` // byte for byte what the message held
}

// stringAttributes makes SQS message attributes of plain texts.
func stringAttributes(texts map[string]string) map[string]types.MessageAttributeValue {
	attributes := make(map[string]types.MessageAttributeValue, len(texts))
	for name, text := range texts {
		attributes[name] = types.MessageAttributeValue{
			DataType: aws.String("String"), StringValue: aws.String(text),
		}
	}
	return attributes
}

// ParseResend reads one value of a file of repaired messages: an exported record, whose body is a
// text or, easier to repair, the order itself as a JSON object; or just an order. The message is
// labelled with its id, which an order does not have. Attributes that the pipeline added when it
// refused the message are dropped, those of the sender are kept.
func ParseResend(line json.RawMessage) (m Message, err error) {
	var record struct {
		ID         *string           `json:"message_id"`
		Attributes map[string]string `json:"attributes"`
		Body       json.RawMessage   `json:"body"`
	}
	if err := json.Unmarshal(line, &record); err != nil || record.Body == nil || record.ID == nil {
		if len(line) > 0 && line[0] != '{' {
			return m, errors.New(
				"it is neither an exported message nor an order: an order is a JSON object")
		}
		m.Body = string(line)
		return m, nil
	}

	m.Label = *record.ID
	for _, name := range []string{
		order.AttributeReason, order.AttributeField, order.AttributeDetail, order.AttributeSourceID,
	} {
		delete(record.Attributes, name)
	}
	if len(record.Attributes) > 0 {
		m.Attributes = stringAttributes(record.Attributes)
	}
	if json.Unmarshal(record.Body, &m.Body) == nil {
		return m, nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, record.Body); err != nil {
		return m, fmt.Errorf("its body cannot be read: %w", err)
	}
	m.Body = compact.String()
	return m, nil
}

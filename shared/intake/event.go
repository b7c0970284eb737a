package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"orderpipeline/shared/jsonscan"
)

// A Message is one record of an SQS event, as far as the intake needs it.
type Message struct {
	ID            string
	ReceiptHandle string
	Body          string // empty when the record has none
	Receives      int    // how often the queue handed the message out, this time included; 1 when the record does not say
}

// ErrNoEvent: what the function was invoked with is not an event of an SQS event source mapping. Nothing was done.
var ErrNoEvent = errors.New("the payload is not an event of an SQS event source mapping")

// Invoke makes the handler a lambda.Handler: it takes the JSON of an SQS event, and returns that of events.SQSEventResponse.
// With an error Lambda lets all messages of the event come back.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	messages, err := readEvent(payload)
	if err != nil {
		return nil, err
	}
	response, err := h.Handle(ctx, messages)
	if err != nil {
		return nil, err
	}
	return json.Marshal(response)
}

// readEvent reads the messages of an event. All of its JSON is checked, names are matched exactly, and members that nobody
// needs are ignored. A member that is no string where one belongs counts as missing.
//
// A record without a message id cannot be reported as failed, so it makes the whole event fail. A record without a body
// can, and is left to the handler.
//
// The payload belongs to the runtime, which writes the next event over it. So it is copied once, and the messages share the
// copy; texts with escapes, as bodies are, share further blocks. Whoever keeps a string beyond the batch must clone it, or
// keeps the whole event.
func readEvent(payload []byte) ([]Message, error) {
	if !utf8.Valid(payload) {
		return nil, fmt.Errorf("%w: it is not UTF-8 text", ErrNoEvent)
	}
	r := eventReader{Scanner: jsonscan.New(string(payload))}
	if r.Next() != '{' {
		return nil, fmt.Errorf("%w: it is not a JSON object", ErrNoEvent)
	}
	problem := "it has no list Records"
	r.Open()
	for r.Member(&r.name) {
		if name, _ := r.name.Text(); name == "Records" && r.Next() == '[' {
			problem = r.records(make([]Message, 0, len(payload)/recordBytes))
			continue
		} else if name == "Records" {
			problem = "its Records are not a list"
		}
		r.Value(&r.ignored)
	}
	if !r.End() {
		return nil, fmt.Errorf("%w: %w", ErrNoEvent, r.Err())
	}
	if problem != "" {
		return nil, fmt.Errorf("%w: %s", ErrNoEvent, problem)
	}
	return r.messages, nil
}

// recordBytes is about what a record takes in an event: its list is made for so many, and grows where they are smaller.
const recordBytes = 1024

// An eventReader goes once through an event.
type eventReader struct {
	jsonscan.Scanner
	texts         jsonscan.Slab
	messages      []Message
	name, ignored jsonscan.Value
}

// records reads the list of records into messages, and returns what is wrong with it.
func (r *eventReader) records(messages []Message) (problem string) {
	for r.Open(); r.More(); {
		var m Message
		if r.Next() != '{' {
			r.Value(&r.ignored)
		} else {
			m = r.record()
		}
		if m.ID == "" && problem == "" {
			problem = "record " + strconv.Itoa(len(messages)) + " has no messageId"
		}
		messages = append(messages, m)
	}
	r.messages = messages
	return problem
}

// record reads one record.
func (r *eventReader) record() Message {
	var id, receiptHandle, body jsonscan.Value
	receives := 1
	for r.Open(); r.Member(&r.name); {
		v := &r.ignored
		switch name, _ := r.name.Text(); name {
		case "messageId":
			v = &id
		case "receiptHandle":
			v = &receiptHandle
		case "body":
			v = &body
		case "attributes":
			receives = 1
			if r.Next() == '{' {
				receives = r.receives()
				continue
			}
		}
		r.Value(v)
	}
	return Message{ID: r.text(&id), ReceiptHandle: r.text(&receiptHandle), Body: r.text(&body), Receives: receives}
}

// receives reads the attributes of a record, of which only ApproximateReceiveCount matters.
func (r *eventReader) receives() int {
	var count jsonscan.Value
	for r.Open(); r.Member(&r.name); {
		if name, _ := r.name.Text(); name == "ApproximateReceiveCount" {
			r.Value(&count)
		} else {
			r.Value(&r.ignored)
		}
	}
	n, err := strconv.Atoi(r.text(&count))
	if err != nil {
		return 1
	}
	return n
}

// text returns the text of a string, and nothing of another value. Half characters were no part of a message in a queue,
// so they need no other answer than the U+FFFD that encoding/json gives, too.
func (r *eventReader) text(v *jsonscan.Value) string {
	text, _ := r.texts.Text(v)
	return text
}

package intake

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"orderpipeline/shared/jsonscan"
)

// A Message is one record of an SQS event, as far as the functions need it.
type Message struct {
	ID            string
	ReceiptHandle string
	Body          string // empty when the record has none
	// how often the queue delivered it, this time included; 1 when the record does not say
	Receives      int
	SentAt        time.Time // zero when the record does not say
	FirstReceived time.Time // zero when the record does not say
	TraceHeader   string    // the X-Ray header AWSTraceHeader; empty when there is none
	Attributes    []Attribute
}

// An Attribute is one message attribute that the sender set.
type Attribute struct {
	Name     string
	DataType string // String, Number or Binary, possibly with a suffix such as Number.int
	Text     string // of String and Number
	Binary   []byte // of Binary
}

// attributeTraceparent is the message attribute in which W3C Trace Context is sent.
const attributeTraceparent = "traceparent"

// Trace returns the trace id that travels with the message: the attribute traceparent of W3C Trace
// Context, or else the X-Ray header. It is empty when there is neither.
func (m *Message) Trace() string {
	for i := range m.Attributes {
		if m.Attributes[i].Name == attributeTraceparent {
			return m.Attributes[i].Text
		}
	}
	return m.TraceHeader
}

// ErrNoEvent says that the payload is not an event of an SQS event source mapping. Nothing was
// done.
var ErrNoEvent = errors.New("the payload is not an event of an SQS event source mapping")

// ReadEvent reads the messages of an SQS event. It checks all of its JSON, matches names exactly
// and ignores other members. A member that is not a string where one is needed counts as missing.
//
// A record without a message id cannot be reported as failed, so it makes the whole event fail. A
// record without a body can, and is left to the handler.
//
// The runtime overwrites payload with the next event. So it is copied once and the messages share
// the copy. Texts with escapes, as bodies are, share further blocks. Code that keeps a string
// longer than the batch must clone it, or it keeps the whole event in memory.
func ReadEvent(payload []byte) ([]Message, error) {
	if !utf8.Valid(payload) {
		return nil, fmt.Errorf("%w: it is not UTF-8 text", ErrNoEvent)
	}
	r := eventReader{scan: jsonscan.New(string(payload))}
	if r.scan.Next() != '{' {
		return nil, fmt.Errorf("%w: it is not a JSON object", ErrNoEvent)
	}

	problem := errors.New("it has no list Records")
	r.scan.Open()
	for r.scan.Member(&r.name) {
		name, _ := r.name.Text()
		if name == "Records" && r.scan.Next() == '[' {
			problem = r.records(make([]Message, 0, len(payload)/recordBytes))
			continue
		}
		if name == "Records" {
			problem = errors.New("its Records are not a list")
		}
		r.scan.Value(&r.ignored)
	}
	if !r.scan.End() {
		return nil, fmt.Errorf("%w: %w", ErrNoEvent, r.scan.Err())
	}
	if problem != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoEvent, problem)
	}
	return r.messages, nil
}

// recordBytes is about the size of a record in an event. It sets the first size of the list.
const recordBytes = 1024

// An eventReader reads an event in one pass.
type eventReader struct {
	scan          jsonscan.Scanner
	texts         jsonscan.Slab
	messages      []Message
	name, ignored jsonscan.Value
}

// records reads the list of records into messages.
func (r *eventReader) records(messages []Message) (problem error) {
	for r.scan.Open(); r.scan.More(); {
		messages = append(messages, Message{})
		m := &messages[len(messages)-1]
		if r.scan.Next() == '{' {
			r.record(m)
		} else {
			r.scan.Value(&r.ignored)
		}
		if m.ID == "" && problem == nil {
			problem = errors.New("record " + strconv.Itoa(len(messages)-1) + " has no messageId")
		}
	}
	r.messages = messages
	return problem
}

// record reads one record.
func (r *eventReader) record(m *Message) {
	var id, receiptHandle, body jsonscan.Value
	m.Receives = 1
	for r.scan.Open(); r.scan.Member(&r.name); {
		v := &r.ignored
		switch name, _ := r.name.Text(); name {
		case "messageId":
			v = &id
		case "receiptHandle":
			v = &receiptHandle
		case "body":
			v = &body
		case "attributes":
			r.attributes(m)
			continue
		case "messageAttributes":
			r.messageAttributes(m)
			continue
		}
		r.scan.Value(v)
	}
	m.ID = r.text(&id)
	m.ReceiptHandle = r.text(&receiptHandle)
	m.Body = r.text(&body)
}

// attributes reads what SQS itself says about a message. It comes in strings.
func (r *eventReader) attributes(m *Message) {
	var receives, sent, received, trace jsonscan.Value
	if r.scan.Next() != '{' {
		r.scan.Value(&r.ignored)
	} else {
		for r.scan.Open(); r.scan.Member(&r.name); {
			v := &r.ignored
			switch name, _ := r.name.Text(); name {
			case "ApproximateReceiveCount":
				v = &receives
			case "SentTimestamp":
				v = &sent
			case "ApproximateFirstReceiveTimestamp":
				v = &received
			case "AWSTraceHeader":
				v = &trace
			}
			r.scan.Value(v)
		}
	}

	m.Receives = 1
	if n, err := strconv.Atoi(r.text(&receives)); err == nil {
		m.Receives = n
	}
	m.SentAt = r.moment(&sent)
	m.FirstReceived = r.moment(&received)
	m.TraceHeader = r.text(&trace)
}

// moment reads milliseconds since 1970.
func (r *eventReader) moment(v *jsonscan.Value) time.Time {
	milliseconds, err := strconv.ParseInt(r.text(v), 10, 64)
	if err != nil || milliseconds <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(milliseconds).UTC()
}

// messageAttributes reads what the sender set. Most messages have none.
func (r *eventReader) messageAttributes(m *Message) {
	m.Attributes = nil
	if r.scan.Next() != '{' {
		r.scan.Value(&r.ignored)
		return
	}
	for r.scan.Open(); r.scan.Member(&r.name); {
		a := Attribute{Name: r.text(&r.name)}
		if r.scan.Next() != '{' {
			r.scan.Value(&r.ignored)
			continue
		}
		if r.messageAttribute(&a) {
			m.Attributes = append(m.Attributes, a)
		}
	}
}

// messageAttribute reads one attribute. It returns false for one without a value that can be sent
// on.
func (r *eventReader) messageAttribute(a *Attribute) bool {
	var text, binary, dataType jsonscan.Value
	for r.scan.Open(); r.scan.Member(&r.name); {
		v := &r.ignored
		switch name, _ := r.name.Text(); name {
		case "stringValue":
			v = &text
		case "binaryValue":
			v = &binary
		case "dataType":
			v = &dataType
		}
		r.scan.Value(v)
	}
	a.DataType = r.text(&dataType)
	a.Text = r.text(&text)
	decoded, err := base64.StdEncoding.DecodeString(r.text(&binary))
	if err == nil && len(decoded) > 0 {
		a.Binary = decoded
	}
	return a.DataType != "" && (a.Text != "" || a.Binary != nil)
}

// text returns the text of a string, and nothing for another value. An unpaired surrogate, which no
// message of a queue contains, becomes U+FFFD as in encoding/json.
func (r *eventReader) text(v *jsonscan.Value) string {
	text, _ := r.texts.Text(v)
	return text
}

package intake

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/jsonscan"
)

// asMessages is what encoding/json and the types of aws-lambda-go make of an event.
func asMessages(t testing.TB, payload []byte) []Message {
	var event events.SQSEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		t.Fatalf("%v: %.200q", err, payload)
	}
	messages := []Message{}
	for _, record := range event.Records {
		receives, err := strconv.Atoi(record.Attributes["ApproximateReceiveCount"])
		if err != nil {
			receives = 1
		}
		m := Message{
			ID: record.MessageId, ReceiptHandle: record.ReceiptHandle, Body: record.Body, Receives: receives,
			SentAt:        millisecond(record.Attributes["SentTimestamp"]),
			FirstReceived: millisecond(record.Attributes["ApproximateFirstReceiveTimestamp"]),
			TraceHeader:   record.Attributes["AWSTraceHeader"],
		}
		for name, a := range record.MessageAttributes {
			text := ""
			if a.StringValue != nil {
				text = *a.StringValue
			}
			m.Attributes = append(m.Attributes, Attribute{name, a.DataType, text, a.BinaryValue})
		}
		messages = append(messages, m)
	}
	return normal(messages)
}

func millisecond(text string) time.Time {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}

// normal sorts the attributes of messages by name, of which the last one counts, and leaves out
// those without a type or a value. Their order has no meaning.
func normal(messages []Message) []Message {
	for i := range messages {
		last := map[string]Attribute{}
		for _, a := range messages[i].Attributes {
			if len(a.Binary) == 0 {
				a.Binary = nil
			}
			if a.DataType != "" && (a.Text != "" || a.Binary != nil) {
				last[a.Name] = a
			}
		}
		messages[i].Attributes = nil
		for _, name := range slices.Sorted(maps.Keys(last)) {
			messages[i].Attributes = append(messages[i].Attributes, last[name])
		}
	}
	return messages
}

// randomText is made of all kinds of characters that JSON escapes, or could escape.
func randomText(rng *rand.Rand, most int) string {
	kinds := []string{
		"a", "0", " ", `"`, `\`, "/", "\n", "\t", "\x00", "\x1f", "\x7f", "é", "\u2028", "\ufffd",
		"\uffff", "😀", "\U0010ffff", "<", "&", `{"a":1}`, `\ud83d`,
	}
	var b strings.Builder
	for range rng.IntN(most) {
		b.WriteString(kinds[rng.IntN(len(kinds))])
	}
	return b.String()
}

// randomEvent makes an event with that number of records.
func randomEvent(rng *rand.Rand, records int) events.SQSEvent {
	event := events.SQSEvent{Records: []events.SQSMessage{}}
	for i := range records {
		text := randomText(rng, 20)
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: "id " + strconv.Itoa(i) + text, ReceiptHandle: randomText(rng, 60),
			Body: randomText(rng, 100), Md5OfBody: text,
			Attributes: map[string]string{
				"ApproximateReceiveCount": strconv.Itoa(rng.IntN(9)), "SenderId": text, text: text,
				"SentTimestamp":                    strconv.Itoa(rng.IntN(1 << 40)),
				"ApproximateFirstReceiveTimestamp": strconv.Itoa(rng.IntN(1<<40) - 1<<30),
				"AWSTraceHeader":                   randomText(rng, 9),
			},
			MessageAttributes: map[string]events.SQSMessageAttribute{
				text: {StringValue: &text, BinaryValue: []byte(text), DataType: "String"},
				"b":  {BinaryValue: []byte{0, 255}, DataType: "Binary"},
			},
			EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:orders", EventSource: "aws:sqs",
			AWSRegion: "us-east-1",
		})
	}
	return event
}

// inASCII writes every character beyond ASCII of a JSON text as escapes, as many senders do.
func inASCII(text []byte) []byte {
	var b []byte
	for _, r := range string(text) {
		switch {
		case r < utf8.RuneSelf:
			b = append(b, byte(r))
		case r > 0xffff:
			r -= 0x10000
			b = fmt.Appendf(b, `\u%04x\u%04X`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
	}
	return b
}

// reference reads an event as ReadEvent promises to, with encoding/json alone. It is not ok when
// the payload is no event.
func reference(payload []byte) (messages []Message, ok bool) {
	text := func(raw json.RawMessage) (text string) {
		if len(raw) > 0 && raw[0] == '"' {
			_ = json.Unmarshal(raw, &text) // is valid, as a part of what is
		}
		return text
	}
	object := func(raw json.RawMessage) (members map[string]json.RawMessage) {
		if len(raw) == 0 || raw[0] != '{' || json.Unmarshal(raw, &members) != nil {
			return nil
		}
		return members
	}
	if !utf8.Valid(payload) || !json.Valid(payload) {
		return nil, false
	}
	var records []json.RawMessage
	list := object([]byte(strings.TrimLeft(string(payload), " \t\r\n")))["Records"]
	if len(list) == 0 || list[0] != '[' || json.Unmarshal(list, &records) != nil {
		return nil, false
	}
	messages = []Message{}
	for _, record := range records {
		members := object(record)
		m := Message{
			ID: text(members["messageId"]), ReceiptHandle: text(members["receiptHandle"]),
			Body: text(members["body"]), Receives: 1,
		}
		attributes := object(members["attributes"])
		if n, err := strconv.Atoi(text(attributes["ApproximateReceiveCount"])); err == nil {
			m.Receives = n
		}
		m.SentAt = millisecond(text(attributes["SentTimestamp"]))
		m.FirstReceived = millisecond(text(attributes["ApproximateFirstReceiveTimestamp"]))
		m.TraceHeader = text(attributes["AWSTraceHeader"])
		for name, raw := range object(members["messageAttributes"]) {
			parts := object(raw)
			binary, err := base64.StdEncoding.DecodeString(text(parts["binaryValue"]))
			if err != nil {
				binary = nil
			}
			a := Attribute{name, text(parts["dataType"]), text(parts["stringValue"]), binary}
			m.Attributes = append(m.Attributes, a)
		}
		if m.ID == "" {
			return nil, false
		}
		messages = append(messages, m)
	}
	return normal(messages), true
}

// FuzzReadEvent feeds any payload. It looks for panics and for any difference from the reference.
func FuzzReadEvent(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		payload, err := json.Marshal(randomEvent(rng, rng.IntN(4)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
		f.Add(inASCII(payload))
	}
	f.Add(
		[]byte(
			`{"Records":[{"messageId":"m","body":"b","attributes":{"ApproximateReceiveCount":"3"}}],` +
				`"Records":[{}],"x":[{}]}`,
		),
	)
	f.Fuzz(func(t *testing.T, payload []byte) {
		if strings.Count(string(payload), "[")+strings.Count(string(payload), "{") > jsonscan.MaxDepth {
			return // may be deeper than the scanner goes
		}
		want, ok := reference(payload)
		got, err := ReadEvent(payload)
		if (err == nil) != ok || err != nil && !errors.Is(err, ErrNoEvent) {
			t.Fatalf("error %v; is an event: %v", err, ok)
		}
		if diff := cmp.Diff(want, normal(got)); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	})
}

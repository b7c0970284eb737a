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
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/jsonscan"
	"orderpipeline/shared/ledger"
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

// normal sorts the attributes of messages by name, of which the last one counts, and leaves out those
// without a type or a value. Their order has no meaning.
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

// randomText is made of all kinds of characters that JSON writes in a way of its own, or could.
func randomText(rng *rand.Rand, most int) string {
	kinds := []string{"a", "0", " ", `"`, `\`, "/", "\n", "\t", "\x00", "\x1f", "\x7f", "é", "\u2028", "\ufffd", "\uffff", "😀", "\U0010ffff", "<", "&", `{"a":1}`, `\ud83d`}
	var b strings.Builder
	for range rng.IntN(most) {
		b.WriteString(kinds[rng.IntN(len(kinds))])
	}
	return b.String()
}

// randomEvent makes an event of so many records.
func randomEvent(rng *rand.Rand, records int) events.SQSEvent {
	event := events.SQSEvent{Records: []events.SQSMessage{}}
	for i := range records {
		text := randomText(rng, 20)
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: "id " + strconv.Itoa(i) + text, ReceiptHandle: randomText(rng, 60), Body: randomText(rng, 100), Md5OfBody: text,
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
			EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:orders", EventSource: "aws:sqs", AWSRegion: "us-east-1",
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

func TestEventsAreReadAsEncodingJSONReadsThem(t *testing.T) {
	t.Parallel()
	const seed = 20241213
	rng := rand.New(rand.NewPCG(seed, 0))
	sizes := []int{0, 1, 10_000}
	for range 300 {
		sizes = append(sizes, rng.IntN(30))
	}
	for _, records := range sizes {
		event := randomEvent(rng, records)
		compact, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		indented, err := json.MarshalIndent(event, "\r\n", " \t")
		if err != nil {
			t.Fatal(err)
		}
		for _, payload := range [][]byte{compact, indented, inASCII(compact)} {
			want := asMessages(t, payload)
			got, err := ReadEvent(payload)
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, payload)
			}
			clear(payload) // as the runtime does with the next event
			if diff := cmp.Diff(want, normal(got)); diff != "" || len(got) != records {
				t.Fatalf("seed %d, an event of %d records gives %d (-want +got):\n%s", seed, records, len(got), diff)
			}
		}
	}
}

func TestOddEvents(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		payload string
		want    []Message
	}{
		"no records":                 {` { "Records" : [ ] } `, nil},
		"nothing but the id":         {`{"Records":[{"messageId":"m"}]}`, []Message{{ID: "m", Receives: 1}}},
		"null is missing":            {`{"Records":[{"messageId":"m","body":null,"receiptHandle":null,"attributes":null}]}`, []Message{{ID: "m", Receives: 1}}},
		"no string is missing":       {`{"Records":[{"messageId":"m","body":{"a":1},"receiptHandle":7,"attributes":["x"]}]}`, []Message{{ID: "m", Receives: 1}}},
		"count is a number":          {`{"Records":[{"messageId":"m","attributes":{"ApproximateReceiveCount":3}}]}`, []Message{{ID: "m", Receives: 1}}},
		"count is no number":         {`{"Records":[{"messageId":"m","attributes":{"ApproximateReceiveCount":"many"}}]}`, []Message{{ID: "m", Receives: 1}}},
		"the last value counts":      {`{"Records":[7],"Records":[{"messageId":1,"messageId":"m","body":"a","body":"b","attributes":{"ApproximateReceiveCount":"3"},"attributes":{}}]}`, []Message{{ID: "m", Body: "b", Receives: 1}}},
		"names are matched as is":    {`{"records":[],"Records":[{"MessageID":"x","messageId":"m","Body":"x"}]}`, []Message{{ID: "m", Receives: 1}}},
		"names with escapes":         {`{"\u0052ecords":[{"message\u0049d":"m","\u0062ody":"b","attributes":{"\u0041pproximateReceiveCount":"\u0032"}}]}`, []Message{{ID: "m", Body: "b", Receives: 2}}},
		"times that are none":        {`{"Records":[{"messageId":"m","attributes":{"SentTimestamp":"-1","ApproximateFirstReceiveTimestamp":"soon"}}]}`, []Message{{ID: "m", Receives: 1}}},
		"attributes without a value": {`{"Records":[{"messageId":"m","messageAttributes":{"a":{"dataType":"String"},"b":{"stringValue":"x"},"c":7,"d":{"dataType":"Binary","binaryValue":"?"}}}]}`, []Message{{ID: "m", Receives: 1}}},
		"an attribute":               {`{"Records":[{"messageId":"m","messageAttributes":{"a":{"dataType":"Number","stringValue":"7","stringListValues":[]}}}]}`, []Message{{ID: "m", Receives: 1, Attributes: []Attribute{{Name: "a", DataType: "Number", Text: "7"}}}}},
		"unknown members":            {`{"x":{"Records":7},"Records":[{"x":[{"messageId":"x"}],"messageId":"m","y":null}],"y":[1,2]}`, []Message{{ID: "m", Receives: 1}}},
		"half a character":           {`{"Records":[{"messageId":"m","body":"\ud83d"}]}`, []Message{{ID: "m", Body: "\uFFFD", Receives: 1}}},
		"a byte order mark inside":   {"{\"Records\":[{\"messageId\":\"m\",\"body\":\"\ufeff\"}]}", []Message{{ID: "m", Body: "\ufeff", Receives: 1}}},
	} {
		got, err := ReadEvent([]byte(c.payload))
		if diff := cmp.Diff(append([]Message{}, c.want...), got); err != nil || diff != "" {
			t.Errorf("%s: error %v, messages (-want +got):\n%s", name, err, diff)
		}
	}
}

// What is no event is an error that says so. It repeats nothing of the payload, which may be a customer's.
func TestNoEvent(t *testing.T) {
	t.Parallel()
	const start = "the payload is not an event of an SQS event source mapping: "
	for payload, want := range map[string]string{
		"":                                  "it is not a JSON object",
		"null":                              "it is not a JSON object",
		`["secret"]`:                        "it is not a JSON object",
		`{}`:                                "it has no list Records",
		`{"secret":"secret"}`:               "it has no list Records",
		`{"Records":null}`:                  "its Records are not a list",
		`{"Records":{"secret":1}}`:          "its Records are not a list",
		`{"Records":[],"Records":"secret"}`: "its Records are not a list",
		`{"Records":[{"body":"secret"}]}`:   "record 0 has no messageId",
		`{"Records":[{"messageId":"a"},{"messageId":""}]}`:                            "record 1 has no messageId",
		`{"Records":[{"messageId":"a"},{"messageId":null},{}]}`:                       "record 1 has no messageId",
		`{"Records":[{"messageId":7}]}`:                                               "record 0 has no messageId",
		`{"Records":["secret"]}`:                                                      "record 0 has no messageId",
		`{"Records":[null]}`:                                                          "record 0 has no messageId",
		`{"Records":[{"messageId":"secret"}`:                                          "a comma or closing bracket is missing at byte 34",
		`{"Records":[{"messageId":"secret"}]} secret`:                                 "more text follows the end of the JSON value at byte 37",
		`{"Records":[{"messageId":"secret","secret":tru}]}`:                           "a value is not JSON at byte 43",
		`{"Records":[],"secret":` + strings.Repeat("[", 600):                          "lists and objects are nested more than 512 deep at byte 534",
		`{"Records":[{"messageId":"m","body":"\x"}]}`:                                 "an escape in a string is malformed at byte 38",
		"{\"Records\":[{\"messageId\":\"m\",\"body\":\"\xff\"}]}":                     "it is not UTF-8 text",
		`{"Records":[{"EventSource":"aws:sns","Sns":{"Message":"secret"}}]}`:          "record 0 has no messageId",
		`{"resource":"/secret","httpMethod":"GET","requestContext":{"stage":"live"}}`: "it has no list Records",
	} {
		messages, err := ReadEvent([]byte(payload))
		if !errors.Is(err, ErrNoEvent) || err.Error() != start+want || messages != nil {
			t.Errorf("%.60q: error %v, %d messages; want the error %q and none", payload, err, len(messages), start+want)
		}
	}
}

func TestInvoke(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	handler := lambda.NewHandler(r.Handler) // which refuses with an error what is no handler
	invoke := func(event any) (string, error) {
		t.Helper()
		payload, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := handler.Invoke(t.Context(), payload)
		clear(payload)
		return string(answer), err
	}
	record := func(id, body string) map[string]string { return map[string]string{"messageId": id, "body": body} }
	type list = []map[string]string

	if answer, err := invoke(map[string]any{"Records": list{record("m0", body("ORD1", "U1", "40")), record("m1", "no JSON")}}); err != nil || answer != `{"batchItemFailures":[]}` {
		t.Errorf("answer %s, error %v; want an empty list", answer, err)
	}
	if answer, err := invoke(map[string]any{"Records": list{}}); err != nil || answer != `{"batchItemFailures":[]}` {
		t.Errorf("answer to no records %s, error %v; want an empty list", answer, err)
	}
	r.sendErr = errors.New("queue out of reach")
	if answer, err := invoke(map[string]any{"Records": list{record(`m"2`, "no JSON"), record("m3", body("ORD2", "U1", "2"))}}); err != nil || answer != `{"batchItemFailures":[{"itemIdentifier":"m\"2"}]}` {
		t.Errorf("answer %s, error %v; want the first message", answer, err)
	}
	if answer, err := invoke(map[string]any{"Records": list{record("m4", "no JSON")}}); !errors.Is(err, ErrNothingDone) || answer != "" {
		t.Errorf("answer %s, error %v; want ErrNothingDone", answer, err)
	}
	// The second could not be reported as failed: neither may be recorded before all come back.
	if answer, err := invoke(map[string]any{"Records": list{record("m5", body("ORD3", "U1", "1")), record("", "no JSON")}}); !errors.Is(err, ErrNoEvent) || answer != "" {
		t.Errorf("answer %s, error %v; want ErrNoEvent", answer, err)
	}
	r.wantTotals(t, 2, 4200)
}

// A refused message that could not be counted is remembered after its event has been written over.
func TestRememberedIDsOutliveTheEvent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.server.Kill()
	payload := []byte(`{"Records":[{"messageId":"m0","body":"no JSON"},{"messageId":"m1","body":` + strconv.Quote(body("ORD1", "U1", "1")) + `}]}`)
	if _, err := r.Invoke(t.Context(), payload); err != nil {
		t.Fatal(err)
	}
	clear(payload)
	want := []ledger.RefusedMessage{{MessageID: "m0", Reason: "invalid_json"}}
	if diff := cmp.Diff(want, r.uncountedRefused); diff != "" {
		t.Errorf("remembered (-want +got):\n%s", diff)
	}
}

// reference reads an event as ReadEvent promises to, with encoding/json alone. It is not ok when the payload is no event.
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
		m := Message{ID: text(members["messageId"]), ReceiptHandle: text(members["receiptHandle"]), Body: text(members["body"]), Receives: 1}
		if n, err := strconv.Atoi(text(object(members["attributes"])["ApproximateReceiveCount"])); err == nil {
			m.Receives = n
		}
		attributes := object(members["attributes"])
		m.SentAt = millisecond(text(attributes["SentTimestamp"]))
		m.FirstReceived = millisecond(text(attributes["ApproximateFirstReceiveTimestamp"]))
		m.TraceHeader = text(attributes["AWSTraceHeader"])
		for name, raw := range object(members["messageAttributes"]) {
			parts := object(raw)
			binary, err := base64.StdEncoding.DecodeString(text(parts["binaryValue"]))
			if err != nil {
				binary = nil
			}
			m.Attributes = append(m.Attributes, Attribute{name, text(parts["dataType"]), text(parts["stringValue"]), binary})
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
	f.Add([]byte(`{"Records":[{"messageId":"m","body":"b","attributes":{"ApproximateReceiveCount":"3"}}],"Records":[{}],"x":[{}]}`))
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

// benchEvent is an event of 1,000 orders of four items, as the event source mapping sends them.
func benchEvent(b *testing.B) []byte {
	var event events.SQSEvent
	for i := range 1000 {
		event.Records = append(event.Records, events.SQSMessage{
			MessageId:     fmt.Sprintf("%08x-87a3-44ab-83d2-661975830a7d", i),
			ReceiptHandle: strings.Repeat("AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a", 8),
			Body: fmt.Sprintf(`{"order_id": "ORD-%09d-9c1f02aa7b3e", "user_id": "U9041", "order_timestamp": "2024-07-02T21:00:00Z", "order_value": 618.43,`, i) +
				` "items": [{"product_id": "P001", "quantity": 2, "price_per_unit": 20.37}, {"product_id": "P057", "quantity": 5, "price_per_unit": 84.02},` +
				` {"product_id": "P090", "quantity": 1, "price_per_unit": 57.6}, {"product_id": "P012", "quantity": 3, "price_per_unit": 33.33}]}`,
			Md5OfBody: "7b270e59b47ff90a553787216d55d91d",
			Attributes: map[string]string{
				"ApproximateReceiveCount": "1", "SentTimestamp": "1735689600000",
				"SenderId": "AIDAIENQZJOLO23YVJ4VO", "ApproximateFirstReceiveTimestamp": "1735689600042",
			},
			MessageAttributes: map[string]events.SQSMessageAttribute{},
			EventSourceARN:    "arn:aws:sqs:us-east-1:000000000000:orders", EventSource: "aws:sqs", AWSRegion: "us-east-1",
		})
	}
	payload, err := json.Marshal(event)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	return payload
}

// perMessage reports the time that one of an event's 1,000 messages takes.
func perMessage(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/message")
}

func BenchmarkReadEvent(b *testing.B) {
	payload := benchEvent(b)
	for b.Loop() {
		if messages, err := ReadEvent(payload); err != nil || len(messages) != 1000 {
			b.Fatal(err)
		}
	}
	perMessage(b)
}

// BenchmarkEncodingJSON is what the standard library takes for the same, to compare with.
func BenchmarkEncodingJSON(b *testing.B) {
	payload := benchEvent(b)
	for b.Loop() {
		if messages := asMessages(b, payload); len(messages) != 1000 {
			b.Fatal(len(messages))
		}
	}
	perMessage(b)
}

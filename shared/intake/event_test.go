package intake

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/ledger"
)

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
			// Equal is much faster than Diff, which is needed for a failure only.
			if len(got) != records || !reflect.DeepEqual(want, normal(got)) {
				t.Fatalf("seed %d, an event of %d records gives %d (-want +got):\n%s",
					seed, records, len(got), cmp.Diff(want, normal(got)))
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
		"no records": {` { "Records" : [ ] } `, nil},
		"nothing but the id": {
			`{"Records":[{"messageId":"m"}]}`, []Message{{ID: "m", Receives: 1}},
		},
		"null is missing": {
			`{"Records":[{"messageId":"m","body":null,"receiptHandle":null,"attributes":null}]}`,
			[]Message{{ID: "m", Receives: 1}},
		},
		"no string is missing": {
			`{"Records":[{"messageId":"m","body":{"a":1},"receiptHandle":7,"attributes":["x"]}]}`,
			[]Message{{ID: "m", Receives: 1}},
		},
		"count is a number": {
			`{"Records":[{"messageId":"m","attributes":{"ApproximateReceiveCount":3}}]}`,
			[]Message{{ID: "m", Receives: 1}},
		},
		"count is no number": {
			`{"Records":[{"messageId":"m","attributes":{"ApproximateReceiveCount":"many"}}]}`,
			[]Message{{ID: "m", Receives: 1}},
		},
		"the last value counts": {
			`{"Records":[7],"Records":[{"messageId":1,"messageId":"m","body":"a","body":"b",` +
				`"attributes":{"ApproximateReceiveCount":"3"},"attributes":{}}]}`,
			[]Message{{ID: "m", Body: "b", Receives: 1}},
		},
		"names are matched as is": {
			`{"records":[],"Records":[{"MessageID":"x","messageId":"m","Body":"x"}]}`,
			[]Message{{ID: "m", Receives: 1}},
		},
		"names with escapes": {
			`{"\u0052ecords":[{"message\u0049d":"m","\u0062ody":"b",` +
				`"attributes":{"\u0041pproximateReceiveCount":"\u0032"}}]}`,
			[]Message{{ID: "m", Body: "b", Receives: 2}},
		},
		"times that are none": {
			`{"Records":[{"messageId":"m","attributes":{"SentTimestamp":"-1",` +
				`"ApproximateFirstReceiveTimestamp":"soon"}}]}`,
			[]Message{{ID: "m", Receives: 1}},
		},
		"attributes without a value": {
			`{"Records":[{"messageId":"m","messageAttributes":{"a":{"dataType":"String"},` +
				`"b":{"stringValue":"x"},"c":7,"d":{"dataType":"Binary","binaryValue":"?"}}}]}`,
			[]Message{{ID: "m", Receives: 1}},
		},
		"an attribute": {
			`{"Records":[{"messageId":"m","messageAttributes":` +
				`{"a":{"dataType":"Number","stringValue":"7","stringListValues":[]}}}]}`,
			[]Message{
				{ID: "m", Receives: 1, Attributes: []Attribute{{Name: "a", DataType: "Number", Text: "7"}}},
			},
		},
		"unknown members": {
			`{"x":{"Records":7},"Records":[{"x":[{"messageId":"x"}],"messageId":"m","y":null}],"y":[1,2]}`,
			[]Message{{ID: "m", Receives: 1}},
		},
		"half a character": {
			`{"Records":[{"messageId":"m","body":"\ud83d"}]}`,
			[]Message{{ID: "m", Body: "\uFFFD", Receives: 1}},
		},
		"a byte order mark inside": {
			"{\"Records\":[{\"messageId\":\"m\",\"body\":\"\ufeff\"}]}",
			[]Message{{ID: "m", Body: "\ufeff", Receives: 1}},
		},
	} {
		got, err := ReadEvent([]byte(c.payload))
		if diff := cmp.Diff(append([]Message{}, c.want...), got); err != nil || diff != "" {
			t.Errorf("%s: error %v, messages (-want +got):\n%s", name, err, diff)
		}
	}
}

// What is no event is an error that says so. It repeats nothing of the payload, which may be a
// customer's.
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
		`{"Records":[{"messageId":"a"},{"messageId":""}]}`:      "record 1 has no messageId",
		`{"Records":[{"messageId":"a"},{"messageId":null},{}]}`: "record 1 has no messageId",
		`{"Records":[{"messageId":7}]}`:                         "record 0 has no messageId",
		`{"Records":["secret"]}`:                                "record 0 has no messageId",
		`{"Records":[null]}`:                                    "record 0 has no messageId",

		// Broken JSON.
		`{"Records":[{"messageId":"secret"}`: "" +
			"a comma or closing bracket is missing at byte 34",
		`{"Records":[{"messageId":"secret"}]} secret`: "" +
			"more text follows the end of the JSON value at byte 37",
		`{"Records":[{"messageId":"secret","secret":tru}]}`: "" +
			"a value is not JSON at byte 43",
		`{"Records":[],"secret":` + strings.Repeat("[", 600): "" +
			"lists and objects are nested more than 512 deep at byte 534",
		`{"Records":[{"messageId":"m","body":"\x"}]}`: "" +
			"an escape in a string is malformed at byte 38",

		// Other text and other events.
		"{\"Records\":[{\"messageId\":\"m\",\"body\":\"\xff\"}]}": "" +
			"it is not UTF-8 text",
		`{"Records":[{"EventSource":"aws:sns","Sns":{"Message":"secret"}}]}`: "" +
			"record 0 has no messageId",
		`{"resource":"/secret","httpMethod":"GET","requestContext":{"stage":"live"}}`: "" +
			"it has no list Records",
	} {
		messages, err := ReadEvent([]byte(payload))
		if !errors.Is(err, ErrNoEvent) || err.Error() != start+want || messages != nil {
			t.Errorf(
				"%.60q: error %v, %d messages; want the error %q and none", payload, err, len(messages),
				start+want,
			)
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
	record := func(id, body string) map[string]string {
		return map[string]string{"messageId": id, "body": body}
	}
	event := func(records ...map[string]string) any { return map[string]any{"Records": records} }

	answer, err := invoke(event(record("m0", body("ORD1", "U1", "40")), record("m1", "no JSON")))
	if err != nil || answer != `{"batchItemFailures":[]}` {
		t.Errorf("answer %s, error %v; want an empty list", answer, err)
	}
	answer, err = invoke(event([]map[string]string{}...))
	if err != nil || answer != `{"batchItemFailures":[]}` {
		t.Errorf("answer to no records %s, error %v; want an empty list", answer, err)
	}
	r.sendErr = errors.New("queue out of reach")
	answer, err = invoke(event(record(`m"2`, "no JSON"), record("m3", body("ORD2", "U1", "2"))))
	if err != nil || answer != `{"batchItemFailures":[{"itemIdentifier":"m\"2"}]}` {
		t.Errorf("answer %s, error %v; want the first message", answer, err)
	}
	answer, err = invoke(event(record("m4", "no JSON")))
	if !errors.Is(err, ErrNothingDone) || answer != "" {
		t.Errorf("answer %s, error %v; want ErrNothingDone", answer, err)
	}
	// The second could not be reported as failed: neither may be recorded before both are redelivered.
	answer, err = invoke(event(record("m5", body("ORD3", "U1", "1")), record("", "no JSON")))
	if !errors.Is(err, ErrNoEvent) || answer != "" {
		t.Errorf("answer %s, error %v; want ErrNoEvent", answer, err)
	}
	r.wantTotals(t, 2, 4200)
}

// A refused message that could not be counted is remembered after its event has been written over.
func TestRememberedIDsOutliveTheEvent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.server.Kill()
	payload := []byte(`{"Records":[{"messageId":"m0","body":"no JSON"},{"messageId":"m1","body":` +
		strconv.Quote(body("ORD1", "U1", "1")) + `}]}`)
	if _, err := r.Invoke(t.Context(), payload); err != nil {
		t.Fatal(err)
	}
	clear(payload)
	want := []ledger.RefusedMessage{{MessageID: "m0", Reason: "invalid_json"}}
	if diff := cmp.Diff(want, r.uncountedRefused); diff != "" {
		t.Errorf("remembered (-want +got):\n%s", diff)
	}
}

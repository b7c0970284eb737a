package queue

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
)

func TestARecordReadAgainIsTheMessage(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"order_id":"ORD1","v":20.00}`, "not json\n\t\"", "ä💶\u202e<&>", `"{\"order_id\":1}"`,
	} {
		r := Record{
			ID:         "id-1",
			Body:       body,
			Sent:       time.UnixMilli(1700000000123).UTC(),
			Receives:   3,
			Attributes: map[string]string{"reason": "invalid_json"},
		}
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseResend(line)
		if err != nil || got.Label != "id-1" || got.Body != body {
			t.Errorf("%q is read as %q with id %q, error %v", body, got.Body, got.Label, err)
		}
	}
}

func TestTheRecordOfAHeldMessage(t *testing.T) {
	t.Parallel()
	attributes := stringAttributes(map[string]string{"reason": "invalid_json"})
	attributes["picture"] = types.MessageAttributeValue{BinaryValue: []byte{1}}
	h := held(types.Message{
		MessageId: aws.String("id-1"), Body: aws.String("b"), MessageAttributes: attributes,
		Attributes: map[string]string{
			"SentTimestamp": "1700000000123", "ApproximateReceiveCount": "3",
		},
	})
	got, err := json.Marshal(h.Record)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"message_id":"id-1","sent":"2023-11-14T22:13:20.123Z","receives":3,` +
		`"attributes":{"reason":"invalid_json"},"body":"b"}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestParseResend(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, line, id, body string
		wantErr              bool
	}{
		{
			name: "a repaired text", line: `{"message_id":"m1","body":"{\"a\":1}"}`, id: "m1",
			body: `{"a":1}`,
		},
		{
			name: "the order itself, every digit kept",
			line: `{"message_id":"m1","attributes":{},"body":{"price":20.00, "n":[1, 2]}}`, id: "m1",
			body: `{"price":20.00,"n":[1,2]}`,
		},
		{
			name: "just an order", line: `{"order_id":"ORD1","items":[]}`,
			body: `{"order_id":"ORD1","items":[]}`,
		},
		{
			name: "an order with a field called body", line: `{"order_id":"ORD1","body":"x"}`,
			body: `{"order_id":"ORD1","body":"x"}`,
		},
		{name: "a number", line: `7`, wantErr: true},
		{name: "a list", line: `[{"message_id":"m1","body":"x"}]`, wantErr: true},
	} {
		m, err := ParseResend(json.RawMessage(c.line))
		id, body := m.Label, m.Body
		if id != c.id || body != c.body || (err != nil) != c.wantErr {
			t.Errorf(
				"%s: id %q, body %q, error %v; want %q, %q, error %v", c.name, id, body, err, c.id, c.body,
				c.wantErr,
			)
		}
	}
}

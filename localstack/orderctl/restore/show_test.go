package restore

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderpipeline/localstack/orderctl/audit"
	"orderpipeline/localstack/orderctl/objects"
	"orderpipeline/localstack/orderctl/session"
)

func TestShowAndList(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.several(12)
	importOrders(t, c, manyBodies(3))
	s, out, _ := c.open()
	if err := s.list(
		t.Context(),
		objects.Window{},
		false,
	); err != nil ||
		!strings.Contains(out.String(), "2026-03-01") {
		t.Errorf("list: %v\n%s", err, out)
	}
	for _, id := range []string{"O7", "m-O7"} {
		s, out, _ := c.open()
		s.JSON = true
		var got struct{ Lines []hit }
		if err := errors.Join(
			s.show(t.Context(), objects.Window{}, id),
			json.Unmarshal(out.Bytes(), &got),
		); err != nil {
			t.Fatal(err)
		}
		if len(got.Lines) != 1 || got.Lines[0].Line != 3 || got.Lines[0].outcome() != "recorded" {
			t.Errorf("%s: %+v", id, got)
		}
	}
	if err := s.show(t.Context(), objects.Window{}, "O"); err == nil {
		t.Error("an id that is only the beginning of others was found")
	}
}

func TestFaultsAreCountedInTheVerification(t *testing.T) {
	t.Parallel()
	v := &verification{Faults: []audit.Fault{{Object: "o", Line: 3, Text: "broken"}}, FaultCount: 1}
	c := newCloud(t)
	s, out, _ := c.open()
	if err := s.report(
		v,
		5,
	); !errors.Is(err, session.ErrCheck) ||
		!strings.Contains(out.String(), "o line 3: broken") {
		t.Errorf("error %v\n%s", err, out)
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.several(12)
	c.log = []map[string]any{
		{"timestamp": 1_700_000_000_000, "message": "START RequestId: 1"},
		{"timestamp": 1_700_000_000_001, "message": `{"msg":"refused","message_id":"m-9"}` + "\n"},
	}
	text := func(s string) sqstypes.MessageAttributeValue { return sqstypes.MessageAttributeValue{StringValue: &s} }
	c.waiting = map[string][]sqstypes.Message{
		"orders-rejected": {
			{
				MessageId: aws.String("r-1"),
				Body:      aws.String(`{"order_id": "X1"}`),
				MessageAttributes: map[string]sqstypes.MessageAttributeValue{
					"reason":            text("missing_field"),
					"source_message_id": text("m-9"),
				},
			},
			{MessageId: aws.String("r-2"), Body: aws.String(`{"order_id": "X2"}`)},
		},
		"orders-dlq": {{MessageId: aws.String("d-1"), Body: aws.String(`{"order_id":"D1"}`)}},
	}
	waiting := c.waiting
	for _, test := range []struct {
		id, verdict            string
		archived, queued, logs int
	}{
		{"O7", "counted", 1, 0, 0},
		{"m-9", "refused; a message is in orders-rejected", 0, 1, 2}, // in the logs of both functions
		{"X1", "refused; a message is in orders-rejected", 0, 1, 0},
		{"D1", "failed: it is in the dead-letter queue", 0, 1, 0},
	} {
		c.waiting = maps.Clone(waiting)
		s, out, _ := c.open()
		s.JSON = true
		var got traced
		if err := errors.Join(
			s.trace(t.Context(), traceFlags{}, test.id),
			json.Unmarshal(out.Bytes(), &got),
		); err != nil {
			t.Fatalf("%s: %v", test.id, err)
		}
		if got.Verdict != test.verdict || len(got.Archive) != test.archived ||
			len(got.Queues) != test.queued ||
			len(got.Log) != test.logs {
			t.Errorf("%s: %s", test.id, out)
		}
		s.JSON = false
		c.waiting = maps.Clone(waiting)
		out.Reset()
		if err := s.trace(
			t.Context(),
			traceFlags{},
			test.id,
		); err != nil ||
			!strings.Contains(out.String(), test.id+": "+test.verdict) {
			t.Errorf("%s: error %v\n%s", test.id, err, out)
		}
	}

	c.waiting = maps.Clone(waiting)
	s, out, _ := c.open()
	if err := s.trace(t.Context(), traceFlags{}, "nothing"); err == nil || out.Len() > 0 {
		t.Errorf("an id that is nowhere: error %v, output %q; want an error alone", err, out)
	}
}

package restore

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderpipeline/localstack/orderctl/audit"
	"orderpipeline/localstack/orderctl/objects"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/archive"
	"orderpipeline/shared/order"
)

func TestShowAndList(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.several(12)
	importOrders(t, c, manyBodies(3))
	s, out, _ := c.open()
	if err := s.list(t.Context(), objects.Window{}, false); err != nil ||
		!strings.Contains(out.String(), "2026-03-01") {
		t.Errorf("list: %v\n%s", err, out)
	}
	for _, id := range []string{"O7", "m-O7"} {
		s, out, _ := c.open()
		s.JSON = true
		var got struct{ Lines []hit }
		if err := errors.Join(
			s.show(t.Context(), objects.Window{}, id), json.Unmarshal(out.Bytes(), &got),
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
	v := &verification{Book: audit.NewBook()}
	v.Comparison = audit.NewComparison(v.Book)
	v.Faults, v.FaultCount = []audit.Fault{{Object: "o", Line: 3, Text: "broken"}}, 1
	c := newCloud(t)
	s, out, _ := c.open()
	if err := s.report(v, 5); !errors.Is(err, session.ErrCheck) ||
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
	text := func(s string) sqstypes.MessageAttributeValue {
		return sqstypes.MessageAttributeValue{StringValue: &s}
	}
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
			s.trace(t.Context(), traceFlags{}, test.id), json.Unmarshal(out.Bytes(), &got),
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
		if err := s.trace(t.Context(), traceFlags{}, test.id); err != nil ||
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

// Objects that others wrote, or that are cut off, and a queue that was deleted are named; what can
// be read is found all the same.
func TestDamagedObjectsAndADeletedQueueAreNamed(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.several(12)
	const foreign = archive.MessagesPrefix + "date=2026-03-01/hour=09/foreign" + archive.Suffix
	c.s3.Write(foreign, []byte("no zstd"))
	c.deleted = "orders-rejected"
	for name, command := range map[string]func(*store) error{
		"show":   func(s *store) error { return s.show(t.Context(), objects.Window{}, "O7") },
		"trace":  func(s *store) error { return s.trace(t.Context(), traceFlags{}, "O7") },
		"verify": func(s *store) error { return s.verify(t.Context(), false, defaultShown) },
	} {
		s, out, errOut := c.open()
		err := command(s)
		said := out.String() + errOut.String()
		if !strings.Contains(said, foreign) || strings.Count(said, foreign) > 1 {
			t.Errorf("%s does not name %s once:\n%s", name, foreign, said)
		}
		if name == "verify" {
			if !errors.Is(err, session.ErrCheck) {
				t.Errorf("verify: error %v, want ErrCheck", err)
			}
			continue
		}
		if err != nil || !strings.Contains(said, "O7") {
			t.Errorf("%s: error %v, output:\n%s", name, err, said)
		}
		if name == "trace" && !strings.Contains(said, "orders-rejected: the queue does not exist") {
			t.Errorf("trace does not name the queue:\n%s", said)
		}
	}
	s, out, _ := c.open()
	if err := s.list(t.Context(), objects.Window{}, false); err != nil ||
		strings.Contains(out.String(), "imports") {
		t.Errorf("list takes a foreign object for an import: error %v\n%s", err, out)
	}

	c.orders["lost"], _ = newOrder("lost", "U1", "2024-05-05", 100)
	err := s.rebuild(t.Context(), rebuildFlags{parallel: 1})
	if !errors.Is(err, errFewer) || !strings.Contains(err.Error(), "1 faults that orderctl archive") {
		t.Errorf("rebuild: error %v, want one that names the faults of the archive", err)
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.several(12) // of U0, U1 and U2
	alone, _ := newOrder("alone", "U1", "2024-01-01", 1)
	c.archive(false, alone) // an object of that customer alone
	var lines []archive.Line
	for _, body := range []string{
		`{"user_id":"U1"}`, `{"user_id": "U1", "items": 7}`, `broken "U1"`, // refused, and about U1
		`{"user_id":"U2","items":[{"product_id":"U1"}]}`, `{"user_id":"U11"}`, `x`, // not about U1
	} {
		lines = append(lines, archive.Line{
			MessageID: "m", Outcome: archive.Invalid, Reason: order.InvalidField, Body: body,
		})
	}
	c.s3.Write(archive.Key(time.Now(), 99), archive.Encode(lines...))
	objectsBefore := len(c.s3.Keys())

	s, out, _ := c.open()
	if err := s.forget(t.Context(), "U1"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "deleted 8 lines of 5 objects") ||
		len(c.s3.Keys()) != objectsBefore-1 {
		t.Errorf("%d objects of %d, output:\n%s", len(c.s3.Keys()), objectsBefore, out)
	}
	if err := s.rebuild(t.Context(), rebuildFlags{parallel: 1, acceptFewer: true}); err != nil {
		t.Fatal(err)
	}
	for _, o := range c.orders {
		if o.UserID == "U1" {
			t.Errorf("%v is still counted", o)
		}
	}
	if len(c.orders) != 8 {
		t.Errorf("%d orders are left, want the 8 of the other customers", len(c.orders))
	}
	s, out, _ = c.open()
	if err := s.forget(t.Context(), "U1"); err != nil ||
		!strings.Contains(out.String(), "deleted 0 lines") {
		t.Errorf("once more: error %v, output:\n%s", err, out)
	}
}

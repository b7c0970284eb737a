package intake

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/order"
)

// A call of SQS that hangs ends in time for the response.
func TestCallsOfSQSThatHang(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	deadline := time.Now().Add(time.Hour)
	ctx, cancel := context.WithDeadline(t.Context(), deadline)
	defer cancel()
	r.sendErr = context.DeadlineExceeded
	response, err := r.Handle(ctx, batchOf(body("ORD1", "U1", "40"), "no JSON"))
	if err != nil {
		t.Fatal(err)
	}
	if len(response.BatchItemFailures) != 1 {
		t.Errorf("failures: %v, want the message that was not sent", response.BatchItemFailures)
	}
	for _, call := range []string{"send", "postpone"} {
		if left := deadline.Sub(r.ends[call]); left != answerTime {
			t.Errorf("%s ends %v before the deadline, want %v", call, left, answerTime)
		}
	}
}

func TestLargestBodyHasRoomForItsAttributes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	large := strings.Repeat("x", callBytes-4096)
	wantIDs(t, "failures", r.handle(t, batchOf(large, large, "small")))
	for _, entry := range r.sent {
		size := len(*entry.MessageBody)
		for name, value := range entry.MessageAttributes {
			size += len(name) + len(*value.DataType) + len(*value.StringValue)
		}
		if size > callBytes {
			t.Errorf("a rejected message has %d bytes, over the %d that a queue accepts", size, callBytes)
		}
	}
	if len(r.sent) != 3 {
		t.Errorf("%d messages rejected, want 3", len(r.sent))
	}
}

// The sender's attributes travel along. Ours win where names are equal, and where ten are exceeded.
func TestAttributesOfTheSender(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	batch := batchOf("no JSON")
	batch[0].TraceHeader = "Root=1-2-3"
	batch[0].Attributes = []Attribute{
		{Name: "tenant", DataType: "String", Text: "t1"},
		{Name: "reason", DataType: "String", Text: "because"},
		{Name: "shard", DataType: "Number.int", Text: "7"},
		{Name: "digest", DataType: "Binary", Binary: []byte{0, 1, 255}},
		{Name: "a", DataType: "String", Text: "1"},
		{Name: "b", DataType: "String", Text: "2"},
		{Name: "c", DataType: "String", Text: "3"},
		{Name: "traceparent", DataType: "String", Text: "00-1-2-01"},
	}
	wantIDs(t, "failures", r.handle(t, batch))

	got := map[string]string{}
	for name, value := range r.sent[0].MessageAttributes {
		if value.BinaryValue != nil {
			got[name] = fmt.Sprintf("%s %x", *value.DataType, value.BinaryValue)
			continue
		}
		got[name] = *value.DataType + " " + *value.StringValue
	}
	detail := got[order.AttributeDetail]
	delete(got, order.AttributeDetail)
	want := map[string]string{
		"reason": "String invalid_json", "field": "String $", "source_message_id": "String m0",
		"traceparent": "String 00-1-2-01", "tenant": "String t1", "shard": "Number.int 7",
		"digest": "Binary 0001ff",
		"a":      "String 1", "b": "String 2",
	}
	if diff := cmp.Diff(want, got); diff != "" || detail == "" {
		t.Errorf("attributes, detail %q (-want +got):\n%s", detail, diff)
	}
	header := r.sent[0].MessageSystemAttributes["AWSTraceHeader"]
	if aws.ToString(header.StringValue) != "Root=1-2-3" {
		t.Errorf("X-Ray header %+v", header)
	}
	if trace := r.lines(t)[0].Trace; trace != "00-1-2-01" {
		t.Errorf("archived trace %q, want that of W3C", trace)
	}
}

func TestAMessageWithoutAttributesHasOurs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.handle(t, batchOf("no JSON"))
	if got := r.sent[0].MessageSystemAttributes; got != nil {
		t.Errorf("system attributes %v", got)
	}
	if got := len(r.sent[0].MessageAttributes); got != 4 {
		t.Errorf("%d attributes, want 4: %v", got, r.sent[0].MessageAttributes)
	}
}

func TestAnAnswerToNoQuestionIsIgnored(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.newBatch(batchOf("a"))
	b.entries[0].fate = recorded
	ids := []*string{nil, aws.String("0"), aws.String("1"), aws.String("-1"), aws.String("x")}
	for _, id := range ids {
		b.quarantined(id)
	}
	if b.entries[0].fate != recorded || len(r.uncountedRefused) != 0 {
		t.Errorf("fate %v, %d refused", b.entries[0].fate, len(r.uncountedRefused))
	}
}

func TestPlainText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"items[2].quantity", 100, "items[2].quantity"},
		{"a\x00b\nc", 100, "a?b?c"},
		{"\uFFFE\xff", 100, "??"},
		{"ééé", 5, "éé"},
		{"abc", 2, "ab"},
	} {
		if got := plainText(c.text, c.limit); got != c.want {
			t.Errorf("plainText(%q, %d) = %q, want %q", c.text, c.limit, got, c.want)
		}
	}
}

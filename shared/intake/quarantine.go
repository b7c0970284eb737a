package intake

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
)

// maxDetail bounds the attributes detail and field, in bytes: the queue of orders accepts messages
// 4 KiB smaller than orders-rejected does, so that the largest body still has room for its
// attributes.
const maxDetail = 1024

// maxAttributes is how many message attributes SQS allows. Ours come first.
const maxAttributes = 10

// quarantine sends the invalid messages of a round to orders-rejected. A message that cannot be
// sent fails.
func (b *batch) quarantine(ctx context.Context, round []int) {
	ctx, cancel := withReserve(ctx, answerTime)
	defer cancel()

	calls := b.rejectedCalls(round)
	var mu sync.Mutex
	concurrently(slices.Values(calls), func(entries []types.SendMessageBatchRequestEntry) {
		out, err := b.config.SQS.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{
			QueueUrl: &b.config.RejectedURL,
			Entries:  entries,
		})
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			b.fail(fmt.Errorf("send invalid messages to orders-rejected: %w", err))
			return
		}
		for _, sent := range out.Successful {
			b.quarantined(sent.Id)
		}
		for _, not := range out.Failed {
			b.fail(fmt.Errorf("orders-rejected did not accept a message: %s", aws.ToString(not.Code)))
		}
	})
}

// rejectedCalls makes the calls that send the invalid messages.
func (b *batch) rejectedCalls(round []int) [][]types.SendMessageBatchRequestEntry {
	var calls RejectedCalls
	for _, i := range round {
		e := &b.entries[i]
		if e.fate == invalid {
			b.guard(i, "quarantine", func() { calls.Add(i, e.refusal, e.message) })
		}
	}
	return calls.All
}

// quarantined notes that the message of an entry is in orders-rejected.
func (b *batch) quarantined(entryID *string) {
	i, err := strconv.Atoi(aws.ToString(entryID))
	if err != nil || i < 0 || i >= len(b.entries) || b.entries[i].fate != invalid {
		return // not an answer to what was asked: the message fails
	}
	e := &b.entries[i]
	e.fate = quarantined
	b.handler.uncountedRefused = append(b.handler.uncountedRefused, ledger.RefusedMessage{
		MessageID: strings.Clone(e.message.ID), // it may outlive the batch, whose memory it shares
		Reason:    e.refusal.Reason,
	})
}

// RejectedCalls are the entries of messages for orders-rejected, divided by number and size into
// batch calls of SQS.
type RejectedCalls struct {
	All  [][]types.SendMessageBatchRequestEntry
	size int // of the last call, in bytes
}

// Add adds a message, whose entry has the number as its id.
func (c *RejectedCalls) Add(number int, r *order.Refusal, m *Message) {
	attributes, bytes := RejectedAttributes(r, m)
	bytes += len(m.Body)
	entry := types.SendMessageBatchRequestEntry{
		Id:                aws.String(strconv.Itoa(number)),
		MessageBody:       &m.Body,
		MessageAttributes: attributes,
	}
	if m.TraceHeader != "" {
		entry.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: aws.String("String"), StringValue: &m.TraceHeader},
		}
	}

	last := len(c.All) - 1
	if last < 0 || len(c.All[last]) == callEntries || c.size+bytes > callBytes {
		c.All = append(c.All, nil)
		c.size = 0
		last++
	}
	c.All[last] = append(c.All[last], entry)
	c.size += bytes
}

// RejectedAttributes makes the attributes of a message in orders-rejected, and returns their size:
// the reason, field, detail and source of the refusal, and those of the sender that have room
// beside them. Attributes that carry the trace come before others of the sender.
func RejectedAttributes(
	r *order.Refusal, m *Message,
) (all map[string]types.MessageAttributeValue, bytes int) {
	field := r.Field
	if field == "" {
		field = order.WholeBody
	}
	attributes := []Attribute{
		{Name: order.AttributeReason, DataType: "String", Text: string(r.Reason)},
		{Name: order.AttributeField, DataType: "String", Text: plainText(field, maxDetail)},
		{Name: order.AttributeDetail, DataType: "String", Text: plainText(r.Detail, maxDetail)},
	}
	if m.ID != "" {
		source := Attribute{Name: order.AttributeSourceID, DataType: "String", Text: m.ID}
		attributes = append(attributes, source)
	}
	for _, trace := range []bool{true, false} {
		for _, a := range m.Attributes {
			if isTrace(a.Name) == trace {
				attributes = append(attributes, a)
			}
		}
	}

	all = map[string]types.MessageAttributeValue{}
	for _, a := range attributes {
		if _, taken := all[a.Name]; taken || len(all) == maxAttributes {
			continue
		}
		value := types.MessageAttributeValue{DataType: aws.String(strings.Clone(a.DataType))}
		if a.Binary != nil {
			value.BinaryValue = slices.Clone(a.Binary)
		} else {
			value.StringValue = aws.String(strings.Clone(a.Text))
		}
		all[a.Name] = value
		bytes += len(a.Name) + len(a.DataType) + len(a.Text) + len(a.Binary)
	}
	return all, bytes
}

func isTrace(name string) bool { return name == attributeTraceparent || name == "tracestate" }

// plainText makes a text fit an attribute: SQS accepts only the characters of XML 1.0.
func plainText(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0xFFFE || r == 0xFFFF || r == utf8.RuneError {
			return '?'
		}
		return r
	}, text)
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

package queue

import (
	"errors"
	"fmt"
	"iter"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Limits of SQS for one SendMessageBatch. The byte limit is that of AWS since August 2025 and of
// LocalStack 4.14; where a service allows less, Sender finds out and sends smaller batches.
const (
	MaxBatchEntries = 10
	MaxBatchBytes   = 1 << 20
)

// A Message is what is sent.
type Message struct {
	Body       string
	Attributes map[string]types.MessageAttributeValue
	Label      string // names the message in an error, such as its order_id or "order 37"
	ID         string // that SQS gave it when it was sent
}

// Size is the number of bytes that SQS counts: the body, and each attribute's name, type and value.
func (m Message) Size() int {
	n := len(m.Body)
	for name, v := range m.Attributes {
		n += len(name) + len(v.BinaryValue)
		if v.DataType != nil {
			n += len(*v.DataType)
		}
		if v.StringValue != nil {
			n += len(*v.StringValue)
		}
	}
	return n
}

// Check returns why SQS cannot carry the message unchanged, or nil.
func (m Message) Check() error {
	switch {
	case m.Body == "":
		return errors.New("it is empty")
	case m.Size() > MaxBatchBytes:
		return fmt.Errorf("it has %d bytes, SQS takes at most %d", m.Size(), MaxBatchBytes)
	case !utf8.ValidString(m.Body):
		return errors.New("it is not valid UTF-8")
	}
	for _, r := range m.Body {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return fmt.Errorf("SQS does not carry the character %U", r)
		}
	}
	return nil
}

// batches packs messages, in their order, into batches of at most MaxBatchEntries messages and
// MaxBatchBytes bytes. It ends when stop returns true or the messages end; an error of the messages
// is yielded after the last batch.
func batches(stop func() bool, messages iter.Seq2[Message, error]) iter.Seq2[[]Message, error] {
	return func(yield func([]Message, error) bool) {
		var batch []Message
		size := 0
		var failed error
		for m, err := range messages {
			if stop() {
				break
			}
			if err != nil {
				failed = err
				break
			}
			n := m.Size()
			if len(batch) == MaxBatchEntries || len(batch) > 0 && size+n > MaxBatchBytes {
				if !yield(batch, nil) {
					return
				}
				batch, size = nil, 0
			}
			batch = append(batch, m)
			size += n
		}
		if len(batch) > 0 && !yield(batch, nil) {
			return
		}
		if failed != nil {
			yield(nil, failed)
		}
	}
}

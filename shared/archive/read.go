package archive

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"orderpipeline/shared/jsonscan"
	"orderpipeline/shared/order"
)

// ErrUnreadable says that an object is not what an Encoder wrote: it is truncated or damaged, a
// line is broken, or it was written by a newer version. Reading it again gives the same error.
var ErrUnreadable = errors.New("the archive object cannot be read")

// Limits of what a Reader takes, against objects that were not made by an Encoder.
const (
	maxWindow = 64 << 20 // what zstd --long=26 writes
	maxLine   = 16 << 20 // an SQS body of 1 MiB in which every byte is escaped has 6 MiB
)

// A Reader reads the lines of one object. It is not safe for concurrent use.
type Reader struct {
	source *source
	zip    *zstd.Decoder
	lines  *bufio.Reader
	number int
	err    error
}

// NewReader makes a reader of the compressed object in r. The caller closes the reader.
func NewReader(r io.Reader) (*Reader, error) {
	from := &source{r: r}
	zip, err := zstd.NewReader(
		from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow),
	)
	if err != nil {
		return nil, err
	}
	return &Reader{source: from, zip: zip, lines: bufio.NewReaderSize(zip, writeSize)}, nil
}

// Close frees the reader's memory. It does not close what the reader reads from.
func (r *Reader) Close() { r.zip.Close() }

// Next reads the next line into line, which is overwritten. It returns io.EOF after the last line,
// an error that is ErrUnreadable when the object is not readable, or the error of what is read
// from. After an error, Next returns the same error. The texts of a line share memory with each
// other.
func (r *Reader) Next(line *Line) error {
	*line = Line{}
	if r.err != nil {
		return r.err
	}
	r.err = r.next(line)
	return r.err
}

func (r *Reader) next(line *Line) error {
	text, err := r.text()
	if err != nil {
		return err
	}
	r.number++
	if problem := parseLine(text, line); problem != nil {
		*line = Line{}
		return fmt.Errorf("%w: line %d: %w", ErrUnreadable, r.number, problem)
	}
	return nil
}

// text returns the next line without its line feed.
func (r *Reader) text() (string, error) {
	var long []byte
	for {
		part, err := r.lines.ReadSlice('\n')
		switch {
		case err == nil && long == nil:
			return string(part[:len(part)-1]), nil
		case err == nil:
			long = append(long, part[:len(part)-1]...)
			return string(long), nil
		case errors.Is(err, io.EOF) && len(part)+len(long) > 0:
			return string(append(long, part...)), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", r.explain(err)
		case len(long)+len(part) > maxLine:
			return "", fmt.Errorf("%w: line %d is longer than %d bytes", ErrUnreadable, r.number+1, maxLine)
		}
		long = append(long, part...)
	}
}

// explain distinguishes an object that is damaged from a source that failed.
func (r *Reader) explain(err error) error {
	switch {
	case r.source.err != nil:
		return r.source.err
	case !errors.Is(err, io.EOF):
		return fmt.Errorf(
			"%w: it is truncated or damaged after line %d: %w", ErrUnreadable, r.number, err,
		)
	case r.source.empty():
		return fmt.Errorf("%w: it is empty", ErrUnreadable)
	}
	return io.EOF
}

// A source remembers the error of the reader in it, and whether anything was read.
type source struct {
	r    io.Reader
	read int64
	err  error // not io.EOF
}

func (s *source) Read(to []byte) (int, error) {
	n, err := s.r.Read(to)
	s.read += int64(n)
	if err != nil && err != io.EOF { //nolint:errorlint // io.Reader returns io.EOF itself
		s.err = err
	}
	return n, err
}

func (s *source) empty() bool { return s.read == 0 }

// Problems of a line.
var (
	errNotUTF8    = errors.New("it is not UTF-8 text")
	errNotObject  = errors.New("it is not a JSON object")
	errNewVersion = errors.New("it was written by a newer version of the archive")
)

// parseLine reads one line. Members that are not known are ignored, so that members can be added
// without a new version. A line with a member v, or with another outcome, is of a newer version.
func parseLine(text string, line *Line) error {
	if !utf8.ValidString(text) {
		return errNotUTF8
	}
	var m members
	if err := m.scan(text); err != nil {
		return err
	}
	return m.line(line)
}

// The members of a line.
type members struct {
	messageID, sentAt, outcome, reason, field, detail jsonscan.Value
	orderID, userID, placed, value, mismatch          jsonscan.Value
	body, trace, version, unknown                     jsonscan.Value
}

func (m *members) scan(text string) error {
	s := jsonscan.New(text)
	if s.Next() != '{' {
		return errNotObject
	}
	s.Open()
	var name jsonscan.Value
	for s.Member(&name) {
		key, _ := name.Text()
		s.Value(m.named(key))
	}
	if !s.End() {
		return s.Err()
	}
	return nil
}

func (m *members) named(name string) *jsonscan.Value {
	switch name {
	case "message_id":
		return &m.messageID
	case "sent_at":
		return &m.sentAt
	case "outcome":
		return &m.outcome
	case "reason":
		return &m.reason
	case "field":
		return &m.field
	case "detail":
		return &m.detail
	case "order_id":
		return &m.orderID
	case "user_id":
		return &m.userID
	case "placed":
		return &m.placed
	case "value":
		return &m.value
	case "mismatch":
		return &m.mismatch
	case "body":
		return &m.body
	case "trace":
		return &m.trace
	case "v":
		return &m.version
	}
	return &m.unknown
}

func (m *members) line(l *Line) error {
	if m.version.Kind != jsonscan.Absent {
		return errNewVersion
	}
	r := texts{}
	*l = Line{
		MessageID: r.text("message_id", &m.messageID),
		SentAt:    r.moment("sent_at", &m.sentAt),
		Outcome:   Outcome(r.text("outcome", &m.outcome)),
		Reason:    order.Reason(r.text("reason", &m.reason)),
		Field:     r.text("field", &m.field),
		Detail:    r.text("detail", &m.detail),
		Body:      r.text("body", &m.body),
		Trace:     r.text("trace", &m.trace),
	}
	switch l.Outcome {
	case Recorded, Duplicate, Invalid:
	case "":
		return errors.New("outcome is missing")
	default:
		return fmt.Errorf("%w: outcome %q", errNewVersion, l.Outcome)
	}

	if m.orderID.Kind != jsonscan.Absent || l.Counts() {
		l.Order = order.Order{
			ID:       r.text("order_id", &m.orderID),
			UserID:   r.text("user_id", &m.userID),
			Placed:   r.moment("placed", &m.placed),
			Value:    r.money("value", &m.value),
			Mismatch: m.mismatch.Kind == jsonscan.Bool && m.mismatch.True,
		}
		if r.err == nil {
			r.err = l.Order.Check()
		}
	}
	return r.err
}

// texts reads members and keeps the first error.
type texts struct{ err error }

func (r *texts) fail(name, problem string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s %s", name, problem)
	}
}

// text reads a string. Absent members are empty.
func (r *texts) text(name string, v *jsonscan.Value) string {
	if v.Kind == jsonscan.Absent {
		return ""
	}
	text, whole := v.Text()
	if v.Kind != jsonscan.String || !whole {
		r.fail(name, "is not a string")
	}
	return text
}

func (r *texts) moment(name string, v *jsonscan.Value) time.Time {
	if v.Kind == jsonscan.Absent {
		return time.Time{}
	}
	moment, err := time.Parse(time.RFC3339Nano, r.text(name, v))
	if err != nil {
		r.fail(name, "is not a time of RFC 3339")
		return time.Time{}
	}
	return moment.UTC()
}

func (r *texts) money(name string, v *jsonscan.Value) order.Cents {
	value, err := order.ParseCents(r.text(name, v))
	if err != nil {
		r.fail(name, "is not an amount with two decimals")
	}
	return value
}

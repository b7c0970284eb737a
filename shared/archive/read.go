package archive

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"orderpipeline/shared/jsonscan"
	"orderpipeline/shared/order"
)

// ErrUnreadable says that an object is not what an Encoder wrote: it is truncated or damaged, a
// line is broken, or it was written by a newer version. Reading it again gives the same error.
var ErrUnreadable = errors.New("the archive object cannot be read")

// Limits of what Read takes, against objects that were not made by an Encoder.
const (
	maxWindow = 64 << 20 // what zstd --long=26 writes
	maxLine   = 16 << 20 // an SQS body of 1 MiB in which every byte is escaped has 6 MiB
)

// Read yields the lines of the compressed object in r. An error is yielded last: one that is
// ErrUnreadable when the object is not readable, or the error of r. The texts of a line share
// memory with each other.
func Read(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		from := &source{r: r}
		zip, err := zstd.NewReader(
			from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow),
		)
		if err != nil {
			yield(Line{}, err)
			return
		}
		defer zip.Close()
		texts := &reader{source: from, lines: bufio.NewReaderSize(zip, writeSize)}
		for {
			line, err := texts.line()
			if errors.Is(err, io.EOF) || !yield(line, err) || err != nil {
				return
			}
		}
	}
}

// A reader reads the lines of one object.
type reader struct {
	source *source
	lines  *bufio.Reader // of the decompressed text
	number int           // of the line that was read last
	text   []byte        // of that line
}

// line reads the next line; io.EOF after the last.
func (r *reader) line() (Line, error) {
	text, err := r.next()
	if err != nil {
		return Line{}, err
	}
	r.number++
	line, err := ParseLine(text)
	if err != nil {
		err = fmt.Errorf("%w: line %d: %w", ErrUnreadable, r.number, err)
	}
	return line, err
}

// next returns the text of the next line without its line feed.
func (r *reader) next() (string, error) {
	r.text = r.text[:0]
	for {
		part, err := r.lines.ReadSlice('\n')
		r.text = append(r.text, part...)
		switch {
		case err == nil, errors.Is(err, io.EOF) && len(r.text) > 0:
			return strings.TrimSuffix(string(r.text), "\n"), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", r.explain(err)
		case len(r.text) > maxLine:
			return "", fmt.Errorf("%w: line %d is longer than %d bytes", ErrUnreadable, r.number+1, maxLine)
		}
	}
}

// explain distinguishes an object that is damaged from a source that failed.
func (r *reader) explain(err error) error {
	switch {
	case r.source.err != nil:
		return r.source.err
	case !errors.Is(err, io.EOF):
		return fmt.Errorf(
			"%w: it is truncated or damaged after line %d: %w", ErrUnreadable, r.number, err,
		)
	case r.source.read == 0:
		return fmt.Errorf("%w: it is empty", ErrUnreadable)
	}
	return io.EOF
}

// A source remembers the error of the reader in it, and how much was read.
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

// Problems of a line.
var (
	errNotUTF8    = errors.New("it is not UTF-8 text")
	errNotObject  = errors.New("it is not a JSON object")
	errNewVersion = errors.New("it was written by a newer version of the archive")
)

// ParseLine reads one line. Members that are not known are ignored, so that members can be added
// without a new version. A line with a member v, or with another outcome, is of a newer version.
// The texts of the line share memory with text, except for the outcome.
func ParseLine(text string) (Line, error) {
	if !utf8.ValidString(text) {
		return Line{}, errNotUTF8
	}
	s := jsonscan.New(text)
	if s.Next() != '{' {
		return Line{}, errNotObject
	}
	s.Open()
	var m members
	var name, value jsonscan.Value
	for s.Member(&name) {
		s.Value(&value)
		member, _ := name.Text()
		m.read(member, &value)
	}
	if !s.End() {
		return Line{}, s.Err()
	}
	if err := m.check(); err != nil {
		return Line{}, err
	}
	return m.line, nil
}

// The members of a line that were read.
type members struct {
	line    Line
	outcome string
	value   string
	newer   bool
	err     error // the first problem
}

func (m *members) read(name string, v *jsonscan.Value) {
	o := &m.line.Order
	switch name {
	case "message_id":
		m.line.MessageID = m.text(name, v)
	case "sent_at":
		m.line.SentAt = m.moment(name, v)
	case "outcome":
		m.outcome = m.text(name, v)
	case "reason":
		m.line.Reason = order.Reason(m.text(name, v))
	case "field":
		m.line.Field = m.text(name, v)
	case "detail":
		m.line.Detail = m.text(name, v)
	case "order_id":
		o.ID = m.text(name, v)
	case "user_id":
		o.UserID = m.text(name, v)
	case "placed":
		o.Placed = m.moment(name, v)
	case "value":
		m.value = m.text(name, v)
	case "mismatch":
		o.Mismatch = v.Kind == jsonscan.Bool && v.True
	case "body":
		m.line.Body = m.text(name, v)
	case "trace":
		m.line.Trace = m.text(name, v)
	case "v":
		m.newer = true
	}
}

// check completes the line, and says what is wrong with it.
func (m *members) check() error {
	known := []Outcome{Recorded, Duplicate, Invalid}
	at := slices.Index(known, Outcome(m.outcome))
	switch {
	case m.newer:
		return errNewVersion
	case m.err != nil:
		return m.err
	case m.outcome == "":
		return errors.New("outcome is missing")
	case at < 0:
		return fmt.Errorf("%w: outcome %q", errNewVersion, m.outcome)
	}
	m.line.Outcome = known[at]
	if m.line.Order.ID == "" && !m.line.Counts() {
		return nil
	}
	var err error
	if m.line.Order.Value, err = order.ParseCents(m.value); err != nil {
		return errors.New("value is not an amount with two decimals")
	}
	return m.line.Order.Check()
}

func (m *members) fail(name, problem string) {
	if m.err == nil {
		m.err = fmt.Errorf("%s %s", name, problem)
	}
}

func (m *members) text(name string, v *jsonscan.Value) string {
	text, whole := v.Text()
	if v.Kind != jsonscan.String || !whole {
		m.fail(name, "is not a string")
	}
	return text
}

func (m *members) moment(name string, v *jsonscan.Value) time.Time {
	moment, err := time.Parse(time.RFC3339Nano, m.text(name, v))
	if err != nil {
		m.fail(name, "is not a time of RFC 3339")
	}
	return moment.UTC()
}

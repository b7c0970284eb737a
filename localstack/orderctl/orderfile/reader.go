// Package orderfile reads files of orders: NDJSON, a JSON array, {"orders": […]}, and gzip of
// these. A file of any size is read in constant memory.
package orderfile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
)

// ErrInput is wrapped by every error about a file: what was read is not a file of orders, or it
// cannot be read.
var ErrInput = errors.New("the input cannot be read")

// MaxEntry is the longest entry that is read, in bytes. SQS takes messages of at most 1 MiB.
const MaxEntry = 4 << 20

// An Entry is one order as it was written. Nothing has been checked or changed.
type Entry struct {
	// Line is the line on which the entry begins, from 1. In a compressed file it is the line of the
	// text inside.
	Line int
	Body string
}

// An Error is a fault of the file, as opposed to a fault of one order in it.
type Error struct {
	Line int // 0 where the whole file is meant
	Text string
	Err  error // the cause, where there is one
}

func (e *Error) Error() string {
	text := e.Text
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.Line == 0 {
		return ErrInput.Error() + ": " + text
	}
	return fmt.Sprintf("%s: line %d: %s", ErrInput, e.Line, text)
}

// Unwrap makes errors.Is find ErrInput and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrInput}
	}
	return []error{ErrInput, e.Err}
}

const (
	headBytes   = 64 << 10 // how much of a file is looked at to recognise its format
	bufferBytes = 256 << 10
)

// A Reader hands out the entries of one file, in their order.
type Reader struct {
	scanner *bufio.Scanner
	split   *splitter
}

// NewReader recognises the format of a file. Its error wraps ErrInput and says what the file is and
// what to do.
func NewReader(r io.Reader) (*Reader, error) {
	in, err := open(r)
	if err != nil {
		return nil, err
	}
	layout, begin, problem := recognise(in.head)
	if problem != "" {
		return nil, &Error{Text: problem}
	}
	return newReader(in, layout, begin)
}

// NewLineReader reads every line that is not blank as one entry, JSON or not.
func NewLineReader(r io.Reader) (*Reader, error) {
	in, err := open(r)
	if err != nil {
		return nil, err
	}
	return newReader(in, lines, 0)
}

// newReader reads a text from where its first entry begins.
func newReader(in *source, l layout, begin int) (*Reader, error) {
	s := &splitter{layout: l, line: 1, source: in}
	s.pass(in.head[:begin])
	if _, err := in.text.Discard(begin); err != nil {
		return nil, err
	}
	scanner := bufio.NewScanner(in.text)
	// The buffer holds one entry and what surrounds it.
	scanner.Buffer(make([]byte, bufferBytes), MaxEntry+bufferBytes)
	scanner.Split(s.next)
	return &Reader{scanner: scanner, split: s}, nil
}

// A source is the content of a file.
type source struct {
	r       io.Reader
	problem string // of the file when reading r fails
	failed  bool   // what was read last may be half an entry

	text *bufio.Reader // what r holds, without a byte order mark
	head []byte        // the beginning of text, all of it where it is short
}

// open unpacks gzip and drops a byte order mark. What holds no text is refused.
func open(r io.Reader) (*source, error) {
	s := &source{r: r, problem: "reading failed"}
	if err := s.begin(); err != nil {
		return nil, err
	}
	if bytes.HasPrefix(s.head, []byte("\x1f\x8b")) {
		unpacked, err := gzip.NewReader(s.text)
		if err != nil {
			return nil, &Error{Text: "the gzip file is damaged", Err: err}
		}
		s = &source{r: unpacked, problem: "the gzip file is damaged or cut off"}
		if err := s.begin(); err != nil {
			return nil, err
		}
	}
	if without, marked := bytes.CutPrefix(s.head, []byte(byteOrderMark)); marked {
		s.head = without
		if _, err := s.text.Discard(len(byteOrderMark)); err != nil {
			return nil, err
		}
	}
	if problem := binary(s.head); problem != "" {
		return nil, &Error{Text: problem}
	}
	return s, nil
}

// begin looks at the beginning of the text.
func (s *source) begin() (err error) {
	s.text = bufio.NewReaderSize(s, headBytes)
	if s.head, err = s.text.Peek(headBytes); errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// Read makes what goes wrong an *Error.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	s.failed = true
	if _, known := errors.AsType[*Error](err); !known {
		err = &Error{Text: s.problem, Err: err}
	}
	return n, err
}

// All yields the entries. An error, which is an *Error, is yielded last.
func (r *Reader) All() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for r.scanner.Scan() {
			if !yield(Entry{Line: r.split.start, Body: string(r.scanner.Bytes())}, nil) {
				return
			}
		}
		if err := r.scanner.Err(); err != nil {
			yield(Entry{}, r.split.explain(err))
		}
	}
}

// ReadMessage reads one message of at most limit bytes as it was written: gzip is unpacked, a byte
// order mark and the line breaks at the end are dropped. It need not be an order. A file that holds
// a list of orders, a table, or no text, is refused.
func ReadMessage(r io.Reader, limit int) (string, error) {
	in, err := open(r)
	if err != nil {
		return "", err
	}
	if _, isList := listBegin(in.head); isList {
		return "", &Error{Text: "it holds a list of orders, and this command sends one message. " +
			"Send every order of it with `orderctl populate FILE`"}
	}
	if isTable(in.head) {
		return "", &Error{Text: csv(firstLine(in.head))}
	}
	body, err := io.ReadAll(io.LimitReader(in.text, int64(limit)+1))
	if err != nil {
		return "", err
	}
	if len(body) > limit {
		return "", &Error{Text: fmt.Sprintf("the message is longer than %d bytes", limit)}
	}
	return string(bytes.TrimRight(body, "\r\n")), nil
}

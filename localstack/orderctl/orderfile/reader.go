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
	err     error
}

// NewReader recognises the format of a file. Its error wraps ErrInput and says what the file is and
// what to do.
func NewReader(r io.Reader) (*Reader, error) {
	text, head, err := open(r)
	if err != nil {
		return nil, err
	}
	layout, problem := recognise(head)
	if problem != "" {
		return nil, &Error{Text: problem}
	}
	return newReader(text, layout), nil
}

// NewLineReader reads every line that is not blank as one entry, JSON or not.
func NewLineReader(r io.Reader) (*Reader, error) {
	text, head, err := open(r)
	if err != nil {
		return nil, err
	}
	if problem := binary(head); problem != "" {
		return nil, &Error{Text: problem}
	}
	return newReader(text, lines), nil
}

func newReader(text io.Reader, l layout) *Reader {
	source := &failing{r: text}
	s := &splitter{layout: l, line: 1, source: source}
	scanner := bufio.NewScanner(source)
	// The buffer holds one entry and what surrounds it.
	scanner.Buffer(make([]byte, bufferBytes), MaxEntry+bufferBytes)
	scanner.Split(s.next)
	return &Reader{scanner: scanner, split: s}
}

// open unpacks gzip, drops a byte order mark, and returns the text with the beginning of it.
func open(r io.Reader) (text *bufio.Reader, head []byte, err error) {
	text = bufio.NewReaderSize(r, headBytes)
	head, err = peek(text)
	if err != nil {
		return nil, nil, err
	}
	if bytes.HasPrefix(head, []byte("\x1f\x8b")) {
		unpacked, err := gzip.NewReader(text)
		if err != nil {
			return nil, nil, &Error{Text: "the gzip file is damaged", Err: err}
		}
		text = bufio.NewReaderSize(gunzip{unpacked}, headBytes)
		if head, err = peek(text); err != nil {
			return nil, nil, err
		}
	}
	if !bytes.HasPrefix(head, []byte(byteOrderMark)) {
		return text, head, nil
	}
	if _, err := text.Discard(len(byteOrderMark)); err != nil {
		return nil, nil, readError(0, err)
	}
	return text, head[len(byteOrderMark):], nil
}

// peek returns the beginning of the text, all of it where it is short.
func peek(text *bufio.Reader) ([]byte, error) {
	head, err := text.Peek(headBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, readError(0, err)
	}
	return head, nil
}

// failing remembers that reading failed: what was read last may then be half an entry.
type failing struct {
	r      io.Reader
	failed bool
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	f.failed = f.failed || err != nil && !errors.Is(err, io.EOF)
	return n, err
}

// gunzip marks the errors of a damaged file.
type gunzip struct{ r io.Reader }

type damaged struct{ error }

func (d damaged) Unwrap() error { return d.error }

func (g gunzip) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = damaged{err}
	}
	return n, err
}

func readError(line int, err error) error {
	broken, isDamaged := errors.AsType[damaged](err)
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		return &Error{Line: line, Text: fmt.Sprintf("an order is longer than %d MiB", MaxEntry>>20)}
	case isDamaged:
		return &Error{Line: line, Text: "the gzip file is damaged or cut off", Err: broken.error}
	}
	return &Error{Line: line, Text: "reading failed", Err: err}
}

// Next returns the next entry; io.EOF after the last. Any other error is an *Error, and nothing
// follows it.
func (r *Reader) Next() (Entry, error) {
	if r.err != nil {
		return Entry{}, r.err
	}
	if r.scanner.Scan() {
		return Entry{Line: r.split.start, Body: string(r.scanner.Bytes())}, nil
	}
	r.err = io.EOF
	if err := r.scanner.Err(); err != nil {
		r.err = err
		if _, known := errors.AsType[*Error](err); !known {
			r.err = readError(r.split.line, err)
		}
	}
	return Entry{}, r.err
}

// All yields the entries. After an error nothing follows.
func (r *Reader) All() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for {
			entry, err := r.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(entry, err) || err != nil {
				return
			}
		}
	}
}

// ReadMessage reads one message of at most limit bytes as it was written: gzip is unpacked, a byte
// order mark and the line breaks at the end are dropped. It need not be an order. A file that holds
// a list of orders, a table, or no text, is refused.
func ReadMessage(r io.Reader, limit int) (string, error) {
	text, head, err := open(r)
	if err != nil {
		return "", err
	}
	if problem := binary(head); problem != "" {
		return "", &Error{Text: problem}
	}
	switch at := skipSpace(head, 0); {
	case at < len(head) && head[at] == '[', wrapsOrders(head[at:]):
		return "", &Error{Text: "it holds a list of orders, and this command sends one message. " +
			"Send every order of it with `orderctl populate FILE`"}
	case isTable(head):
		return "", &Error{Text: csv(firstLine(head))}
	}
	body, err := io.ReadAll(io.LimitReader(text, int64(limit)+1))
	if err != nil {
		return "", readError(0, err)
	}
	if len(body) > limit {
		return "", &Error{Text: fmt.Sprintf("the message is longer than %d bytes", limit)}
	}
	return string(bytes.TrimRight(body, "\r\n")), nil
}

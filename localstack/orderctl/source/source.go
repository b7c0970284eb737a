// Package source reads orders from a file or a pipe, one after the other, without holding the file in memory.
package source

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// ErrInput: what was read is not a series of JSON values.
var ErrInput = errors.New("the input cannot be read")

// maxLine is the longest line that Lines takes; SQS itself takes 1 MiB.
const maxLine = 4 << 20

// Values yields every JSON value of r as it stands there: of one array, or one after the other (NDJSON, or values over
// several lines). After an error, which wraps ErrInput and says where, nothing more comes.
func Values(r io.Reader) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		buffered := bufio.NewReaderSize(r, 1<<16)
		first, err := firstByte(buffered)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			yield(nil, fmt.Errorf("%w: %w", ErrInput, err))
			return
		}
		dec := json.NewDecoder(buffered)
		number := 0
		broken := func(err error) error {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = errors.New("it ends too early")
			}
			return fmt.Errorf("%w: order %d, after byte %d: %w", ErrInput, number+1, dec.InputOffset(), err)
		}
		array := first == '['
		if array {
			if _, err := dec.Token(); err != nil {
				yield(nil, broken(err))
				return
			}
		}
		for !array || dec.More() {
			var v json.RawMessage
			if err := dec.Decode(&v); err != nil {
				if !array && errors.Is(err, io.EOF) {
					return
				}
				yield(nil, broken(err))
				return
			}
			number++
			if !yield(v, nil) {
				return
			}
		}
		if _, err := dec.Token(); err != nil {
			yield(nil, broken(err))
			return
		}
		if _, err := dec.Token(); !errors.Is(err, io.EOF) {
			yield(nil, fmt.Errorf("%w: something stands after the array's end, at byte %d", ErrInput, dec.InputOffset()))
		}
	}
}

// Lines yields every line that is not blank, as it stands, JSON or not.
func Lines(r io.Reader) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, maxLine)
		number := 0
		for lines.Scan() {
			number++
			line := bytes.TrimRight(lines.Bytes(), "\r")
			if number == 1 {
				line = bytes.TrimPrefix(line, []byte(byteOrderMark))
			}
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			if !yield(bytes.Clone(line), nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(nil, fmt.Errorf("%w: line %d: %w", ErrInput, number+1, err))
		}
	}
}

const byteOrderMark = "\ufeff"

// firstByte skips a byte order mark and white space, and returns what follows without taking it.
func firstByte(r *bufio.Reader) (byte, error) {
	if mark, err := r.Peek(len(byteOrderMark)); err == nil && string(mark) == byteOrderMark {
		if _, err := r.Discard(len(byteOrderMark)); err != nil {
			return 0, err
		}
	}
	for {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		switch b {
		case ' ', '\t', '\r', '\n':
			continue
		}
		return b, r.UnreadByte()
	}
}

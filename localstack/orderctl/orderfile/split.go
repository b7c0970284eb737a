package orderfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
)

// A splitter is the split function of a bufio.Scanner: it finds the end of the next entry in what
// has been read. Entries are found by their brackets and quotes alone, so that a broken order is
// one entry, not the end of the file.
type splitter struct {
	layout layout
	state  state
	line   int // at which the unread text begins
	start  int // at which the last entry began
	source *source
}

// A state is where in a list the splitter is.
type state uint8

const (
	beforeFirst state = iota
	beforeComma       // after an entry
	beforeEntry       // after a comma
	afterList
	afterAll // after the object around the list
)

func (s *splitter) next(data []byte, atEnd bool) (advance int, token []byte, err error) {
	atEnd = atEnd && !s.source.failed
	switch s.layout {
	case lines:
		return s.nextLine(data, atEnd)
	case values:
		return s.nextValue(data, atEnd)
	default:
		return s.nextElement(data, atEnd)
	}
}

// pass counts the lines of the text that is left behind.
func (s *splitter) pass(text []byte) { s.line += bytes.Count(text, newline) }

var newline = []byte{'\n'}

func (s *splitter) nextLine(data []byte, atEnd bool) (advance int, token []byte, err error) {
	for advance < len(data) {
		line, end := data[advance:], len(data)
		if length := bytes.IndexByte(line, '\n'); length >= 0 {
			line, end = line[:length], advance+length+1
		} else if !atEnd {
			return advance, nil, nil
		}
		s.start = s.line
		if end > 0 && data[end-1] == '\n' {
			s.line++
		}
		advance = end
		line = bytes.TrimRight(line, "\r")
		if skipSpace(line, 0) < len(line) {
			return advance, line, s.tooLong(line)
		}
	}
	return advance, nil, nil
}

func (s *splitter) tooLong(entry []byte) error {
	if len(entry) > MaxEntry {
		return s.explain(bufio.ErrTooLong)
	}
	return nil
}

// explain makes the error of the scanner an *Error that names a line.
func (s *splitter) explain(err error) error {
	if errors.Is(err, bufio.ErrTooLong) {
		return s.fault(s.line, fmt.Sprintf("an order is longer than %d MiB", MaxEntry>>20))
	}
	if e, known := errors.AsType[*Error](err); known && e.Line == 0 {
		e.Line = s.line
	}
	return err
}

// nextValue takes values that follow each other with nothing but white space between them.
func (s *splitter) nextValue(data []byte, atEnd bool) (advance int, token []byte, err error) {
	begin := skipSpace(data, 0)
	s.pass(data[:begin])
	if begin == len(data) {
		return begin, nil, nil
	}
	return s.order(data, begin, atEnd)
}

// nextElement takes the elements of the list.
func (s *splitter) nextElement(data []byte, atEnd bool) (advance int, token []byte, err error) {
	at := 0
	for {
		space := skipSpace(data, at)
		s.pass(data[at:space])
		at = space
		if at == len(data) {
			return at, nil, s.endsEarly(atEnd)
		}
		switch c := data[at]; s.state {
		case beforeComma:
			switch c {
			case ',':
				s.state = beforeEntry
			case ']':
				s.state = afterList
			default:
				return 0, nil, s.fault(
					s.line, "a comma or the closing bracket of the list is missing before "+quote(data[at:at+1]),
				)
			}
			at++
		case beforeFirst, beforeEntry:
			if c == ']' && s.state == beforeFirst {
				at, s.state = at+1, afterList
				continue
			}
			return s.order(data, at, atEnd)
		case afterList, afterAll:
			if err := s.rest(data, at); err != nil {
				return 0, nil, err
			}
			if s.layout == orders && s.state == afterList {
				end, whole := bracketsEnd(data, at)
				if !whole && !atEnd {
					return at, nil, nil
				}
				if !whole {
					return 0, nil, s.endsEarly(true)
				}
				s.pass(data[at:end])
				at, s.state = end, afterAll
			}
		}
	}
}

// order takes the value that begins at begin. The state matters in a list only.
func (s *splitter) order(
	data []byte,
	begin int,
	atEnd bool,
) (advance int, token []byte, err error) {
	s.start = s.line
	end, whole := valueEnd(data, begin)
	switch {
	case !whole && !atEnd:
		return begin, nil, nil
	case !whole:
		return 0, nil, s.fault(
			s.start,
			"the order that begins here has no end: the file is cut off, or a bracket or quote is missing",
		)
	case end == begin:
		return 0, nil, s.fault(s.line, "an order is missing before "+quote(data[begin:begin+1]))
	}
	s.pass(data[begin:end])
	s.state = beforeComma
	return end, data[begin:end], s.tooLong(data[begin:end])
}

// rest complains about text after the end of the list, other than the rest of the object around it.
func (s *splitter) rest(data []byte, at int) error {
	if s.layout == orders && s.state == afterList && (data[at] == '}' || data[at] == ',') {
		return nil
	}
	return s.fault(
		s.line, "text follows the end of the list of orders: "+quote(data[at:min(at+1, len(data))]),
	)
}

// endsEarly is nil where the text may end, or where more of it can be read.
func (s *splitter) endsEarly(atEnd bool) error {
	done := s.state == afterAll || s.state == afterList && s.layout == array
	if done || !atEnd {
		return nil
	}
	return s.fault(s.line, "the file ends before the end of the list of orders: it is cut off")
}

func (s *splitter) fault(line int, text string) error { return &Error{Line: line, Text: text} }

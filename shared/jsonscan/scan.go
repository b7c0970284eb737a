// Package jsonscan goes once through a JSON text, strictly by RFC 8259, and hands out its parts on the way. It checks
// every byte, also of values that nobody asks for, uses no reflection, and allocates only to resolve escapes.
//
// An object is read like this, an array in the same way with More:
//
//	s := jsonscan.New(text) // valid UTF-8
//	if s.Next() == '{' {
//		s.Open()
//		var name, value jsonscan.Value
//		for s.Member(&name) {
//			s.Value(&value)
//		}
//	}
//	ok := s.End() // nothing follows, and nothing was wrong; if it was, Err says what
package jsonscan

import (
	"math/bits"
	"strconv"
)

// A Kind is what a JSON value is.
type Kind uint8

// The kinds. That of the zero Value is Absent: no value was read into it.
const (
	Absent Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// A Value is a JSON value that was read. Of arrays and objects nothing but the kind is kept. The text
// of a string is in Text; it shares memory with what was scanned.
type Value struct {
	Kind    Kind
	escaped bool    // raw holds escapes
	True    bool    // of a boolean
	raw     string  // of a string: what stands between its quotes
	Decimal Decimal // of a number
}

// MaxDepth is how many arrays and objects may stand inside each other.
const MaxDepth = 512

// A Scanner goes through one text. At the first fault it stops: every method that answers with a bool then says no, and
// Err says what is wrong and where.
type Scanner struct {
	text    string
	pos     int
	depth   int
	first   bool // an array or object was opened, and none of its parts read
	problem string
}

// New makes a scanner at the beginning of a text, which must be valid UTF-8.
func New(text string) Scanner { return Scanner{text: text} }

// A SyntaxError is the first fault of a text. It repeats nothing of the text.
type SyntaxError struct {
	Problem string // such as: a colon is missing
	Offset  int    // in bytes
}

func (e *SyntaxError) Error() string { return e.Problem + " at byte " + strconv.Itoa(e.Offset) }

// Err returns the fault that stopped the scanner, a *SyntaxError, or nil.
func (s *Scanner) Err() error {
	if s.problem == "" {
		return nil
	}
	return &SyntaxError{Problem: s.problem, Offset: s.pos}
}

// OK says that no fault was met so far.
func (s *Scanner) OK() bool { return s.problem == "" }

// fail notes the first fault, and cuts the text there: nothing can be read behind it.
func (s *Scanner) fail(problem string) bool {
	if s.problem == "" {
		s.problem, s.text, s.first = problem, s.text[:s.pos], false
	}
	return false
}

// Next skips white space and returns the byte that follows it, which it leaves there; 0 at the end.
func (s *Scanner) Next() byte {
	for i := s.pos; i < len(s.text); i++ {
		if c := s.text[i]; c > ' ' || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			s.pos = i
			return c
		}
	}
	s.pos = len(s.text)
	return 0
}

// AtEnd says whether nothing but white space is left.
func (s *Scanner) AtEnd() bool {
	s.Next()
	return s.pos == len(s.text)
}

// End says that the text ends here, and that no fault was met in it.
func (s *Scanner) End() bool {
	return s.OK() && (s.AtEnd() || s.fail("more text follows the end of the JSON value"))
}

// Open enters the array or object whose bracket Next has returned. Whoever opens arrays and objects inside each other
// bounds how deep: MaxDepth holds for the values inside that Value reads.
func (s *Scanner) Open() {
	s.pos++
	s.depth++
	s.first = true
}

// More goes to the next value of the opened array. It says no after the last, when the array is closed, and at a fault.
func (s *Scanner) More() bool { return s.more(']') }

// Member goes to the next value of the opened object and reads its name. It says no after the last, when the object is
// closed, and at a fault.
func (s *Scanner) Member(name *Value) bool {
	if !s.more('}') {
		return false
	}
	if s.Next() != '"' {
		return s.fail("a member name in double quotes is missing")
	}
	if !s.quoted(name) {
		return false
	}
	if s.Next() != ':' {
		return s.fail("a colon is missing")
	}
	s.pos++
	return true
}

// more goes to the next part of what the bracket closes.
func (s *Scanner) more(bracket byte) bool {
	first := s.first
	s.first = false
	switch c := s.Next(); {
	case c == bracket:
		s.pos++
		s.depth--
		return false
	case first:
		return true
	case c != ',':
		return s.fail("a comma or closing bracket is missing")
	}
	s.pos++
	return true
}

// Value reads the value that comes next, whatever it is.
func (s *Scanner) Value(v *Value) bool {
	switch c := s.Next(); c {
	case '"':
		return s.quoted(v)
	case '{', '[':
		if s.depth == MaxDepth {
			return s.fail("lists and objects are nested more than 512 deep")
		}
		if c == '{' {
			*v = Value{Kind: Object}
			return s.skipObject()
		}
		*v = Value{Kind: Array}
		return s.skipArray()
	case 't':
		return s.literal(v, "true", Bool)
	case 'f':
		return s.literal(v, "false", Bool)
	case 'n':
		return s.literal(v, "null", Null)
	case 'N', 'I':
		return s.fail("a value is not JSON, which knows neither NaN nor Infinity")
	case 0:
		return s.fail("a value is missing")
	default:
		if c != '-' && !isDigit(c) {
			return s.fail("a value is missing")
		}
		var ok bool
		*v = Value{Kind: Number}
		if v.Decimal, s.pos, ok = scanDecimal(s.text, s.pos); !ok {
			return s.fail("a number is malformed")
		}
		return true
	}
}

func (s *Scanner) literal(v *Value, word string, k Kind) bool {
	if end := s.pos + len(word); end > len(s.text) || s.text[s.pos:end] != word {
		return s.fail("a value is not JSON")
	}
	s.pos += len(word)
	*v = Value{Kind: k, True: word == "true"}
	return true
}

func (s *Scanner) skipObject() bool {
	s.Open()
	var name, v Value
	for s.Member(&name) && s.Value(&v) {
	}
	return s.OK()
}

func (s *Scanner) skipArray() bool {
	s.Open()
	var v Value
	for s.More() && s.Value(&v) {
	}
	return s.OK()
}

// quoted reads the string whose opening quote comes next.
func (s *Scanner) quoted(v *Value) bool {
	text, start, escaped := s.text, s.pos+1, false
	i := start
	for {
		// Eight bytes at a time, up to the first that is not plain text.
		for ; i+8 <= len(text); i += 8 {
			if marks := special(load(text[i : i+8])); marks != 0 {
				i += bits.TrailingZeros64(marks) / 8
				break
			}
		}
		if i >= len(text) {
			s.pos = len(text)
			return s.fail("a string has no closing quote")
		}
		switch c := text[i]; {
		case c == '"':
			*v = Value{Kind: String, escaped: escaped, raw: text[start:i]}
			s.pos = i + 1
			return true
		case c == '\\':
			escaped = true
			size := escapeSize(text[i+1:])
			if size == 0 {
				s.pos = i + 1
				return s.fail("an escape in a string is malformed")
			}
			i += size
		case c < ' ':
			s.pos = i
			return s.fail("a control character stands in a string: escape it")
		}
		i++
	}
}

// load reads eight bytes, the first of them lowest.
func load(text string) uint64 {
	_ = text[7]
	return uint64(text[0]) | uint64(text[1])<<8 | uint64(text[2])<<16 | uint64(text[3])<<24 |
		uint64(text[4])<<32 | uint64(text[5])<<40 | uint64(text[6])<<48 | uint64(text[7])<<56
}

// special marks the bytes of a word that are a quote, a backslash or a control character, each with its highest bit. The
// lowest mark is right; those above it may be wrong, as the subtractions borrow from one byte to the next.
func special(word uint64) uint64 {
	const ones, highest = 0x0101010101010101, 0x8080808080808080
	quote, backslash := word^ones*'"', word^ones*'\\'
	return ((quote-ones)&^quote | (backslash-ones)&^backslash | (word-ones*' ')&^word) & highest
}

// escapeSize returns how many bytes of a text that follows a backslash belong to the escape; 0 when it is malformed.
func escapeSize(text string) int {
	if text == "" {
		return 0
	}
	switch text[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 1
	case 'u':
		if _, ok := hex4(text[1:]); ok {
			return 5
		}
	}
	return 0
}

package order

// A kind is what a JSON value is.
type kind uint8

const (
	kindAbsent kind = iota
	kindNull
	kindBool
	kindNumber
	kindString
	kindList
	kindObject
)

// A value is a JSON value as far as an order needs it: lists and objects keep nothing but their kind.
type value struct {
	kind    kind
	escaped bool    // raw holds escapes
	raw     string  // of a text: what stands between its quotes
	decimal decimal // of a number
}

// maxDepth is how many lists and objects may stand inside each other.
const maxDepth = 512

// A scanner goes once through a JSON text, strictly by RFC 8259, and checks all of it, values that nobody asked for too.
// It expects valid UTF-8. At the first fault it stops: every method then says no, and problem and pos say what is wrong
// and where.
type scanner struct {
	name    string // what a refusal calls the text
	text    string
	pos     int
	depth   int
	problem string
}

// fail notes the first fault.
func (s *scanner) fail(problem string) bool {
	if s.problem == "" {
		s.problem = problem
	}
	return false
}

// next skips white space and returns the byte that follows it, which it leaves there; 0 at the end.
func (s *scanner) next() byte {
	for i := s.pos; i < len(s.text); i++ {
		if c := s.text[i]; c > ' ' || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			s.pos = i
			return c
		}
	}
	s.pos = len(s.text)
	return 0
}

// end says whether nothing but white space is left.
func (s *scanner) end() bool {
	s.next()
	return s.pos == len(s.text) || s.fail("more text follows the end of the JSON value")
}

// open enters the list or object whose bracket comes next.
func (s *scanner) open() {
	s.pos++
	s.depth++
}

// more goes to the next part of a list or object that ends with the given bracket. It says no when there is none.
func (s *scanner) more(first bool, bracket byte) bool {
	switch c := s.next(); {
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

// member goes to the next member of an object and reads its name up to the colon. It says no when there is none.
func (s *scanner) member(first bool, name *value) bool {
	if !s.more(first, '}') {
		return false
	}
	if s.next() != '"' {
		return s.fail("a member name in double quotes is missing")
	}
	if !s.quoted(name) {
		return false
	}
	if s.next() != ':' {
		return s.fail("a colon is missing")
	}
	s.pos++
	return true
}

// value reads the value that comes next, whatever it is.
func (s *scanner) value(v *value) bool {
	switch c := s.next(); c {
	case '"':
		return s.quoted(v)
	case '{', '[':
		if s.depth == maxDepth {
			return s.fail("lists and objects are nested more than 512 deep")
		}
		if c == '{' {
			*v = value{kind: kindObject}
			return s.skipObject()
		}
		*v = value{kind: kindList}
		return s.skipList()
	case 't':
		return s.literal(v, "true", kindBool)
	case 'f':
		return s.literal(v, "false", kindBool)
	case 'n':
		return s.literal(v, "null", kindNull)
	case 'N', 'I':
		return s.fail("a value is not JSON, which knows neither NaN nor Infinity")
	case 0:
		return s.fail("a value is missing")
	default:
		if c != '-' && !isDigit(c) {
			return s.fail("a value is missing")
		}
		var ok bool
		*v = value{kind: kindNumber}
		if v.decimal, s.pos, ok = scanDecimal(s.text, s.pos); !ok {
			return s.fail("a number is malformed")
		}
		return true
	}
}

func (s *scanner) literal(v *value, word string, k kind) bool {
	if end := s.pos + len(word); end > len(s.text) || s.text[s.pos:end] != word {
		return s.fail("a value is not JSON")
	}
	s.pos += len(word)
	*v = value{kind: k}
	return true
}

func (s *scanner) skipObject() bool {
	s.open()
	var name, v value
	for first := true; s.member(first, &name); first = false {
		if !s.value(&v) {
			return false
		}
	}
	return s.problem == ""
}

func (s *scanner) skipList() bool {
	s.open()
	var v value
	for first := true; s.more(first, ']'); first = false {
		if !s.value(&v) {
			return false
		}
	}
	return s.problem == ""
}

// quoted reads the text whose opening quote comes next.
func (s *scanner) quoted(v *value) bool {
	start, escaped := s.pos+1, false
	for i := start; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			*v = value{kind: kindString, escaped: escaped, raw: s.text[start:i]}
			s.pos = i + 1
			return true
		case c == '\\':
			escaped = true
			s.pos = i
			if !s.escape() {
				return false
			}
			i = s.pos
		case c < ' ':
			s.pos = i
			return s.fail("a control character stands in a string: escape it")
		}
	}
	s.pos = len(s.text)
	return s.fail("a string has no closing quote")
}

// escape goes from a backslash to the last byte of the escape.
func (s *scanner) escape() bool {
	s.pos++
	if s.pos < len(s.text) {
		switch s.text[s.pos] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			return true
		case 'u':
			if _, ok := hex4(s.text[s.pos+1:]); ok {
				s.pos += 4
				return true
			}
		}
	}
	return s.fail("an escape in a string is malformed")
}

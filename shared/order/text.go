package order

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decoded returns the text of v, whose kind must be text. It is not whole when an escape stands for half of a character
// (a surrogate without its partner); such a text cannot be kept, as it has no UTF-8 form.
func (v *value) decoded() (plain string, whole bool) {
	if !v.escaped {
		return v.raw, true
	}
	return unescape(v.raw)
}

// unescape resolves the escapes of a JSON string, whose syntax must have been checked. Half characters become U+FFFD.
func unescape(raw string) (plain string, whole bool) {
	var b strings.Builder
	b.Grow(len(raw))
	whole = true
	for {
		i := strings.IndexByte(raw, '\\')
		if i < 0 {
			b.WriteString(raw)
			return b.String(), whole
		}
		b.WriteString(raw[:i])
		c := raw[i+1]
		raw = raw[i+2:]
		switch c {
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			r, _ := hex4(raw)
			raw = raw[4:]
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if strings.HasPrefix(raw, `\u`) {
					low, _ = hex4(raw[2:])
				}
				if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
					whole = false
				} else {
					raw = raw[6:]
				}
			}
			b.WriteRune(r)
		default: // a quote, a slash or a backslash stands for itself
			b.WriteByte(c)
		}
	}
}

// hex4 reads the four hexadecimal digits that text begins with.
func hex4(text string) (r rune, ok bool) {
	if len(text) < 4 {
		return 0, false
	}
	for i := range 4 {
		c := text[i]
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// isControl says that r is of the Unicode category Cc: C0, DEL or C1.
func isControl(r rune) bool { return r < 0x20 || 0x7f <= r && r <= 0x9f }

package jsonscan

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Text returns the text of a string; it is empty for another kind. It is not whole when an escape
// is an unpaired surrogate, which has no UTF-8 form: it is replaced by U+FFFD.
func (v *Value) Text() (text string, whole bool) {
	if !v.escaped {
		return v.raw, true
	}
	var b strings.Builder
	b.Grow(len(v.raw))
	whole = unescape(&b, v.raw)
	return b.String(), whole
}

// A Slab holds texts whose escapes were resolved, many in one allocation. They keep each other in
// memory, so it is for texts that are released together. The zero Slab is ready for use.
type Slab struct{ b strings.Builder }

// A slab allocates blocks that grow from firstBlock to largestBlock. A text that would leave much
// of the largest block unused is allocated separately.
const (
	firstBlock   = 4 << 10
	largestBlock = 64 << 10
	separately   = largestBlock / 8
)

// Text returns v.Text; if v has escapes, its text is put into the slab.
func (l *Slab) Text(v *Value) (text string, whole bool) {
	if !v.escaped || len(v.raw) >= separately {
		return v.Text()
	}
	if l.b.Cap()-l.b.Len() < len(v.raw) { // resolving makes no text longer
		block := max(firstBlock, len(v.raw), min(2*l.b.Cap(), largestBlock))
		l.b = strings.Builder{}
		l.b.Grow(block)
	}
	start := l.b.Len()
	whole = unescape(&l.b, v.raw)
	return l.b.String()[start:], whole
}

// unescape resolves the escapes of a string whose syntax was checked. Unpaired surrogates become
// U+FFFD.
func unescape(b *strings.Builder, raw string) (whole bool) {
	whole = true
	for {
		i := strings.IndexByte(raw, '\\')
		if i < 0 {
			b.WriteString(raw)
			return whole
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
		default: // a quote, a slash or a backslash
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

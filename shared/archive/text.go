package archive

import (
	"time"
	"unicode/utf8"

	"orderpipeline/shared/order"
)

// An object appends the members of one JSON object. Members that are empty are left out.
type object struct{ to []byte }

func (o *object) name(name string) {
	if o.to[len(o.to)-1] != '{' {
		o.to = append(o.to, ',')
	}
	o.to = append(o.to, '"')
	o.to = append(o.to, name...)
	o.to = append(o.to, '"', ':')
}

func (o *object) text(name, value string) {
	if value == "" {
		return
	}
	o.name(name)
	o.to = appendString(o.to, value)
}

func (o *object) moment(name string, value time.Time) {
	if value.IsZero() {
		return
	}
	o.name(name)
	o.to = append(o.to, '"')
	o.to = value.UTC().AppendFormat(o.to, time.RFC3339Nano)
	o.to = append(o.to, '"')
}

func (o *object) money(name string, value order.Cents) {
	o.name(name)
	o.to = append(o.to, '"')
	o.to = value.Append(o.to)
	o.to = append(o.to, '"')
}

func (o *object) flag(name string, value bool) {
	if !value {
		return
	}
	o.name(name)
	o.to = append(o.to, "true"...)
}

// plain says which ASCII characters a JSON string holds as they are.
var plain = func() (table [utf8.RuneSelf]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// appendString appends text as a JSON string. Bytes that are not UTF-8 become U+FFFD: a body of SQS
// has none.
func appendString(to []byte, text string) []byte {
	const hex = "0123456789abcdef"
	to = append(to, '"')
	start := 0
	for at := 0; at < len(text); {
		c := text[at]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(text[at:])
			if r == utf8.RuneError && size == 1 {
				to = append(to, text[start:at]...)
				to = append(to, "\ufffd"...)
				start = at + 1
			}
			at += size
			continue
		}
		if plain[c] {
			at++
			continue
		}

		to = append(to, text[start:at]...)
		switch c {
		case '"', '\\':
			to = append(to, '\\', c)
		case '\n':
			to = append(to, '\\', 'n')
		case '\r':
			to = append(to, '\\', 'r')
		case '\t':
			to = append(to, '\\', 't')
		default:
			to = append(to, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		at++
		start = at
	}
	to = append(to, text[start:]...)
	return append(to, '"')
}

package jsonscan

// A Decimal is a number as it was written: Mantissa × 10^Exponent, where the mantissa has the first
// 19 significant digits. No binary float is involved. A number of any length is read in one pass
// and constant memory.
type Decimal struct {
	Mantissa uint64
	Exponent int64 // stops growing at ±10^15, which is huge enough
	Negative bool  // a minus was written, for zero too
	More     bool  // digits other than zero follow those of the mantissa, which then has all its 19
}

// ParseDecimal reads a decimal string: exactly one JSON number and nothing around it. So "1e3" and
// "-0.50" are decimals, and "", " 1", "+1", "01", ".5", "1.", "0x1", "1,000", "NaN" and "inf" are
// not.
func ParseDecimal(text string) (Decimal, bool) {
	d, end, ok := scanDecimal(text, 0)
	return d, ok && end == len(text)
}

// Exponents stop growing here. No text has enough digits to offset an exponent of this size.
const hugeExponent = 1_000_000_000_000_000

// scanDecimal reads a number by the grammar of JSON, beginning at text[pos], and returns where it
// ends. When it is not ok, end is where the grammar is broken.
func scanDecimal(text string, pos int) (d Decimal, end int, ok bool) {
	if pos < len(text) && text[pos] == '-' {
		d.Negative = true
		pos++
	}
	switch start := pos; {
	case pos >= len(text) || !isDigit(text[pos]):
		return d, pos, false
	case text[pos] == '0': // no digit may follow; the caller finds one that does
		pos++
	default:
		for ; pos < len(text) && isDigit(text[pos]); pos++ {
			if pos-start < 19 {
				d.Mantissa = d.Mantissa*10 + uint64(text[pos]-'0')
			} else {
				d.Exponent++
				d.More = d.More || text[pos] != '0'
			}
		}
	}
	if pos < len(text) && text[pos] == '.' {
		start := pos + 1
		for pos = start; pos < len(text) && isDigit(text[pos]); pos++ {
			if d.Mantissa < 1e18 {
				d.Mantissa = d.Mantissa*10 + uint64(text[pos]-'0')
				d.Exponent--
			} else {
				d.More = d.More || text[pos] != '0'
			}
		}
		if pos == start {
			return d, pos, false
		}
	}
	if pos < len(text) && text[pos]|0x20 == 'e' {
		sign := int64(1)
		pos++
		if pos < len(text) && (text[pos] == '+' || text[pos] == '-') {
			if text[pos] == '-' {
				sign = -1
			}
			pos++
		}
		start, exponent := pos, int64(0)
		for ; pos < len(text) && isDigit(text[pos]); pos++ {
			if exponent < hugeExponent {
				exponent = exponent*10 + int64(text[pos]-'0')
			}
		}
		if pos == start {
			return d, pos, false
		}
		d.Exponent += sign * exponent
	}
	return d, pos, true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

package order

import (
	"math"
	"math/bits"
)

// A decimal is a number as it was written, exact as far as an order can need it: mantissa × 10^exponent, where the
// mantissa holds the first 19 significant digits. A number of any length is read in one pass and constant memory.
type decimal struct {
	mantissa uint64
	exponent int64
	negative bool
	more     bool // digits other than zero follow those of the mantissa, which then has all its 19
}

// Exponents stop growing here. No message is long enough for its digits to make up for one of this size.
const hugeExponent = 1_000_000_000_000_000

// scanDecimal reads a number by the grammar of JSON, beginning at text[pos], and returns where it ends.
// When it is not ok, end is where the grammar was broken.
func scanDecimal(text string, pos int) (d decimal, end int, ok bool) {
	if pos < len(text) && text[pos] == '-' {
		d.negative = true
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
				d.mantissa = d.mantissa*10 + uint64(text[pos]-'0')
			} else {
				d.exponent++
				d.more = d.more || text[pos] != '0'
			}
		}
	}
	if pos < len(text) && text[pos] == '.' {
		start := pos + 1
		for pos = start; pos < len(text) && isDigit(text[pos]); pos++ {
			if d.mantissa < 1e18 {
				d.mantissa = d.mantissa*10 + uint64(text[pos]-'0')
				d.exponent--
			} else {
				d.more = d.more || text[pos] != '0'
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
			sign = int64(',') - int64(text[pos]) // '+' and '-' stand on both sides of ','
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
		d.exponent += sign * exponent
	}
	return d, pos, true
}

// parseDecimal reads a decimal string: exactly one JSON number and nothing around it. So "1e3" and "-0.50" are decimals,
// and "", " 1", "+1", "01", ".5", "1.", "0x1", "1,000", "NaN" and "inf" are not.
func parseDecimal(text string) (decimal, bool) {
	d, end, ok := scanDecimal(text, 0)
	return d, ok && end == len(text)
}

// units returns the size of d, without its sign, in units of 10^-places, cut to a whole number. It is exact when nothing
// was cut off. From about 10^19 on the result is only a lower bound, which is still above every limit of an order.
func (d decimal) units(places int64) (whole uint64, exact bool) {
	shift := d.exponent + places
	switch {
	case d.mantissa == 0:
		return 0, true
	case shift >= int64(len(powersOfTen)):
		return math.MaxUint64, true
	case shift >= 0:
		high, low := bits.Mul64(d.mantissa, powersOfTen[shift])
		if high != 0 {
			return math.MaxUint64, true
		}
		return low, !d.more
	case -shift < int64(len(powersOfTen)):
		power := powersOfTen[-shift]
		return d.mantissa / power, d.mantissa%power == 0 && !d.more
	default:
		return 0, false
	}
}

// isNegative says that d is below zero: -0 is not.
func (d decimal) isNegative() bool { return d.negative && d.mantissa != 0 }

// differs says whether d, an amount of money, is more than one cent away from value.
func (d decimal) differs(value Cents) bool {
	stated, exact := d.units(2)
	v := uint64(value)
	if d.isNegative() {
		return stated > 1 || stated+v > 1 || stated+v == 1 && !exact
	}
	return stated > v+1 || stated == v+1 && !exact || stated+1 < v
}

var powersOfTen = [20]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

// Prices are counted in units of 10^-9, so that every accepted price is a whole number of them.
const (
	pricePlaces        = 9
	maxPrice    uint64 = 1e18 // 1,000,000,000
	unitsOfCent uint64 = 1e7
)

// A sum adds up quantity × price in units of 10^-9. It cannot overflow: an order's 1,000 items × 1,000,000 pieces × 10^18
// units are below 2^90.
type sum struct{ high, low uint64 }

func (s *sum) add(quantity, price uint64) {
	high, low := bits.Mul64(quantity, price)
	var carry uint64
	s.low, carry = bits.Add64(s.low, low, 0)
	s.high += high + carry
}

// cents rounds the sum to cents, half to even. It is not ok when the result is above MaxValue.
func (s sum) cents() (value Cents, ok bool) {
	if s.high != 0 { // at least 2^64 units, which are 18 times MaxValue
		return 0, false
	}
	whole, rest := s.low/unitsOfCent, s.low%unitsOfCent
	if half := unitsOfCent / 2; rest > half || rest == half && whole%2 == 1 {
		whole++
	}
	return Cents(whole), whole <= uint64(MaxValue)
}

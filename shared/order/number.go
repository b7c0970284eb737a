package order

import (
	"math"
	"math/bits"

	"orderpipeline/shared/jsonscan"
)

// inUnits returns the absolute value of d in units of 10^-places, truncated to a whole number. It
// is exact when nothing was cut off. From about 10^19 on the result is a lower bound, which is
// still above every limit of an order.
func inUnits(d *jsonscan.Decimal, places int64) (whole uint64, exact bool) {
	shift := d.Exponent + places
	switch {
	case d.Mantissa == 0:
		return 0, true
	case shift >= int64(len(powersOfTen)):
		return math.MaxUint64, true
	case shift >= 0:
		high, low := bits.Mul64(d.Mantissa, powersOfTen[shift])
		if high != 0 {
			return math.MaxUint64, true
		}
		return low, !d.More
	case -shift < int64(len(powersOfTen)):
		power := powersOfTen[-shift]
		return d.Mantissa / power, d.Mantissa%power == 0 && !d.More
	default:
		return 0, false
	}
}

// belowZero says whether d is below zero: -0 is not.
func belowZero(d *jsonscan.Decimal) bool { return d.Negative && d.Mantissa != 0 }

// differs says whether d, an amount of money, is more than one cent away from value.
func differs(d *jsonscan.Decimal, value Cents) bool {
	stated, exact := inUnits(d, 2)
	v := uint64(value)
	if belowZero(d) {
		return stated > 1 || stated+v > 1 || stated+v == 1 && !exact
	}
	return stated > v+1 || stated == v+1 && !exact || stated+1 < v
}

var powersOfTen = [20]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
	1e18, 1e19,
}

// Prices are counted in units of 10^-9, so that every accepted price is a whole number of them.
const (
	pricePlaces        = 9
	maxPrice    uint64 = 1e18 // 1,000,000,000
	unitsOfCent uint64 = 1e7
)

// A sum adds up quantity × price in units of 10^-9. It cannot overflow: an order's 1,000 items ×
// 1,000,000 pieces × 10^18 units are below 2^90.
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
	whole := s.low / unitsOfCent
	rest := s.low % unitsOfCent
	if half := unitsOfCent / 2; rest > half || rest == half && whole%2 == 1 {
		whole++
	}
	return Cents(whole), whole <= uint64(MaxValue)
}

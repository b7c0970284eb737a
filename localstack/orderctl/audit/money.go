package audit

import (
	"math/bits"

	"orderpipeline/shared/jsonscan"
	"orderpipeline/shared/order"
)

// nano is how many billionths, the unit in which prices are added, make a whole.
const nano = 1_000_000_000

// A total is a sum of quantity × price in billionths, as a 128-bit number.
type total struct{ high, low uint64 }

func (t *total) add(quantity, billionths uint64) {
	high, low := bits.Mul64(quantity, billionths)
	var carry uint64
	t.low, carry = bits.Add64(t.low, low, 0)
	t.high, _ = bits.Add64(t.high, high, carry)
}

// cents rounds half to even.
func (t total) cents() (cents order.Cents, ok bool) {
	const perCent = nano / 100
	if t.high >= perCent {
		return 0, false
	}
	quotient, rest := bits.Div64(t.high, t.low, perCent)
	if rest > perCent/2 || rest == perCent/2 && quotient%2 == 1 {
		quotient++
	}
	return order.Cents(quotient), quotient < 1<<62
}

// recalculate compares the value of a line with the items of its body. It returns what is wrong, or
// nothing.
func recalculate(body string, value order.Cents) string {
	sum, ok := addItems(body)
	if !ok {
		return "its body cannot be added up"
	}
	cents, ok := sum.cents()
	if !ok || cents != value {
		return "its value " + value.String() + " is not that of its items, " + cents.String()
	}
	return ""
}

// addItems adds up the items of an order. A body that is a JSON string holds the order inside.
func addItems(body string) (sum total, ok bool) {
	s := jsonscan.New(body)
	if s.Next() == '"' {
		var outer jsonscan.Value
		if !s.Value(&outer) {
			return sum, false
		}
		inner, _ := outer.Text()
		s = jsonscan.New(inner)
	}
	if s.Next() != '{' {
		return sum, false
	}
	s.Open()
	var name, ignored jsonscan.Value
	for s.Member(&name) {
		if key, _ := name.Text(); key != "items" {
			s.Value(&ignored)
			continue
		}
		sum = total{} // the last of several members counts
		if s.Next() != '[' {
			s.Value(&ignored)
			ok = false
			continue
		}
		ok = true
		s.Open()
		for s.More() {
			ok = addItem(&s, &sum) && ok
		}
	}
	return sum, s.End() && ok
}

func addItem(s *jsonscan.Scanner, sum *total) bool {
	var name, ignored, quantity, price jsonscan.Value
	if s.Next() != '{' {
		s.Value(&ignored)
		return false
	}
	s.Open()
	for s.Member(&name) {
		v := &ignored
		switch key, _ := name.Text(); key {
		case "quantity":
			v = &quantity
		case "price_per_unit":
			v = &price
		}
		s.Value(v)
	}
	pieces, whole := scaled(&quantity, 0)
	billionths, exact := scaled(&price, 9)
	sum.add(pieces, billionths)
	return whole && exact
}

// scaled returns a number × 10^places, where that is a whole number that is not negative.
func scaled(v *jsonscan.Value, places int64) (n uint64, ok bool) {
	d := v.Decimal
	switch v.Kind {
	case jsonscan.Number:
	case jsonscan.String:
		text, _ := v.Text()
		if d, ok = jsonscan.ParseDecimal(text); !ok {
			return 0, false
		}
	default:
		return 0, false
	}
	if d.Mantissa == 0 {
		return 0, true
	}
	if d.Negative || d.More {
		return 0, false
	}
	n = d.Mantissa
	shift := d.Exponent + places
	for ; shift > 0; shift-- {
		high, low := bits.Mul64(n, 10)
		if high > 0 {
			return 0, false
		}
		n = low
	}
	for ; shift < 0; shift++ {
		if n%10 != 0 {
			return 0, false
		}
		n /= 10
	}
	return n, true
}

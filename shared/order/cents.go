package order

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Cents is an amount of money in whole cents. No binary float ever holds money.
type Cents int64

// Append writes c with exactly two decimals, such as 40.00 or -0.05.
func (c Cents) Append(to []byte) []byte {
	u := uint64(c)
	if c < 0 {
		to, u = append(to, '-'), -u
	}
	to = strconv.AppendUint(to, u/100, 10)
	return append(to, '.', byte('0'+u%100/10), byte('0'+u%10))
}

func (c Cents) String() string { return string(c.Append(nil)) }

// MarshalJSON writes c as a JSON number with exactly two decimals.
func (c Cents) MarshalJSON() ([]byte, error) { return c.Append(nil), nil }

// UnmarshalJSON reads a JSON number with at most two decimals, and no exponent. It is exact.
func (c *Cents) UnmarshalJSON(text []byte) error {
	whole, fraction, _ := strings.Cut(string(text), ".")
	if whole == "" || len(fraction) > 2 {
		return fmt.Errorf("%s is not an amount of money with at most two decimals", text)
	}
	cents, err := strconv.ParseInt(whole+(fraction + "00")[:2], 10, 64)
	if err != nil {
		return fmt.Errorf("%s is not an amount of money", text)
	}
	*c = Cents(cents)
	return nil
}

var errNotCents = errors.New("not an amount: write it with two decimals, such as 40.00")

// ParseCents reads an amount as Append writes it: digits, a point and exactly two decimals, with a
// minus sign in front when it is negative.
func ParseCents(text string) (Cents, error) {
	whole, decimals, found := strings.Cut(text, ".")
	first := strings.TrimPrefix(whole, "-")
	if !found || digits(decimals) < 0 || len(decimals) != 2 || first == "" || !isDigit(first[0]) {
		return 0, errNotCents
	}
	// Without its point, the text is the amount in cents.
	cents, err := strconv.ParseInt(whole+decimals, 10, 64)
	if err != nil {
		return 0, errNotCents
	}
	return Cents(cents), nil
}

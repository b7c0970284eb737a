package order

import (
	"fmt"
	"time"
)

// A Month is a calendar month in UTC, counted from January of year 0: year×12 + month−1.
type Month int

// A Date is a calendar month or a calendar day.
type Date interface {
	Month | Day
	// Append writes the date as YYYY-MM or YYYY-MM-DD.
	Append(to []byte) []byte
}

// The years that an order can be placed in, judged in UTC.
const (
	minYear = 1970
	maxYear = 9999
)

// MonthOf returns the month of t in UTC.
func MonthOf(t time.Time) Month {
	year, month, _ := t.UTC().Date()
	return Month(year*12 + int(month) - 1)
}

// ParseMonth reads YYYY-MM, years 1970 to 9999.
func ParseMonth(text string) (Month, error) {
	if len(text) == len("2006-01") && text[4] == '-' {
		year, month := digits(text[:4]), digits(text[5:])
		if year >= minYear && month >= 1 && month <= 12 {
			return Month(year*12 + month - 1), nil
		}
	}
	return 0, fmt.Errorf("%q is not a month: write YYYY-MM, from 1970-01 to 9999-12", text)
}

// UnmarshalText reads YYYY-MM, as ParseMonth does.
func (m *Month) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMonth(string(text))
	return err
}

// Append writes the month as YYYY-MM.
func (m Month) Append(to []byte) []byte {
	year, month := int(m)/12, int(m)%12+1
	return append(to,
		byte('0'+year/1000%10), byte('0'+year/100%10), byte('0'+year/10%10), byte('0'+year%10),
		'-', byte('0'+month/10), byte('0'+month%10))
}

// String writes the month as YYYY-MM.
func (m Month) String() string { return string(m.Append(make([]byte, 0, len("2006-01")))) }

package order

import (
	"fmt"
	"time"
)

// A Month is a calendar month in UTC, counted from January of year 0: year×12 + month−1.
type Month int

// MonthOf returns the month of t in UTC.
func MonthOf(t time.Time) Month {
	year, month, _ := t.UTC().Date()
	return Month(year*12 + int(month) - 1)
}

// ParseMonth reads YYYY-MM, years 1970 to 9999.
func ParseMonth(text string) (Month, error) {
	t, err := time.Parse("2006-01", text)
	if err != nil || len(text) != len("2006-01") || t.Year() < 1970 {
		return 0, fmt.Errorf("%q is not a month: write YYYY-MM, from 1970-01 to 9999-12", text)
	}
	return MonthOf(t), nil
}

// String writes the month as YYYY-MM.
func (m Month) String() string { return fmt.Sprintf("%04d-%02d", int(m)/12, int(m)%12+1) }

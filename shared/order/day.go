package order

import (
	"fmt"
	"time"
)

// A Day is a calendar day, counted from 1970-01-01.
type Day int32

const secondsOfDay = 24 * 60 * 60

// The days that orders count for: those of minYear to maxYear.
var (
	firstDay = DayOf(time.Date(minYear, time.January, 1, 0, 0, 0, 0, time.UTC))
	lastDay  = DayOf(time.Date(maxYear, time.December, 31, 0, 0, 0, 0, time.UTC))
)

// DayOf returns the calendar day of t in t's own time zone.
func DayOf(t time.Time) Day {
	_, offset := t.Zone()
	seconds := t.Unix() + int64(offset)
	day := seconds / secondsOfDay
	if seconds%secondsOfDay < 0 {
		day-- // division truncates towards zero
	}
	return Day(day)
}

// ParseDay reads YYYY-MM-DD, years 1970 to 9999.
func ParseDay(text string) (Day, error) {
	if len(text) == len("2006-01-02") && text[4] == '-' && text[7] == '-' {
		year, month, day := digits(text[:4]), digits(text[5:7]), digits(text[8:])
		if year >= minYear && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month) {
			return DayOf(time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)), nil
		}
	}
	return 0, fmt.Errorf("%q is not a day: write YYYY-MM-DD, from 1970-01-01 to 9999-12-31", text)
}

// UnmarshalText reads YYYY-MM-DD, as ParseDay does.
func (d *Day) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDay(string(text))
	return err
}

// date returns the calendar date of the day.
func (d Day) date() (year int, month time.Month, day int) {
	return time.Unix(int64(d)*secondsOfDay, 0).UTC().Date()
}

// Month returns the calendar month that the day belongs to.
func (d Day) Month() Month {
	year, month, _ := d.date()
	return Month(year*12 + int(month) - 1)
}

// Append writes the day as YYYY-MM-DD.
func (d Day) Append(to []byte) []byte {
	_, _, day := d.date()
	return append(d.Month().Append(to), '-', byte('0'+day/10), byte('0'+day%10))
}

// String writes the day as YYYY-MM-DD.
func (d Day) String() string { return string(d.Append(make([]byte, 0, len("2006-01-02")))) }

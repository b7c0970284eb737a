package order

import "time"

// parseTimestamp reads an order_timestamp and returns it in UTC, or what is wrong with it.
//
// It accepts the extended format of ISO 8601 in the forms that RFC 3339 and Python's
// datetime.isoformat and strftime write:
//
//	date      2006-01-02; alone it means midnight UTC
//	separator T, t or one space
//	time      15:04, 15:04:05 or 15:04:05.999 with a fraction of any length after a point or comma
//	zone      Z, z, ±07:00, ±0700, ±07, or none, which means UTC
//
// Digits of the fraction after the ninth are cut off. A leap second (:60) and the hour 24 are
// refused, because neither Go nor Python can represent them. The year is judged in UTC, after the
// offset.
func parseTimestamp(text string) (placed time.Time, w *flaw) {
	if len(text) < len("2006-01-02") || text[4] != '-' || text[7] != '-' {
		return time.Time{}, isNoTime
	}
	year, month, day := digits(text[:4]), digits(text[5:7]), digits(text[8:10])
	if year < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return time.Time{}, isNoTime
	}
	var hour, minute, second, nanosecond, offset int
	if rest := text[10:]; rest != "" {
		var ok bool
		if len(rest) < len("T15:04") || rest[3] != ':' || !isSeparator(rest[0]) {
			return time.Time{}, isNoTime
		}
		hour = digits(rest[1:3])
		minute = digits(rest[4:6])
		rest = rest[6:]
		if len(rest) >= len(":05") && rest[0] == ':' {
			second = digits(rest[1:3])
			nanosecond, rest = fraction(rest[3:])
		}
		offset, ok = zoneOffset(rest)
		if !ok || !within(hour, 23) || !within(minute, 59) || !within(second, 59) {
			return time.Time{}, isNoTime
		}
	}
	placed = time.Date(year, time.Month(month), day, hour, minute, second-offset, nanosecond, time.UTC)
	if year = placed.Year(); year < minYear || year > maxYear {
		return time.Time{}, isOutsideYears
	}
	return placed, nil
}

func isSeparator(c byte) bool { return c == 'T' || c == 't' || c == ' ' }

// fraction reads a fraction of a second in nanoseconds, if text begins with one, and returns what
// follows it.
func fraction(text string) (nanosecond int, rest string) {
	if len(text) < 2 || text[0] != '.' && text[0] != ',' || !isDigit(text[1]) {
		return 0, text
	}
	end, unit := 1, 100_000_000
	for ; end < len(text) && isDigit(text[end]); end++ {
		nanosecond += int(text[end]-'0') * unit
		unit /= 10
	}
	return nanosecond, text[end:]
}

// zoneOffset reads the end of a timestamp: how many seconds its clock is ahead of UTC.
func zoneOffset(zone string) (seconds int, ok bool) {
	var hour, minute int
	switch {
	case zone == "", zone == "Z", zone == "z":
		return 0, true
	case len(zone) == len("+07:00") && zone[3] == ':':
		hour, minute = digits(zone[1:3]), digits(zone[4:])
	case len(zone) == len("+0700"):
		hour, minute = digits(zone[1:3]), digits(zone[3:])
	case len(zone) == len("+07"):
		hour = digits(zone[1:])
	default:
		return 0, false
	}
	if !within(hour, 23) || !within(minute, 59) {
		return 0, false
	}
	seconds = hour*3600 + minute*60
	switch zone[0] {
	case '+':
		return seconds, true
	case '-':
		return -seconds, true
	}
	return 0, false
}

// daysIn returns how many days a month has.
func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// digits reads a short text of decimal digits; -1 when it has other characters.
func digits(text string) int {
	n := 0
	for i := range len(text) {
		if !isDigit(text[i]) {
			return -1
		}
		n = n*10 + int(text[i]-'0')
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// within says whether n is from 0 to most.
func within(n, most int) bool { return 0 <= n && n <= most }

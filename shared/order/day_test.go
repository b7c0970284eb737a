package order_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the tests do not depend on the zone files of the machine

	"orderpipeline/shared/order"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	location, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return location
}

func TestDayOfAnOrderIsTheDayOfTheZone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ placed, zone, want string }{
		{"2024-12-13T10:00:00Z", "UTC", "2024-12-13"},
		{"2024-12-13T00:00:00Z", "UTC", "2024-12-13"},
		{"2024-12-12T23:59:59.999999999Z", "UTC", "2024-12-12"},
		{"2024-02-29T12:00:00Z", "UTC", "2024-02-29"},
		// Kathmandu is 5:45 ahead.
		{"2024-12-12T18:14:59.999999999Z", "Asia/Kathmandu", "2024-12-12"},
		{"2024-12-12T18:15:00Z", "Asia/Kathmandu", "2024-12-13"},
		// Berlin: summer time begins on 2024-03-31, a day of 23 hours, and ends on 2024-10-27, a day of
		// 25.
		{"2024-03-30T22:59:59Z", "Europe/Berlin", "2024-03-30"},
		{"2024-03-30T23:00:00Z", "Europe/Berlin", "2024-03-31"},
		{"2024-03-31T21:59:59Z", "Europe/Berlin", "2024-03-31"},
		{"2024-03-31T22:00:00Z", "Europe/Berlin", "2024-04-01"},
		{"2024-10-26T22:00:00Z", "Europe/Berlin", "2024-10-27"},
		{"2024-10-27T22:59:59Z", "Europe/Berlin", "2024-10-27"},
		{"2024-10-27T23:00:00Z", "Europe/Berlin", "2024-10-28"},
		// In Beirut the clock goes from 00:00 to 01:00: the day 2024-03-31 has no midnight.
		{"2024-03-30T21:59:59Z", "Asia/Beirut", "2024-03-30"},
		{"2024-03-30T22:00:00Z", "Asia/Beirut", "2024-03-31"},
		// Samoa left out 2011-12-30 altogether.
		{"2011-12-30T09:59:59Z", "Pacific/Apia", "2011-12-29"},
		{"2011-12-30T10:00:00Z", "Pacific/Apia", "2011-12-31"},
		// Every day of an order can be asked for, so the first and last hours stay inside 1970 to 9999.
		{"1970-01-01T00:00:00Z", "America/New_York", "1970-01-01"},
		{"9999-12-31T23:59:59Z", "Asia/Kathmandu", "9999-12-31"},
	} {
		placed, err := time.Parse(time.RFC3339Nano, c.placed)
		if err != nil {
			t.Fatal(err)
		}
		o := order.Order{Placed: placed}

		got := o.Day(zone(t, c.zone))

		if got.String() != c.want {
			t.Errorf("%s in %s: day %v, want %s", c.placed, c.zone, got, c.want)
		}
		if month := got.Month().String(); month != c.want[:len("2024-12")] {
			t.Errorf("%s in %s: month %s, want that of %s", c.placed, c.zone, month, c.want)
		}
	}
}

func TestDayWithoutAZoneIsThatOfUTC(t *testing.T) {
	t.Parallel()
	o := order.Order{Placed: time.Date(2024, 12, 31, 23, 30, 0, 0, time.UTC)}
	if got := o.Day(nil).String(); got != "2024-12-31" {
		t.Errorf("day %s, want 2024-12-31", got)
	}
}

// Every day of eight thousand years agrees with package time.
func TestDaysAgreeWithTheCalendar(t *testing.T) {
	t.Parallel()
	want := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	for d := order.Day(0); want.Year() <= 9999; d++ {
		text := want.Format(time.DateOnly)
		if d.String() != text {
			t.Fatalf("day %d is %v, want %s", int(d), d, text)
		}
		parsed, err := order.ParseDay(text)
		if err != nil || parsed != d {
			t.Fatalf("ParseDay(%q) = %d, error %v; want %d", text, int(parsed), err, int(d))
		}
		if d.Month() != order.MonthOf(want) {
			t.Fatalf("%s is in the month %v", text, d.Month())
		}
		want = want.AddDate(0, 0, 1)
	}
}

func TestDayOfTakesTheZoneOfItsTime(t *testing.T) {
	t.Parallel()
	east := time.FixedZone("east", 3600)
	for at, want := range map[time.Time]string{
		time.Date(2025, 1, 1, 0, 30, 0, 0, east):           "2025-01-01",
		time.Date(2024, 12, 31, 23, 30, 0, 0, time.UTC):    "2024-12-31",
		time.Date(1969, 12, 31, 23, 59, 59, 1e6, time.UTC): "1969-12-31",
		time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC):        "1970-01-01",
	} {
		if got := order.DayOf(at).String(); got != want {
			t.Errorf("day of %v = %s, want %s", at, got, want)
		}
	}
}

func TestParseDayRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "2024", "2024-12", "2024-12-1", "2024-00-10", "2024-13-10", "2024-12-00", "2024-12-32",
		"2023-02-29",
		"1969-12-31", "10000-01-01", "2024/12/13", "20241213", " 2024-12-13", "2024-12-13 ",
		"2024-12-13T00:00:00Z",
		"202a-12-13", "2024-1a-13", "2024-12-1a", "-024-12-13", "٢٠٢٤-١٢-١٣",
	} {
		if d, err := order.ParseDay(text); err == nil {
			t.Errorf("ParseDay(%q) = %v, want an error", text, d)
		} else if !strings.Contains(err.Error(), "YYYY-MM-DD") {
			t.Errorf("ParseDay(%q): the error %q does not say what to write", text, err)
		}
	}
}

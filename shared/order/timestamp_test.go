package order_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"orderpipeline/shared/order"
)

func TestTimestampAccepted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2024-12-13T10:00:00Z": "2024-12-13T10:00:00.000000000Z",
		"2024-12-13t10:00:00z": "2024-12-13T10:00:00.000000000Z", // RFC 3339 allows both
		// str of a Python datetime
		"2024-12-13 10:00:00":       "2024-12-13T10:00:00.000000000Z",
		"2024-12-13T10:00:00":       "2024-12-13T10:00:00.000000000Z", // no zone: UTC
		"2024-12-13T10:00":          "2024-12-13T10:00:00.000000000Z",
		"2024-12-13T10:00Z":         "2024-12-13T10:00:00.000000000Z",
		"2024-12-13":                "2024-12-13T00:00:00.000000000Z",
		"2024-12-13T10:00:00+00:00": "2024-12-13T10:00:00.000000000Z",
		"2024-12-13T10:00:00-00:00": "2024-12-13T10:00:00.000000000Z",
		"2024-12-13T10:00:00+05:30": "2024-12-13T04:30:00.000000000Z",
		// %z of Python's strftime
		"2024-12-13T10:00:00-0800":          "2024-12-13T18:00:00.000000000Z",
		"2024-12-13 10:00:00+01":            "2024-12-13T09:00:00.000000000Z", // PostgreSQL
		"2024-12-13T10:00:00.5Z":            "2024-12-13T10:00:00.500000000Z",
		"2024-12-13T10:00:00.123456":        "2024-12-13T10:00:00.123456000Z",
		"2024-12-13T10:00:00,123+01:00":     "2024-12-13T09:00:00.123000000Z",
		"2024-12-13T10:00:00.123456789999Z": "2024-12-13T10:00:00.123456789Z", // cut off, not rounded
		"2024-12-31T23:59:59.999999999999Z": "2024-12-31T23:59:59.999999999Z",
		"2024-12-31T23:30:00-01:00":         "2025-01-01T00:30:00.000000000Z",
		"2025-01-01T00:30:00+01:00":         "2024-12-31T23:30:00.000000000Z",
		"2024-02-29T00:00:00Z":              "2024-02-29T00:00:00.000000000Z",
		"2000-02-29":                        "2000-02-29T00:00:00.000000000Z",
		"1970-01-01":                        "1970-01-01T00:00:00.000000000Z",
		// the year counts in UTC
		"1969-12-31T23:30:00-00:30":            "1970-01-01T00:00:00.000000000Z",
		"9999-12-31T23:59:59.999999999Z":       "9999-12-31T23:59:59.999999999Z",
		"2024-12-13T10:00:00+23:59":            "2024-12-12T10:01:00.000000000Z",
		`2024-12-13T10:00:00\u002b01:00`:       "2024-12-13T09:00:00.000000000Z",
		"2024-12-13T10:00:00." + zeros(10_000): "2024-12-13T10:00:00.000000000Z",
	} {
		t.Run(text[:min(len(text), 40)], func(t *testing.T) {
			t.Parallel()
			got := accept(t, with("order_timestamp", `"`+text+`"`))
			if placed := got.Placed.Format(momentLayout); placed != want {
				t.Errorf("placed = %s, want %s", placed, want)
			}
			if got.Placed.Location() != time.UTC {
				t.Errorf("location = %v, want UTC", got.Placed.Location())
			}
			if month := got.Month().String(); month != want[:len("2006-01")] {
				t.Errorf("month = %s, want that of %s", month, want)
			}
		})
	}
}

func zeros(n int) string { return strings.Repeat("0", n) }

func TestTimestampRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"2023-02-29", "1900-02-29", "2100-02-29", "2024-02-30", "2024-04-31", "2024-06-31", "2024-09-31",
		"2024-11-31", "2024-00-10", "2024-13-10", "2024-12-00", "2024-12-32",
		"2024-12-13T24:00:00Z", "2024-12-13T10:60:00Z", "2024-12-13T10:00:61Z", "2016-12-31T23:59:60Z",
		"2024-12-13T10:00:00+24:00", "2024-12-13T10:00:00+00:60", "2024-12-13T10:00:00+1:00",
		"2024-12-13T10:00:00+010",
		"2024-12-13T10:00:00+01:00:00", "2024-12-13T10:00:00*01:00", "2024-12-13T10:00:00+01-00",
		"2024-12-13T10:00:00−01:00",
		"1969-12-31", "1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "0000-01-01",
		"10000-01-01", "-2024-12-13", "+2024-12-13",
		"2024", "2024-12", "2024-12-1", "2024-1-13", "24-12-13", "2024/12/13", "13.12.2024", "20241213",
		"20241213T100000Z",
		"2024-W50-5", "2024-348", "2024-12-13T", "2024-12-13 ", "2024-12-13Z", "2024-12-13+01:00",
		"2024-12-13T10", "2024-12-13T10Z",
		"2024-12-13T1000", "2024-12-13T10:00:", "2024-12-13T10:00:0", "2024-12-13T10:00:00.",
		"2024-12-13T10:00:00.Z", "2024-12-13T10:00.5Z",
		"2024-12-13_10:00:00", "2024-12-13  10:00:00", "2024-12-13T10:00:00 Z",
		"2024-12-13T10:00:00 +01:00", "2024-12-13T10:00:00Z ",
		" 2024-12-13T10:00:00Z", "2024-12-13T10:00:00ZZ", "2024-12-13T10:00:00Z+01:00",
		"2024-12-13T10:00:00 UTC", "2024-12-13T10:00:00[UTC]",
		"2024-12-13T1a:00:00Z", "2024-12-13T-1:00:00Z", "2024-12-13T10:+1:00Z", "202a-12-13",
		"2024-12-13\u0000", "٢٠٢٤-١٢-١٣", "now",
		"Fri, 13 Dec 2024 10:00:00 GMT", "1734084000",
	} {
		refuse(
			t, fmt.Sprintf("%q", text), with("order_timestamp", encodeASCII(text)), order.InvalidField,
			"order_timestamp",
		)
	}
}

// encodeASCII writes text as a JSON string in which control characters are escaped.
func encodeASCII(text string) string { return strings.ReplaceAll(encode(text), "\x00", `\u0000`) }

func TestMonthOfTakesTheMonthInUTC(t *testing.T) {
	t.Parallel()
	east := time.FixedZone("east", 3600)
	for at, want := range map[time.Time]string{
		time.Date(2025, 1, 1, 0, 30, 0, 0, east):         "2024-12",
		time.Date(2025, 1, 1, 1, 0, 0, 0, east):          "2025-01",
		time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC):      "1970-01",
		time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC): "9999-12",
	} {
		if got := order.MonthOf(at).String(); got != want {
			t.Errorf("month of %v = %s, want %s", at, got, want)
		}
	}
}

func TestParseMonth(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1970-01", "2024-02", "2024-12", "9999-12"} {
		if m, err := order.ParseMonth(text); err != nil || m.String() != text {
			t.Errorf("ParseMonth(%q) = %v, error %v; want it back as it was", text, m, err)
		}
	}
	december, errDecember := order.ParseMonth("2023-12")
	january, errJanuary := order.ParseMonth("2024-01")
	if errDecember != nil || errJanuary != nil || january-december != 1 {
		t.Errorf(
			"2024-01 − 2023-12 = %d months (errors %v, %v), want 1", january-december, errJanuary,
			errDecember,
		)
	}
	for _, text := range []string{
		"", "2024", "2024-00", "2024-13", "1969-12", "10000-01", "2024-1", "24-01", "2024-01-01",
		"2024/01", "202a-01", "2024-0a",
		" 2024-01", "2024-01 ", "-024-01", "2024-+1", "2024--1", "٢٠٢٤-٠١",
	} {
		if m, err := order.ParseMonth(text); err == nil {
			t.Errorf("ParseMonth(%q) = %v, want an error", text, m)
		} else if !strings.Contains(err.Error(), "YYYY-MM") {
			t.Errorf("ParseMonth(%q): the error %q does not say what to write", text, err)
		}
	}
}

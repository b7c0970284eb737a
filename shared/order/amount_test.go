package order_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"orderpipeline/shared/order"
)

// The value is exact, and rounded once, half to even.
func TestValueIsExact(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		items [][2]string // quantity, price
		want  string
	}{
		"two at 20.0":                         {[][2]string{{"2", "20.0"}}, "40.00"},
		"what floats add up to 0.30000000004": {[][2]string{{"1", "0.1"}, {"1", "0.2"}}, "0.30"},
		"1.005, which a float holds as less":  {[][2]string{{"1", "1.005"}}, "1.00"},
		"1.015 to the even cent":              {[][2]string{{"1", "1.015"}}, "1.02"},
		"2.675, which a float holds as less":  {[][2]string{{"1", "2.675"}}, "2.68"},
		"a little more than half a cent":      {[][2]string{{"1", "0.005000001"}}, "0.01"},
		"half a cent, down to zero":           {[][2]string{{"1", "0.005"}}, "0.00"},
		"a little less than half a cent":      {[][2]string{{"1", "0.004999999"}}, "0.00"},
		"rounded once, not item by item":      {[][2]string{{"1", "0.005"}, {"1", "0.005"}}, "0.01"},
		"a billionth a million times":         {[][2]string{{"1000000", "0.000000001"}}, "0.00"},
		"fifteen billionths a million times":  {[][2]string{{"1000000", "0.000000015"}}, "0.02"},
		"the highest price":                   {[][2]string{{"1", "1000000000"}}, "1000000000.00"},
		"down to the limit": {
			[][2]string{{"1", "1000000000"}, {"1", "0.005"}}, "1000000000.00",
		},
		"up to the limit":      {[][2]string{{"1", "999999999.995"}}, "1000000000.00"},
		"numbers in strings":   {[][2]string{{`"3"`, `"33.33"`}}, "99.99"},
		"numbers with escapes": {[][2]string{{`"\u0033"`, `"33\u002e33"`}}, "99.99"},
		"numbers with exponents": {
			[][2]string{{"3e0", "3333E-2"}, {"0.1e1", "1e+2"}}, "199.99",
		},
		"zeros before and after": {
			[][2]string{{"2.000", "0.00000000000000000000000001e25"}}, "0.20",
		},
		"many digits that are zeros": {
			[][2]string{{"1", "12." + strings.Repeat("0", 10_000)}}, "12.00",
		},
		"a long number and its exponent": {
			[][2]string{{"1", "12" + strings.Repeat("0", 10_000) + "e-10000"}}, "12.00",
		},
		"18 digits and an exponent": {
			[][2]string{{"1", "123456789005000001e-9"}}, "123456789.01",
		},
		"minus zero":              {[][2]string{{"1", "-0.00"}}, "0.00"},
		"zero times a huge power": {[][2]string{{"1", "0e99999999999999999999"}}, "0.00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var items []string
			for _, i := range c.items {
				items = append(items, item(`"P"`, i[0], i[1]))
			}
			got := accept(t, with("items", "["+strings.Join(items, ",")+"]")).Value.String()
			if got != c.want {
				t.Errorf("value = %s, want %s", got, c.want)
			}
		})
	}
}

// More than 0.01 away from the recalculated, rounded value is a mismatch; the value is never the
// stated one.
func TestMismatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		price, stated string
		want          bool
	}{
		{"20", "20", false},
		{"20", `"20.00"`, false},
		{"20", "20.01", false},
		{"20", "19.99", false},
		{"20", "20.010000000000000000000000", false},
		{"20", "20.010000000000000000000001", true},
		{"20", "19.98999999999999999999999999", true},
		{"20", "19.99000000000000000000000001", false},
		{"20", "20.02", true},
		{"20", "2e1", false},
		{"20", "2001e-2", false},
		{"20", "0", true},
		{"20", "-20", true},
		{"20.005", "20.01", false}, // recalculated as 20.00
		{"20.005", "20.011", true},
		{"0", "0", false},
		{"0", "-0", false},
		{"0", "-0.01", false},
		{"0", "-1e-2", false},
		{"0", "-0.0100000000000000000001", true},
		{"0", "-0.02", true},
		{"0", "1e-999999999999999999999", false},
		{"0", "-1e-999999999999999999999", false},
		{"0.01", "-0", false},
		{"0.01", "-0.000000000000000000000000001", true},
		{"0.01", "0.02", false},
		{"0.02", "0", true},
		{"1000000000", "1000000000.01", false},
		{"1000000000", "1000000000.0100000000001", true},
		{"1000000000", "184467440737095516.16", true}, // 2^64 cents
		{"0.01", "-1e400", true},
		{"1", "1e18446744073709551616", true}, // an exponent of 2^64
		{"20", "1e400", true},
		{"20", "-1e400", true},
		{"20", "1e999999999999999999999", true},
		{"20", strings.Repeat("9", 100_000), true},
		{"20", "20." + strings.Repeat("0", 100_000) + "1", false},
		{"20", "0." + strings.Repeat("0", 100_000) + "2e100002", false},
	} {
		shown := c.stated[:min(len(c.stated), 40)]
		t.Run(c.price+" stated as "+shown, func(t *testing.T) {
			t.Parallel()
			items := "[" + item(`"P"`, "1", c.price) + "]"
			got := accept(t, with("items", items, "order_value", c.stated))
			if got.Mismatch != c.want {
				t.Errorf("mismatch = %v, want %v", got.Mismatch, c.want)
			}
			unstated := accept(t, with("items", items, "order_value", ""))
			if got.Value != unstated.Value || unstated.Mismatch {
				t.Errorf(
					"stated %v, not stated %+v: want the same value, and no mismatch where none is stated",
					got.Value, unstated,
				)
			}
		})
	}
}

func TestCentsAreWrittenWithTwoDecimals(t *testing.T) {
	t.Parallel()
	for c, want := range map[order.Cents]string{
		0: "0.00", 1: "0.01", 10: "0.10", 100: "1.00", 4000: "40.00", order.MaxValue: "1000000000.00",
		-1: "-0.01", -12345: "-123.45", 1<<63 - 1: "92233720368547758.07",
		-1 << 63: "-92233720368547758.08",
	} {
		if got := c.String(); got != want {
			t.Errorf("%d cents = %s, want %s", int64(c), got, want)
		}
		if got, err := c.MarshalJSON(); err != nil || string(got) != want {
			t.Errorf("%d cents as JSON = %s (error %v), want %s", int64(c), got, err, want)
		}
	}
}

func TestMoneyInJSONIsExact(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]order.Cents{
		"59.97": 5997, "0.05": 5, "-0.05": -5, "7": 700, "7.5": 750,
		"90071992547409.93": 9007199254740993,
	} {
		var got order.Cents
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s is read as %d cents, error %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"0.001", "1e3", `"1.00"`, "null", "true", "99999999999999999999"} {
		var got order.Cents
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s is read as %d cents", text, got)
		}
	}
}

func TestParseCents(t *testing.T) {
	t.Parallel()
	for _, c := range []order.Cents{0, 1, 10, 4000, order.MaxValue, -1, -12345, 1<<63 - 1, -1 << 63} {
		got, err := order.ParseCents(c.String())
		if err != nil || got != c {
			t.Errorf("ParseCents(%q) = %d, error %v, want %d", c.String(), got, err, c)
		}
	}
	for _, text := range []string{
		"", "1", "1.0", "1.000", ".00", "-.00", "--1.00", "+1.00", "1,00", "1.0a", "a.00", "1e2.00",
		" 1.00", "1.00 ",
		"92233720368547758.08", "1_0.00", "1.-1", "1.00.00",
	} {
		if got, err := order.ParseCents(text); err == nil {
			t.Errorf("ParseCents(%q) = %d, want an error", text, got)
		}
	}
}

func TestCheckAgreesWithParse(t *testing.T) {
	t.Parallel()
	good := accept(t, with("order_value", "20"))
	if err := good.Check(); err != nil {
		t.Errorf("an order of Parse: %v", err)
	}
	year10000 := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	for want, change := range map[string]func(*order.Order){
		"order_id is empty":                    func(o *order.Order) { o.ID = "" },
		"order_id is longer":                   func(o *order.Order) { o.ID = strings.Repeat("é", 129) },
		"user_id contains a control character": func(o *order.Order) { o.UserID = "U\x01" },
		"in the year 1969":                     func(o *order.Order) { o.Placed = time.Unix(-1, 0) },
		"in the year 10000":                    func(o *order.Order) { o.Placed = year10000 },
		"the value -0.01 is outside":           func(o *order.Order) { o.Value = -1 },
		"the value 1000000000.01 is outside":   func(o *order.Order) { o.Value = order.MaxValue + 1 },
	} {
		o := good
		change(&o)
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

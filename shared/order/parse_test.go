package order_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/order"
)

// sample is the order that the tests change: two pieces at 20.0, stated as 40.
var sample = map[string]string{
	"order_id":        `"ORD1"`,
	"user_id":         `"U1"`,
	"order_timestamp": `"2024-12-13T10:00:00Z"`,
	"items":           `[{"product_id":"P1","quantity":2,"price_per_unit":20.0}]`,
	"order_value":     `40`,
}

var names = []string{"order_id", "user_id", "order_timestamp", "items", "order_value"}

// with writes the sample with other values, given as name, JSON text, name, JSON text … An empty
// text leaves a name out.
func with(changes ...string) string {
	changed := map[string]string{}
	for i := 0; i < len(changes); i += 2 {
		if _, known := sample[changes[i]]; !known {
			panic("the sample has no " + changes[i])
		}
		changed[changes[i]] = changes[i+1]
	}
	var members []string
	for _, name := range names {
		text, ok := changed[name]
		if !ok {
			text = sample[name]
		}
		if text != "" {
			members = append(members, `"`+name+`":`+text)
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

// withItem writes the sample with one item of these JSON texts; an empty one leaves the field out.
func withItem(productID, quantity, price string) string {
	return with("items", "["+item(productID, quantity, price)+"]", "order_value", "")
}

func item(productID, quantity, price string) string {
	var members []string
	fields := [][2]string{
		{"product_id", productID},
		{"quantity", quantity},
		{"price_per_unit", price},
	}
	for _, m := range fields {
		if m[1] != "" {
			members = append(members, `"`+m[0]+`":`+m[1])
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

func manyItems(n int) string {
	return "[" + strings.TrimSuffix(strings.Repeat(item(`"P"`, "1", "0.01")+",", n), ",") + "]"
}

func accept(t *testing.T, body string) order.Order {
	t.Helper()
	o, err := order.Parse(body)
	if err != nil {
		t.Fatalf("refused: %v\nmessage: %s", err, body)
	}
	return o
}

func TestParseReadsEveryPart(t *testing.T) {
	t.Parallel()
	want := order.Order{
		ID: "ORD1234", UserID: "U5678", Value: 4000, Mismatch: true,
		Placed: time.Date(2024, 12, 13, 10, 0, 0, 0, time.UTC),
	}
	const message = `{"order_id": "ORD1234", "user_id": "U5678",
		"order_timestamp": "2024-12-13T10:00:00Z",
		"order_value": 99.99,
		"items": [{"product_id": "P001", "quantity": 2, "price_per_unit": 20.0}]}`
	got := accept(t, message)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if got.Month().String() != "2024-12" {
		t.Errorf("month = %v, want 2024-12", got.Month())
	}
}

// The accepted column of the contract's table; what the values come to is tested beside, in
// amount_test.go.
func TestParseAccepts(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"order_id of one character":             with("order_id", `"a"`),
		"order_id of 128 characters":            with("order_id", `"`+strings.Repeat("a", 128)+`"`),
		"order_id of 128 characters, 512 bytes": with("order_id", `"`+strings.Repeat("😀", 128)+`"`),
		"order_id of 128 escaped characters": with(
			"order_id", `"`+strings.Repeat(`\ud83d\ude00`, 128)+`"`,
		),
		"order_id with spaces, quotes and marks": with("order_id", `" <a href=\"x\">\\ \u202e "`),
		"user_id of 128 characters":              with("user_id", `"`+strings.Repeat("a", 128)+`"`),
		"product_id of 128 characters":           withItem(`"`+strings.Repeat("é", 128)+`"`, "1", "1"),
		"product_id with a control character":    withItem(`"a\u0000b"`, "1", "1"),
		"1 item":                                 with("items", manyItems(1)),
		"1,000 items":                            with("items", manyItems(1000)),
		"quantity 1":                             withItem(`"P"`, "1", "1"),
		"quantity 1,000,000":                     withItem(`"P"`, "1000000", "1"),
		"quantity 2.0":                           withItem(`"P"`, "2.0", "1"),
		"quantity 2e0":                           withItem(`"P"`, "2e0", "1"),
		`quantity "2"`:                           withItem(`"P"`, `"2"`, "1"),
		`quantity "2.0"`:                         withItem(`"P"`, `"2.0"`, "1"),
		"price 0":                                withItem(`"P"`, "1", "0"),
		"price -0.0, which is zero":              withItem(`"P"`, "1", "-0.0"),
		"price 1,000,000,000":                    withItem(`"P"`, "1", "1000000000"),
		"price with 9 decimals":                  withItem(`"P"`, "1", "0.123456789"),
		"price with 9 decimals and many zeros": withItem(
			`"P"`, "1", "0.123456789"+strings.Repeat("0", 50),
		),
		"price as a string":              withItem(`"P"`, "1", `"19.99"`),
		"price with an exponent":         withItem(`"P"`, "1", "1.5e2"),
		"order_value left out":           with("order_value", ""),
		"order_value as a string":        with("order_value", `"40.00"`),
		"order_value negative":           with("order_value", "-3"),
		"order_value beyond every float": with("order_value", "1e400"),
		"order_value of 100,000 digits":  with("order_value", strings.Repeat("9", 100_000)),
		"an order of 1,000,000,000.00":   withItem(`"P"`, "1000000", "1000"),
		"unknown fields of every shape": strings.Replace(with(), "{",
			`{"note":null,"a":[1,{"order_id":2,"items":[]}],"b":{"user_id":[]},`+
				`"Order_ID":7,"":true,"c":"\ud83d",`, 1),
		"unknown fields in an item": with(
			"items", `[{"quantity":2,"colour":{"quantity":0},"product_id":"P","price_per_unit":1}]`,
		),
		"white space everywhere": " \t\r\n" +
			strings.NewReplacer(":", " :\n", ",", "\t,\r\n", "}", " }", "[", "[ ").
				Replace(with("order_timestamp", `"2024-12-13"`)) + " \n",
		"a name written with escapes": strings.Replace(
			with(), `"user_id"`, `"\u0075ser\u005fid"`, 1,
		),
		"nesting of 512": strings.Replace(
			with(), "{", `{"deep":`+strings.Repeat("[", 511)+strings.Repeat("]", 511)+",", 1,
		),
		"a message that is encoded twice":      encode(with()),
		"encoded twice, with spaces around it": " " + encode("\n"+with()+" ") + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			accept(t, body)
		})
	}
}

func encode(text string) string {
	escapes := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\r", `\r`)
	return `"` + escapes.Replace(text) + `"`
}

// The right-hand column of the contract's table.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	long := `"` + strings.Repeat("é", 129) + `"`
	for _, id := range []string{"order_id", "user_id"} {
		for _, c := range []struct {
			name, json string
			reason     order.Reason
		}{
			{"missing", "", order.MissingField},
			{"null", "null", order.InvalidField},
			{"empty", `""`, order.InvalidField},
			{"a number", "7", order.InvalidField},
			{"a list", `["a"]`, order.InvalidField},
			{"an object", `{"id":"a"}`, order.InvalidField},
			{"of 129 characters", long, order.InvalidField},
			{"with a line break", `"a\nb"`, order.InvalidField},
			{"with NUL", `"a\u0000"`, order.InvalidField},
			{"with DEL", "\"a\u007f\"", order.InvalidField},
			{"with a C1 control character", "\"\u0085\"", order.InvalidField},
			{"with a lone surrogate", `"a\ud83d"`, order.InvalidField},
			{"with surrogates the wrong way round", `"\ude00\ud83d"`, order.InvalidField},
		} {
			refuse(t, id+" "+c.name, with(id, c.json), c.reason, id)
		}
	}
	for name, text := range map[string]string{
		"null": "null", "a number": "1734084000", "empty": `""`, "not a moment": `"2024-02-30"`,
	} {
		refuse(
			t, "order_timestamp "+name, with("order_timestamp", text), order.InvalidField, "order_timestamp",
		)
	}
	refuse(
		t, "order_timestamp missing", with("order_timestamp", ""), order.MissingField, "order_timestamp",
	)

	refuse(t, "items missing", with("items", ""), order.MissingField, "items")
	for name, text := range map[string]string{
		"null": "null", "empty": "[]", "an object": `{"0":{}}`, "a string": `"[]"`,
		"too many": manyItems(1001), "far too many": manyItems(20_000),
	} {
		refuse(t, "items "+name, with("items", text), order.InvalidField, "items")
	}
	for name, text := range map[string]string{"null": "null", "a list": "[]", "a string": `"P1"`} {
		refuse(
			t, "item that is "+name, with("items", "["+item(`"P"`, "1", "1")+","+text+"]"),
			order.InvalidField, "items[1]",
		)
	}

	for _, c := range []struct{ field, reason, text string }{
		{"product_id", "missing", ""},
		{"product_id", "null", "null"},
		{"product_id", "empty", `""`},
		{"product_id", "a number", "1"},
		{"product_id", "of 129 characters", long},
		{"product_id", "with a lone surrogate", `"\udfff"`},
		{"quantity", "missing", ""},
		{"quantity", "null", "null"},
		{"quantity", "a boolean", "true"},
		{"quantity", "fractional", "1.5"},
		{"quantity", "hardly fractional", "1.0000000000000000000000001"},
		{"quantity", "zero", "0"},
		{"quantity", "zero point zero", `"0.0"`},
		{"quantity", "negative", "-1"},
		{"quantity", "too large", "1000001"},
		{"quantity", "beyond 64 bits", "18446744073709551617"},
		{"quantity", "beyond every float", "1e999"},
		{"quantity", "a word", `"two"`},
		{"quantity", "an empty string", `""`},
		{"quantity", "hexadecimal", `"0x2"`},
		{"quantity", "with a space", `" 2"`},
		{"quantity", "with a plus", `"+2"`},
		{"price_per_unit", "missing", ""},
		{"price_per_unit", "null", "null"},
		{"price_per_unit", "a boolean", "false"},
		{"price_per_unit", "negative", "-0.000000001"},
		{"price_per_unit", "NaN", `"NaN"`},
		{"price_per_unit", "infinite", `"Infinity"`},
		{"price_per_unit", "too large", "1000000000.000000001"},
		{"price_per_unit", "beyond every float", "1e400"},
		{"price_per_unit", "that is zero in 64 bits", "36028797018963968"},
		{"price_per_unit", "with an exponent of 2^64", "1e18446744073709551616"},
		{"price_per_unit", "with 10 decimals", "0.0000000001"},
		{"price_per_unit", "too small for a float", "1e-400"},
		{"price_per_unit", "with a currency", `"20 EUR"`},
		{"price_per_unit", "with a thousands separator", `"1,000"`},
		{"price_per_unit", "with a decimal comma", `"1,5"`},
		{"price_per_unit", "with nothing before the point", `".5"`},
		{"price_per_unit", "with nothing after the point", `"1."`},
		{"price_per_unit", "with a leading zero", `"01"`},
		{"price_per_unit", "a list", "[1]"},
	} {
		fields := map[string]string{"product_id": `"P"`, "quantity": "1", "price_per_unit": "1"}
		fields[c.field] = c.text
		reason := order.InvalidField
		if c.text == "" {
			reason = order.MissingField
		}
		bad := item(fields["product_id"], fields["quantity"], fields["price_per_unit"])
		good := item(`"P"`, "1", "1")
		body := with("items", "["+good+","+good+","+bad+","+good+"]")
		refuse(t, c.field+" "+c.reason, body, reason, "items[2]."+c.field)
	}

	for name, text := range map[string]string{
		"null": "null", "a boolean": "true", "a word": `"forty"`, "an empty string": `""`,
		"NaN in a string": `"nan"`, "a list": "[40]", "an object": "{}",
	} {
		refuse(t, "order_value "+name, with("order_value", text), order.InvalidField, "order_value")
	}

	refuse(t, "an order of 1,000,000,000.01",
		with("items", "["+item(`"P"`, "1", "1000000000")+","+item(`"P"`, "1", "0.01")+"]"),
		order.OrderTooLarge, "items")
	refuse(t, "an order rounded up beyond the limit",
		with("items", "["+item(`"P"`, "1", "1000000000")+","+item(`"P"`, "1", "0.005000001")+"]"),
		order.OrderTooLarge, "items")
	refuse(t, "an order just above what 64 bits hold", with("items", "["+strings.TrimSuffix(
		strings.Repeat(item(`"P"`, "1", "1000000000")+",", 19), ",")+"]"), order.OrderTooLarge, "items")
	refuse(t, "the largest order that can be written", with("items", "["+strings.TrimSuffix(
		strings.Repeat(item(`"P"`, "1000000", "1000000000")+",", 1000), ",")+"]"),
		order.OrderTooLarge, "items")
}

func refuse(t *testing.T, name, body string, reason order.Reason, field string) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		o, err := order.Parse(body)
		var refusal *order.Refusal
		if !errors.As(err, &refusal) {
			t.Fatalf("accepted as %+v, error %v", o, err)
		}
		if refusal.Reason != reason || refusal.Field != field {
			t.Errorf("refused as %s at %q, want %s at %q", refusal.Reason, refusal.Field, reason, field)
		}
	})
}

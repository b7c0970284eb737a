package order_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
)

// A writer writes random messages: mostly orders, often odd in form, now and then wrong in one or
// several ways.
type writer struct{ rng *rand.Rand }

func (w *writer) chance(percent int) bool { return w.rng.IntN(100) < percent }

func (w *writer) pick(from []string) string { return from[w.rng.IntN(len(from))] }

// message writes one message.
func (w *writer) message() string {
	body := w.order()
	if w.chance(10) {
		body = w.quote(body, 5)
		if w.chance(10) {
			body = w.quote(body, 0)
		}
	}
	if w.chance(4) {
		body = w.damage(body)
	}
	return w.space() + body + w.space()
}

// order writes the object of an order.
func (w *writer) order() string {
	total := new(big.Rat)
	count := 1 + w.rng.IntN(5)
	if w.chance(1) {
		count = w.rng.IntN(1100)
	}
	list := make([]string, count)
	for i := range list {
		list[i] = w.item(total)
	}
	items := "[" + w.space() + strings.Join(list, w.space()+","+w.space()) + w.space() + "]"
	members := []string{
		w.member("order_id", w.id()),
		w.member("user_id", w.id()),
		w.member("order_timestamp", w.quote(w.timestamp(), 2)),
		w.member("items", w.or(items, 1)),
	}
	if w.chance(70) {
		members = append(members, w.member("order_value", w.or(w.stated(total), 2)))
	}
	return w.object(members)
}

func (w *writer) item(total *big.Rat) string {
	quantity, price := w.quantity(), w.price()
	if q, ok := new(big.Rat).SetString(quantity); ok {
		if p, ok := new(big.Rat).SetString(price); ok {
			total.Add(total, q.Mul(q, p))
		}
	}
	return w.or(w.object([]string{
		w.member("product_id", w.id()),
		w.member("quantity", w.or(w.maybeQuoted(quantity), 1)),
		w.member("price_per_unit", w.or(w.maybeQuoted(price), 1)),
	}), 1)
}

// otherFields are names that the contract does not know.
var otherFields = []string{"note", "", "Order_ID", "order_id ", "quantity\x00", "käufer"}

// object joins members in any order, at times with unknown ones, one too few, or one twice.
func (w *writer) object(members []string) string {
	if w.chance(1) {
		members = members[1:]
	}
	if w.chance(20) {
		members = append(members, w.quote(w.pick(otherFields), 5)+":"+w.value(0))
	}
	if w.chance(2) {
		members = append(members, members[w.rng.IntN(len(members))])
	}
	if w.chance(1) {
		name := w.pick([]string{"order_id", "user_id", "items", "quantity", "product_id"})
		members = append(members, w.member(name, w.value(0)))
	}
	w.rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + w.space() + strings.Join(members, w.space()+","+w.space()) + w.space() + "}"
}

func (w *writer) member(name, value string) string {
	return w.quote(name, 2) + w.space() + ":" + w.space() + value
}

// or returns the value, or now and then another one in its place.
func (w *writer) or(value string, percent int) string {
	if w.chance(percent) {
		return w.value(0)
	}
	return value
}

// value writes any JSON value, or nearly.
func (w *writer) value(depth int) string {
	switch n := w.rng.IntN(20); {
	case n < 11:
		return w.pick([]string{
			"null", "true", "false", "0", "-0", "1", "1.5", "-7", "1e3", `""`, `"x"`, `"2"`, "[]", "{}",
			`"\ud83d"`, `"\ud83d\ude00"`,
		})
	case n == 11:
		return w.pick([]string{
			"NaN", "-Infinity", "01", "1.", ".5", "+1", "1e", "nul", "'x'", `"\x"`, "\"\t\"", "[1,]",
			`{"a":1,}`, `{"a"}`, "",
		})
	case n == 12 && w.chance(30):
		levels := 505 + w.rng.IntN(10)
		return strings.Repeat("[", levels) + strings.Repeat("]", levels)
	case n < 15 && depth < 4:
		return "[" + w.value(depth+1) + "," + w.space() + w.value(depth+1) + "]"
	case n < 17 && depth < 4:
		return `{"a":` + w.value(depth+1) + `, "order_id" :` + w.value(depth+1) + "}"
	default:
		return w.maybeQuoted(w.price())
	}
}

func (w *writer) id() string {
	if w.chance(97) {
		return w.quote(fmt.Sprintf("ID-%d", w.rng.IntN(1000)), 1)
	}
	switch w.rng.IntN(10) {
	case 0:
		character := w.pick([]string{"a", "é", "😀", `\u00e9`, `\ud83d\ude00`})
		return `"` + strings.Repeat(character, 126+w.rng.IntN(5)) + `"`
	case 1:
		return `"a` + w.pick([]string{"\u007f", "\u0085", "\u00a0", "\u2028", "\ufeff", "\ufffd",
			`\u0000`, `\u001f`, `\n`, `\ud800`, `\udc00x`, `\ud800\ud800`, `\\ud800`, `\"`, `\/`}) + `"`
	default:
		return w.value(0)
	}
}

func (w *writer) timestamp() string {
	if w.chance(1) {
		return w.pick([]string{
			"", "2024", "2024-12", "20241213", "20241213T100000Z", "2024-W50-5", "2024-348", "yesterday",
			"1734084000",
			"2024-12-13T", "2024-12-13T10", "2024-12-13T10:", "2024-12-13T10:00:", "2024-12-13T10:00:00.",
			"2024-12-13T10:00.5",
			"2024-12-13T24:00:00Z", "2016-12-31T23:59:60Z", "2024-12-13Z", "2024-12-13T10:00:00ZZ",
			"2024-12-13T10:00:00+1:00",
			"2024-12-13T10:00:00+24:00", "2024-12-13T10:00:00+00:60", "2024-12-13  10:00:00",
			"2024-12-13T10:00:00 Z",
			" 2024-12-13T10:00:00Z", "2024-12-13T10:00:00Z ", "+2024-12-13T10:00:00Z", "٢٠٢٤-١٢-١٣",
			"2024-12-13T10:00:00−01:00",
		})
	}
	date := fmt.Sprintf("%04d-%02d-%02d", 1971+w.rng.IntN(8000), 1+w.rng.IntN(12), 1+w.rng.IntN(28))
	switch w.rng.IntN(20) {
	case 0:
		date = fmt.Sprintf("%04d-%02d-%02d", 1999+w.rng.IntN(8), w.rng.IntN(14), w.rng.IntN(33))
	case 1:
		date = w.pick(
			[]string{
				"1970-01-01", "1969-12-31", "9999-12-31", "0000-01-01", "1900-02-29", "2000-02-29",
				"2100-02-29",
			},
		)
	}
	if w.chance(10) {
		return date
	}
	clock := fmt.Sprintf("%02d:%02d", w.rng.IntN(24), w.rng.IntN(60))
	if w.chance(80) {
		clock += fmt.Sprintf(":%02d", w.rng.IntN(60))
		if w.chance(30) {
			clock += w.pick([]string{".", ","}) + w.digits(1+w.rng.IntN(12))
		}
	}
	if w.chance(1) {
		clock = fmt.Sprintf("%02d:%02d:%02d", w.rng.IntN(30), w.rng.IntN(70), w.rng.IntN(70))
	}
	zone := w.pick(
		[]string{"", "Z", "z", "+00:00", "-00:00", "+05:30", "-0800", "+14", "-23:59", "+23:59"},
	)
	return date + w.pick([]string{"T", "T", "T", "t", " "}) + clock + zone
}

func (w *writer) quantity() string {
	if w.chance(95) {
		return fmt.Sprint(1 + w.rng.IntN(9))
	}
	return w.pick([]string{
		"1000000", "1000000.0", "1e6", "10e5", "0.1e7", "2.0", "2e0", "20e-1",
		"1000000000000000000000e-20",
		"999999", "123456", "0", "-0.0", "-1", "1.5", "1000001", "1e7", "1e999999999999",
		"1e-999999999999", "0.99999999999999999999999",
		"1.00000000000000000000000000000001", "1.00000000000000000000000000000000", "0e999999999999",
		"99999999999999999999",
	})
}

func (w *writer) price() string {
	switch w.rng.IntN(40) {
	case 0:
		return w.pick([]string{
			"1000000000", "1000000000.00", "1e9", "999999999.999999999", "1000000000.000000001", "0", "-0",
			"0.0", "0e0", "-0.01",
			"0.000000001", "0.0000000001", "1e-9", "1e-10", "12345678.123456789",
			"1.0000000000000000000000000000", "1e400", "1e-400",
			"1E2", "1e+2", "0.000000000000000000000000000000000000001e39", "9999999999999999999999",
			"0.1234567891", "5e99999999999999999999",
		})
	case 1: // close to the limit of an order
		return fmt.Sprintf("99999999%d.%s", w.rng.IntN(10), w.digits(1+w.rng.IntN(9)))
	case 2: // close to half a cent
		return fmt.Sprintf(
			"%d.%02d5%s", w.rng.IntN(100), w.rng.IntN(100), w.pick([]string{"", "0", "000001", "00000"}),
		)
	case 3:
		return fmt.Sprintf("%d.%s", w.rng.IntN(1000), w.digits(1+w.rng.IntN(10)))
	case 4:
		whole, fraction := w.digits(1+w.rng.IntN(30)), w.digits(1+w.rng.IntN(30))
		return fmt.Sprintf("%s.%se%d", whole, fraction, w.rng.IntN(60)-30)
	default:
		return fmt.Sprintf("%d.%02d", w.rng.IntN(1000), w.rng.IntN(100))
	}
}

// stated writes an order_value, mostly close to the true one.
func (w *writer) stated(total *big.Rat) string {
	if w.chance(5) {
		return w.maybeQuoted(w.price())
	}
	near := new(big.Rat).Set(total)
	if w.chance(60) {
		near.Add(near, big.NewRat(int64(w.rng.IntN(41)-20), 1000))
	}
	return w.maybeQuoted(near.FloatString(w.rng.IntN(12)))
}

func (w *writer) maybeQuoted(number string) string {
	switch n := w.rng.IntN(100); {
	case n < 15:
		return w.quote(number, 2)
	case n == 15:
		return `"` + w.pick([]string{" ", "+", "0", "-", "0x", "٣", "NaN", "inf", "$"}) + number + `"`
	}
	return number
}

func (w *writer) digits(n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(byte('0' + w.rng.IntN(10)))
	}
	return b.String()
}

// quote writes text as a JSON string, with every character escaped in that percentage of cases.
func (w *writer) quote(text string, escaped int) string {
	if w.chance(escaped) {
		var b strings.Builder
		for _, r := range text {
			if r > 0xffff {
				b.WriteRune(r)
			} else {
				fmt.Fprintf(&b, w.pick([]string{`\u%04x`, `\u%04X`}), r)
			}
		}
		return `"` + b.String() + `"`
	}
	quoted, err := json.Marshal(text)
	must(err)
	return string(quoted)
}

func (w *writer) space() string {
	if w.chance(60) {
		return ""
	}
	return w.pick([]string{" ", " ", " ", "  ", "\n", "\t", "\r\n", " \n "})
}

// damage breaks a text in one place.
func (w *writer) damage(text string) string {
	at := w.rng.IntN(len(text) + 1)
	switch w.rng.IntN(4) {
	case 0:
		return text[:at]
	case 1:
		return text[:at] + text[min(at+1+w.rng.IntN(3), len(text)):]
	case 2:
		return text[:at] + w.pick([]string{"\"", "{", "}", "[", "]", ",", ":", "\\", "0", "-", "e",
			"\x00", "\x1f", "\xff", "\xc2", "\xed\xa0\x80", "\u00a0", "\ufeff", "/**/", "x"}) + text[at:]
	default:
		return text + w.pick([]string{"x", "{}", ",", "\x00", "null", "]"})
	}
}

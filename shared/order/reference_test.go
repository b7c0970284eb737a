package order_test

import (
	"encoding/json"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"orderpipeline/shared/order"
)

// This file reads the order contract a second time, as plainly as can be and with none of the
// package's own code: encoding/json for the syntax, math/big for the money, regular expressions and
// package time for the moments. The differential test and the fuzz targets compare Parse with it.

// A verdict is everything that can be seen of what was decided about one message.
type verdict struct {
	Reason   order.Reason // of a refusal, with Field; empty for an order
	Field    string
	ID       string
	UserID   string
	Placed   string // in UTC, to the nanosecond
	Month    string
	Cents    string
	Mismatch bool
}

const momentLayout = "2006-01-02T15:04:05.000000000Z"

func refused(reason order.Reason, field string) verdict {
	return verdict{Reason: reason, Field: field}
}

// reference decides about a message as the contract says.
func reference(body string) verdict {
	broken := refused(order.InvalidJSON, "")
	if !soundJSON(body) {
		return broken
	}
	text := strings.TrimLeft(body, " \t\r\n")
	if text[0] == '"' {
		if hasHalfCharacter(text) || json.Unmarshal([]byte(text), &text) != nil || !soundJSON(text) {
			return broken
		}
		text = strings.TrimLeft(text, " \t\r\n")
	}
	if text[0] != '{' {
		return broken
	}
	fields := object(text)
	for _, name := range []string{"order_id", "user_id"} {
		if v, there := fields[name]; !there {
			return refused(order.MissingField, name)
		} else if id, ok := referenceID(v); !ok || strings.IndexFunc(id, unicode.IsControl) >= 0 {
			return refused(order.InvalidField, name)
		}
	}
	want := verdict{}
	want.ID, _ = referenceID(fields["order_id"])
	want.UserID, _ = referenceID(fields["user_id"])

	written, there := fields["order_timestamp"]
	if !there {
		return refused(order.MissingField, "order_timestamp")
	}
	placed, ok := referenceMoment(written)
	if !ok {
		return refused(order.InvalidField, "order_timestamp")
	}
	want.Placed, want.Month = placed.Format(momentLayout), placed.Format("2006-01")

	if _, there := fields["items"]; !there {
		return refused(order.MissingField, "items")
	}
	if fields["items"][0] != '[' {
		return refused(order.InvalidField, "items")
	}
	var items []json.RawMessage
	must(json.Unmarshal(fields["items"], &items))
	if len(items) < 1 || len(items) > 1000 {
		return refused(order.InvalidField, "items")
	}
	total := new(big.Rat)
	for i, item := range items {
		price, r := referenceItem(item, "items["+strconv.Itoa(i)+"]")
		if r.Reason != "" {
			return r
		}
		total.Add(total, price)
	}

	var stated *big.Rat
	if v, there := fields["order_value"]; there {
		if stated, ok = referenceNumber(v); !ok {
			return refused(order.InvalidField, "order_value")
		}
	}
	cents := roundHalfEven(total.Mul(total, big.NewRat(100, 1)))
	if cents.Cmp(big.NewInt(100_000_000_000)) > 0 {
		return refused(order.OrderTooLarge, "items")
	}
	want.Cents = cents.String()
	if stated != nil {
		gap := new(big.Rat).Sub(stated, new(big.Rat).SetFrac(cents, big.NewInt(100)))
		want.Mismatch = gap.Abs(gap).Cmp(big.NewRat(1, 100)) > 0
	}
	return want
}

// referenceItem returns what one item costs, or why it is refused.
func referenceItem(item json.RawMessage, path string) (*big.Rat, verdict) {
	if item[0] != '{' {
		return nil, refused(order.InvalidField, path)
	}
	fields := object(string(item))
	var numbers [2]*big.Rat
	for i, name := range []string{"product_id", "quantity", "price_per_unit"} {
		v, ok := fields[name]
		if !ok {
			return nil, refused(order.MissingField, path+"."+name)
		}
		if name == "product_id" {
			_, ok = referenceID(v)
		} else if numbers[i-1], ok = referenceNumber(v); ok && name == "quantity" {
			ok = numbers[0].IsInt() && numbers[0].Sign() > 0 && numbers[0].Cmp(big.NewRat(1_000_000, 1)) <= 0
		} else if ok {
			_, places := new(big.Int).DivMod(big.NewInt(1_000_000_000), numbers[1].Denom(), new(big.Int))
			inRange := numbers[1].Sign() >= 0 && numbers[1].Cmp(big.NewRat(1_000_000_000, 1)) <= 0
			ok = inRange && places.Sign() == 0
		}
		if !ok {
			return nil, refused(order.InvalidField, path+"."+name)
		}
	}
	return numbers[0].Mul(numbers[0], numbers[1]), verdict{}
}

// referenceID reads a string of 1 to 128 characters.
func referenceID(v json.RawMessage) (string, bool) {
	id, ok := referenceString(v)
	n := utf8.RuneCountInString(id)
	return id, ok && !hasHalfCharacter(string(v)) && n >= 1 && n <= 128
}

func referenceString(v json.RawMessage) (text string, ok bool) {
	if v[0] != '"' {
		return "", false
	}
	must(json.Unmarshal(v, &text))
	return text, true
}

var (
	decimalForm = regexp.MustCompile(`^(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?)(?:[eE]([+-]?[0-9]+))?$`)
	momentForm  = regexp.MustCompile(
		`^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(:\d\d(?:[.,]\d+)?)?` +
			`(Z|z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?)?$`,
	)
	escapeForm = regexp.MustCompile(`\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u([dD][89a-fA-F]..)|.)`)
)

// referenceNumber reads a number or decimal string. An exponent out of all proportion is replaced
// by one that is still far beyond every limit of an order, as a big.Rat would fill the memory with
// it.
func referenceNumber(v json.RawMessage) (*big.Rat, bool) {
	text := string(v)
	if v[0] == '"' {
		text, _ = referenceString(v)
	}
	part := decimalForm.FindStringSubmatch(text)
	if part == nil {
		return nil, false
	}
	exponent := new(big.Int)
	if part[2] != "" {
		exponent.SetString(strings.TrimPrefix(part[2], "+"), 10)
	}
	if most := big.NewInt(int64(len(text) + 100)); exponent.CmpAbs(most) > 0 {
		exponent = most.Mul(most, big.NewInt(int64(exponent.Sign())))
	}
	number, ok := new(big.Rat).SetString(part[1] + "e" + exponent.String())
	return number, ok
}

// referenceMoment reads a timestamp by rewriting it into the one form that package time then
// judges.
func referenceMoment(v json.RawMessage) (time.Time, bool) {
	text, ok := referenceString(v)
	part := momentForm.FindStringSubmatch(text)
	if !ok || part == nil {
		return time.Time{}, false
	}
	date, clock, seconds, zone := part[1], part[2], part[3], strings.ToUpper(part[4])
	if clock == "" {
		clock = "00:00"
	}
	if seconds == "" {
		seconds = ":00"
	}
	switch len(zone) {
	case 0:
		zone = "Z"
	case len("+07"):
		zone += ":00"
	case len("+0700"):
		zone = zone[:3] + ":" + zone[3:]
	}
	t, err := time.Parse(time.RFC3339Nano, date+"T"+clock+seconds+zone)
	t = t.UTC()
	return t, err == nil && t.Year() >= 1970 && t.Year() <= 9999
}

// soundJSON says that text is JSON in UTF-8 whose lists and objects are at most 512 deep.
func soundJSON(text string) bool {
	if !utf8.ValidString(text) || !json.Valid([]byte(text)) {
		return false
	}
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '[' || c == '{'):
			if depth++; depth > 512 {
				return false
			}
		case !quoted && (c == ']' || c == '}'):
			depth--
		}
	}
	return true
}

// hasHalfCharacter says that the JSON text has an escape for a surrogate without its partner.
func hasHalfCharacter(text string) bool {
	for _, escape := range escapeForm.FindAllStringSubmatch(text, -1) {
		if escape[1] != "" {
			return true
		}
	}
	return false
}

func object(text string) map[string]json.RawMessage {
	var fields map[string]json.RawMessage
	must(json.Unmarshal([]byte(text), &fields))
	return fields
}

func roundHalfEven(r *big.Rat) *big.Int {
	whole, rest := new(big.Int).DivMod(r.Num(), r.Denom(), new(big.Int))
	switch rest.Lsh(rest, 1).Cmp(r.Denom()) {
	case 1:
		whole.Add(whole, big.NewInt(1))
	case 0:
		whole.Add(whole, big.NewInt(int64(whole.Bit(0))))
	}
	return whole
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

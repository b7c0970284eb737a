package order

import (
	"strconv"
	"time"
	"unicode/utf8"

	"orderpipeline/shared/jsonscan"
)

// A field is a part of the message that an order is made of.
type field struct {
	name string
	want string // what to write, as the end of a sentence
}

const wantID = "write a string of 1 to 128 characters without control characters"

var (
	orderIDField   = field{"order_id", wantID}
	userIDField    = field{"user_id", wantID}
	timestampField = field{"order_timestamp", "write a time such as 2024-12-13T10:00:00Z, in the years 1970 to 9999"}
	valueField     = field{"order_value", "write a number, or leave the field out"}
	itemsField     = field{"items", "write a list of 1 to 1,000 items"}
	itemField      = field{"", "write an object with product_id, quantity and price_per_unit"}
	productIDField = field{"product_id", "write a string of 1 to 128 characters"}
	quantityField  = field{"quantity", "write a whole number from 1 to 1,000,000"}
	priceField     = field{"price_per_unit", "write a decimal from 0 to 1,000,000,000 with at most 9 decimals"}
)

// isMissing is the one problem that has a reason of its own.
const isMissing = "is missing"

// refuse makes the refusal of a field of the order.
func (f *field) refuse(problem string) *Refusal { return f.refusal(f.name, problem) }

// refuseIn makes the refusal of a field of one item.
func (f *field) refuseIn(item int, problem string) *Refusal {
	path := "items[" + strconv.Itoa(item) + "]"
	if f.name != "" {
		path += "." + f.name
	}
	return f.refusal(path, problem)
}

func (f *field) refusal(path, problem string) *Refusal {
	reason := InvalidField
	if problem == isMissing {
		reason = MissingField
	}
	return &Refusal{Reason: reason, Field: path, Detail: path + " " + problem + ": " + f.want + "."}
}

// readID reads the name of an order, user or product. Controls says whether control characters are refused: they are in
// the ids that are kept.
func readID(v *jsonscan.Value, controls bool) (id, problem string) {
	if v.Kind != jsonscan.String {
		return "", notA(v.Kind, "is not a string")
	}
	id, whole := v.Text()
	if !whole {
		return "", "holds half of a character (a lone surrogate)"
	}
	return id, checkID(id, controls)
}

func checkID(id string, controls bool) (problem string) {
	switch {
	case id == "":
		return "is empty"
	case len(id) > MaxIDLength && utf8.RuneCountInString(id) > MaxIDLength:
		return "is longer than 128 characters"
	}
	if controls {
		for _, r := range id {
			if isControl(r) {
				return "holds a control character"
			}
		}
	}
	return ""
}

// readTimestamp reads the moment at which an order was placed.
func readTimestamp(v *jsonscan.Value) (placed time.Time, problem string) {
	if v.Kind != jsonscan.String {
		return time.Time{}, notA(v.Kind, "is not a string")
	}
	written, _ := v.Text()
	return parseTimestamp(written)
}

// problem says what is wrong with the list of items as a whole.
func (it *items) problem() string {
	switch {
	case it.kind != jsonscan.Array:
		return notA(it.kind, "is not a list")
	case it.count == 0:
		return "is empty"
	case it.count > MaxItems:
		return "holds more than 1,000 items"
	}
	return ""
}

// readNumber reads a number, or a string that holds one, into v.Decimal.
func readNumber(v *jsonscan.Value) (problem string) {
	if v.Kind == jsonscan.String {
		written, _ := v.Text()
		var ok bool
		if v.Decimal, ok = jsonscan.ParseDecimal(written); !ok {
			return "is a string that is not a decimal number"
		}
		return ""
	}
	if v.Kind != jsonscan.Number {
		return notA(v.Kind, "is not a number")
	}
	return ""
}

func readQuantity(v *jsonscan.Value) (quantity uint64, problem string) {
	if problem = readNumber(v); problem != "" {
		return 0, problem
	}
	quantity, exact := inUnits(&v.Decimal, 0)
	switch {
	case isNegative(&v.Decimal):
		return 0, "is negative"
	case quantity > MaxQuantity:
		return 0, "is too large"
	case !exact:
		return 0, "is not a whole number"
	case quantity == 0:
		return 0, "is zero"
	}
	return quantity, ""
}

// readPrice reads a price in units of 10^-9.
func readPrice(v *jsonscan.Value) (units uint64, problem string) {
	if problem = readNumber(v); problem != "" {
		return 0, problem
	}
	units, exact := inUnits(&v.Decimal, pricePlaces)
	switch {
	case isNegative(&v.Decimal):
		return 0, "is negative"
	case units > maxPrice || units == maxPrice && !exact:
		return 0, "is too large"
	case !exact:
		return 0, "has more than 9 decimals"
	}
	return units, ""
}

// readStated reads the order_value that the sender stated, if any, into v.Decimal.
func readStated(v *jsonscan.Value) (problem string) {
	if v.Kind == jsonscan.Absent {
		return ""
	}
	return readNumber(v)
}

// notA is the problem of a value of a wrong kind.
func notA(k jsonscan.Kind, problem string) string {
	switch k {
	case jsonscan.Absent:
		return isMissing
	case jsonscan.Null:
		return "is null"
	default:
		return problem
	}
}

// isControl says that r is of the Unicode category Cc: C0, DEL or C1.
func isControl(r rune) bool { return r < 0x20 || 0x7f <= r && r <= 0x9f }

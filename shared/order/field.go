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
	orderIDField   = &field{"order_id", wantID}
	userIDField    = &field{"user_id", wantID}
	timestampField = &field{
		"order_timestamp", "write a time such as 2024-12-13T10:00:00Z, in the years 1970 to 9999",
	}
	valueField     = &field{"order_value", "write a number, or leave the field out"}
	itemsField     = &field{"items", "write a list of 1 to 1,000 items"}
	itemField      = &field{"", "write an object with product_id, quantity and price_per_unit"}
	productIDField = &field{"product_id", "write a string of 1 to 128 characters"}
	quantityField  = &field{"quantity", "write a whole number from 1 to 1,000,000"}
	priceField     = &field{
		"price_per_unit", "write a decimal from 0 to 1,000,000,000 with at most 9 decimals",
	}
)

// A flaw is what is wrong with the value of a field; a nil flaw is none. It is the end of a
// sentence that begins with the field's path.
type flaw struct{ text string }

var (
	isMissing        = &flaw{"is missing"} // the one flaw with the reason MissingField
	isNull           = &flaw{"is null"}
	isEmpty          = &flaw{"is empty"}
	isNotAString     = &flaw{"is not a string"}
	isNotANumber     = &flaw{"is not a number"}
	isNotAList       = &flaw{"is not a list"}
	isNotAnObject    = &flaw{"is not an object"}
	isNotADecimal    = &flaw{"is a string that is not a decimal number"}
	isNotWhole       = &flaw{"is not a whole number"}
	isNegative       = &flaw{"is negative"}
	isZero           = &flaw{"is zero"}
	isTooLarge       = &flaw{"is too large"}
	isTooPrecise     = &flaw{"has more than 9 decimals"}
	isTooLong        = &flaw{"is longer than 128 characters"}
	hasTooMany       = &flaw{"contains more than 1,000 items"}
	hasControl       = &flaw{"contains a control character"}
	hasHalfCharacter = &flaw{"contains an unpaired surrogate"}
	isNoTime         = &flaw{"is not a valid date and time"}
	isOutsideYears   = &flaw{"is outside the years 1970 to 9999 (in UTC)"}
)

// refuse makes the refusal of a field of the order.
func (f *field) refuse(w *flaw) *Refusal { return f.refusal(f.name, w) }

// refuseIn makes the refusal of a field of one item.
func (f *field) refuseIn(item int, w *flaw) *Refusal {
	path := "items[" + strconv.Itoa(item) + "]"
	if f.name != "" {
		path += "." + f.name
	}
	return f.refusal(path, w)
}

func (f *field) refusal(path string, w *flaw) *Refusal {
	reason := InvalidField
	if w == isMissing {
		reason = MissingField
	}
	return &Refusal{Reason: reason, Field: path, Detail: path + " " + w.text + ": " + f.want + "."}
}

// readID reads the id of an order or a user.
func readID(v *jsonscan.Value) (string, *flaw) {
	id, w := readName(v)
	if w == nil {
		w = checkID(id)
	}
	return id, w
}

// readProductID reads the id of a product. It may contain control characters, because it is not
// kept.
func readProductID(v *jsonscan.Value) *flaw {
	id, w := readName(v)
	if w == nil {
		w = checkLength(id)
	}
	return w
}

func readName(v *jsonscan.Value) (string, *flaw) {
	if v.Kind != jsonscan.String {
		return "", notA(v.Kind, isNotAString)
	}
	name, whole := v.Text()
	if !whole {
		return "", hasHalfCharacter
	}
	return name, nil
}

func checkID(id string) *flaw {
	if w := checkLength(id); w != nil {
		return w
	}
	for _, r := range id {
		if isControl(r) {
			return hasControl
		}
	}
	return nil
}

func checkLength(id string) *flaw {
	switch {
	case id == "":
		return isEmpty
	case len(id) > MaxIDLength && utf8.RuneCountInString(id) > MaxIDLength:
		return isTooLong
	}
	return nil
}

// readTimestamp reads the moment at which an order was placed.
func readTimestamp(v *jsonscan.Value) (placed time.Time, w *flaw) {
	if v.Kind != jsonscan.String {
		return time.Time{}, notA(v.Kind, isNotAString)
	}
	text, _ := v.Text()
	return parseTimestamp(text)
}

// flaw says what is wrong with the list of items as a whole.
func (it *items) flaw() *flaw {
	switch {
	case it.kind != jsonscan.Array:
		return notA(it.kind, isNotAList)
	case it.count == 0:
		return isEmpty
	case it.count > MaxItems:
		return hasTooMany
	}
	return nil
}

// readNumber reads a number, or a string that contains one, into v.Decimal.
func readNumber(v *jsonscan.Value) *flaw {
	if v.Kind == jsonscan.String {
		text, _ := v.Text()
		var ok bool
		if v.Decimal, ok = jsonscan.ParseDecimal(text); !ok {
			return isNotADecimal
		}
		return nil
	}
	if v.Kind != jsonscan.Number {
		return notA(v.Kind, isNotANumber)
	}
	return nil
}

func readQuantity(v *jsonscan.Value) (quantity uint64, w *flaw) {
	if w = readNumber(v); w != nil {
		return 0, w
	}
	quantity, exact := inUnits(&v.Decimal, 0)
	switch {
	case belowZero(&v.Decimal):
		return 0, isNegative
	case quantity > MaxQuantity:
		return 0, isTooLarge
	case !exact:
		return 0, isNotWhole
	case quantity == 0:
		return 0, isZero
	}
	return quantity, nil
}

// readPrice reads a price in units of 10^-9.
func readPrice(v *jsonscan.Value) (units uint64, w *flaw) {
	if w = readNumber(v); w != nil {
		return 0, w
	}
	units, exact := inUnits(&v.Decimal, pricePlaces)
	switch {
	case belowZero(&v.Decimal):
		return 0, isNegative
	case units > maxPrice || units == maxPrice && !exact:
		return 0, isTooLarge
	case !exact:
		return 0, isTooPrecise
	}
	return units, nil
}

// readStated reads the order_value that the sender stated, if any, into v.Decimal.
func readStated(v *jsonscan.Value) *flaw {
	if v.Kind == jsonscan.Absent {
		return nil
	}
	return readNumber(v)
}

// notA is the flaw of a value of the wrong kind.
func notA(k jsonscan.Kind, w *flaw) *flaw {
	switch k {
	case jsonscan.Absent:
		return isMissing
	case jsonscan.Null:
		return isNull
	default:
		return w
	}
}

// isControl says whether r is of the Unicode category Cc: C0, DEL or C1.
func isControl(r rune) bool { return r < 0x20 || 0x7f <= r && r <= 0x9f }

package order

import (
	"unicode/utf8"

	"orderpipeline/shared/jsonscan"
)

// Parse reads one message. Its error is always a *Refusal.
//
// The message is one JSON object, or one JSON string that contains it (encoded twice). The syntax
// of the whole message is checked first, strictly by RFC 8259, so a message that is broken anywhere
// is invalid_json whatever else it says. Then the fields are judged in this order, and the first
// that is wrong is reported:
//
//	order_id, user_id, order_timestamp,
//	items itself, then of each item in turn: the item itself, product_id, quantity, price_per_unit,
//	order_value, and last the value of the whole order.
//
// Names are matched exactly. Of a name that an object repeats the last value counts. Other names
// are ignored, with values of any shape. A field that is null is present, and wrong.
//
// The strings of the order share memory with body.
func Parse(body string) (Order, error) {
	o, refusal := parse(body)
	if refusal != nil {
		return Order{}, refusal
	}
	return o, nil
}

func parse(body string) (Order, *Refusal) {
	if !utf8.ValidString(body) {
		return Order{}, refuseBody("it is not UTF-8 text")
	}
	what, text, s := "the message", body, jsonscan.New(body)
	if s.Next() == '"' {
		var outer jsonscan.Value
		if !s.Value(&outer) || !s.End() {
			return Order{}, refuseSyntax(what, &s)
		}
		inner, whole := outer.Text()
		if !whole {
			return Order{}, refuseBody("the JSON text in its string contains an unpaired surrogate")
		}
		what, text, s = "the JSON text in the message's string", inner, jsonscan.New(inner)
	}
	if s.Next() != '{' {
		return Order{}, refuseOther(what, text, &s)
	}

	var d draft
	if !d.scan(&s) || !s.End() {
		return Order{}, refuseSyntax(what, &s)
	}
	return d.judge()
}

// A draft is what one pass over a message keeps of it, before it is judged. Items are added up
// during the pass, because there may be many of them.
type draft struct {
	id, userID, placed, stated jsonscan.Value
	items                      items
	envelope                   *envelope // that the message seems to be, if it is no order
}

type items struct {
	kind  jsonscan.Kind // of the value of the field
	count int
	sum   sum
	first itemFlaw // the first flaw among the items
}

// An itemFlaw is what is wrong with an item. Without a flaw, nothing is.
type itemFlaw struct {
	flaw  *flaw
	field *field
	item  int
}

// scan reads the object of an order.
func (d *draft) scan(s *jsonscan.Scanner) bool {
	s.Open()
	var name, ignored jsonscan.Value
	for s.Member(&name) {
		v := &ignored
		key, _ := name.Text()
		switch key {
		case "order_id":
			v = &d.id
		case "user_id":
			v = &d.userID
		case "order_timestamp":
			v = &d.placed
		case "order_value":
			v = &d.stated
		case "items":
			if !d.items.scan(s) {
				return false
			}
			continue
		default:
			if e := envelopes[key]; e != nil {
				d.envelope = e
			}
		}
		if !s.Value(v) {
			return false
		}
	}
	return s.OK()
}

// scan reads the value of the field items.
func (it *items) scan(s *jsonscan.Scanner) bool {
	*it = items{}
	if s.Next() != '[' {
		var v jsonscan.Value
		ok := s.Value(&v)
		it.kind = v.Kind
		return ok
	}
	it.kind = jsonscan.Array
	s.Open()
	for s.More() {
		if !it.scanItem(s) {
			return false
		}
	}
	return s.OK()
}

// scanItem reads one item, judges it, and adds it to the sum.
func (it *items) scanItem(s *jsonscan.Scanner) bool {
	var name, ignored, productID, quantity, price jsonscan.Value
	if s.Next() != '{' {
		if !s.Value(&ignored) {
			return false
		}
		it.noteFlaw(itemField, isNotAnObject)
		it.count++
		return true
	}

	s.Open()
	for s.Member(&name) {
		v := &ignored
		key, _ := name.Text()
		switch key {
		case "product_id":
			v = &productID
		case "quantity":
			v = &quantity
		case "price_per_unit":
			v = &price
		}
		if !s.Value(v) {
			return false
		}
	}
	if !s.OK() {
		return false
	}
	if it.first.flaw == nil {
		it.add(&productID, &quantity, &price)
	}
	it.count++
	return true
}

func (it *items) add(productID, quantity, price *jsonscan.Value) {
	if w := readProductID(productID); w != nil {
		it.noteFlaw(productIDField, w)
		return
	}
	q, w := readQuantity(quantity)
	if w != nil {
		it.noteFlaw(quantityField, w)
		return
	}
	p, w := readPrice(price)
	if w != nil {
		it.noteFlaw(priceField, w)
		return
	}
	it.sum.add(q, p)
}

// noteFlaw keeps the first flaw among the items.
func (it *items) noteFlaw(f *field, w *flaw) {
	if it.first.flaw == nil {
		it.first = itemFlaw{w, f, it.count}
	}
}

// judge makes the order, or refuses it for the first thing that is wrong with it.
func (d *draft) judge() (Order, *Refusal) {
	if d.id.Kind == jsonscan.Absent && d.envelope != nil {
		return Order{}, refuseEnvelope(d.envelope)
	}
	var o Order
	var w *flaw
	if o.ID, w = readID(&d.id); w != nil {
		return Order{}, orderIDField.refuse(w)
	}
	if o.UserID, w = readID(&d.userID); w != nil {
		return Order{}, userIDField.refuse(w)
	}
	if o.Placed, w = readTimestamp(&d.placed); w != nil {
		return Order{}, timestampField.refuse(w)
	}
	if w = d.items.flaw(); w != nil {
		return Order{}, itemsField.refuse(w)
	}
	if first := d.items.first; first.flaw != nil {
		return Order{}, first.field.refuseIn(first.item, first.flaw)
	}
	if w = readStated(&d.stated); w != nil {
		return Order{}, valueField.refuse(w)
	}
	var ok bool
	if o.Value, ok = d.items.sum.cents(); !ok {
		return Order{}, refuseTooLarge()
	}
	o.Mismatch = d.stated.Kind != jsonscan.Absent && differs(&d.stated.Decimal, o.Value)
	return o, nil
}

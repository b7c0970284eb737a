package order

import (
	"unicode/utf8"

	"orderpipeline/shared/jsonscan"
)

// Parse reads one message. Its error is always a *Refusal.
//
// The message is one JSON object, or one JSON string that holds it (encoded twice). The syntax of the whole message is
// checked first, strictly by RFC 8259, so a message that is broken anywhere is invalid_json whatever else it says. Then
// the fields are judged in this order, and the first that is wrong is reported:
//
//	order_id, user_id, order_timestamp,
//	items itself, then of each item in turn: the item itself, product_id, quantity, price_per_unit,
//	order_value, and last the value of the whole order.
//
// Names are matched exactly. Of a name that comes twice in one object the last value counts. Other names are ignored,
// values of any shape. A field that is null is there, and wrong.
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
	text, s := "the message", jsonscan.New(body)
	if s.Next() == '"' {
		var outer jsonscan.Value
		if !s.Value(&outer) || !s.End() {
			return Order{}, refuseSyntax(text, &s)
		}
		inner, whole := outer.Text()
		if !whole {
			return Order{}, refuseBody("the JSON text inside its string holds half of a character")
		}
		text, s = "the JSON text inside the message's string", jsonscan.New(inner)
	}
	if s.Next() != '{' {
		return Order{}, refuseOther(text, &s)
	}
	var d draft
	if !d.scan(&s) || !s.End() {
		return Order{}, refuseSyntax(text, &s)
	}
	return d.judge()
}

// A draft is what one pass over a message keeps of it, before it is judged. Items are added up on the way, as there may
// be many of them.
type draft struct {
	id, userID, placed, stated jsonscan.Value
	items                      items
}

type items struct {
	kind  jsonscan.Kind // of the value of the field
	count int
	sum   sum
	flaw  flaw // the first
	at    int  // the item that has it
}

// A flaw is what is wrong with a field.
type flaw struct {
	field   *field
	problem string // empty when nothing is
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
		it.found(flaw{&itemField, "is not an object"})
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
	if it.flaw.problem == "" {
		it.add(&productID, &quantity, &price)
	}
	it.count++
	return true
}

func (it *items) add(productID, quantity, price *jsonscan.Value) {
	_, problem := readID(productID, false)
	if problem != "" {
		it.found(flaw{&productIDField, problem})
		return
	}
	q, problem := readQuantity(quantity)
	if problem != "" {
		it.found(flaw{&quantityField, problem})
		return
	}
	p, problem := readPrice(price)
	if problem != "" {
		it.found(flaw{&priceField, problem})
		return
	}
	it.sum.add(q, p)
}

// found notes the first flaw among the items.
func (it *items) found(f flaw) {
	if it.flaw.problem == "" {
		it.flaw, it.at = f, it.count
	}
}

// judge makes the order, or says what is the first thing wrong with it.
func (d *draft) judge() (Order, *Refusal) {
	var o Order
	var problem string
	if o.ID, problem = readID(&d.id, true); problem != "" {
		return Order{}, orderIDField.refuse(problem)
	}
	if o.UserID, problem = readID(&d.userID, true); problem != "" {
		return Order{}, userIDField.refuse(problem)
	}
	if o.Placed, problem = readTimestamp(&d.placed); problem != "" {
		return Order{}, timestampField.refuse(problem)
	}
	if problem = d.items.problem(); problem != "" {
		return Order{}, itemsField.refuse(problem)
	}
	if f := d.items.flaw; f.problem != "" {
		return Order{}, f.field.refuseIn(d.items.at, f.problem)
	}
	if problem = readStated(&d.stated); problem != "" {
		return Order{}, valueField.refuse(problem)
	}
	var ok bool
	if o.Value, ok = d.items.sum.cents(); !ok {
		return Order{}, refuseTooLarge()
	}
	o.Mismatch = d.stated.Kind != jsonscan.Absent && differs(&d.stated.Decimal, o.Value)
	return o, nil
}

package sample

import (
	"fmt"
	"strings"
	"time"

	"orderpipeline/shared/order"
)

// A draft is an order before it is written as JSON.
type draft struct {
	id, user string
	placed   time.Time
	items    []item
	value    order.Cents // of the items
	stated   order.Cents // what the message says
	repeated bool        // it has a duplicate
	restyled bool        // another key order and white space, the same content
}

type item struct {
	product  int
	quantity int64
	price    int64 // in thousandths
}

func (i item) String() string {
	price := fmt.Sprintf("%d.%02d", i.price/1000, i.price%1000/10)
	if i.price%10 != 0 {
		price = fmt.Sprintf("%d.%03d", i.price/1000, i.price%1000)
	}
	return fmt.Sprintf(`{"product_id":"P%03d","quantity":%d,"price_per_unit":%s}`,
		i.product, i.quantity, price)
}

func (d draft) message(k Kind) Message {
	return Message{Body: d.body(), ID: d.id, Kind: k, User: d.user, Placed: d.placed, Value: d.value}
}

func (d draft) body() string {
	items := make([]string, len(d.items))
	for i, it := range d.items {
		items[i] = it.String()
	}
	placed := d.placed.Format(time.RFC3339)
	if d.restyled {
		return fmt.Sprintf("{\n  \"items\": [%s],\n  \"order_value\": \"%s\",\n"+
			"  \"order_timestamp\": %q,\n  \"user_id\": %q,\n  \"order_id\": %q\n}",
			strings.Join(items, ", "), d.stated, placed, d.user, d.id)
	}
	return fmt.Sprintf(
		`{"order_id":%q,"user_id":%q,"order_timestamp":%q,"order_value":%s,"items":[%s]}`,
		d.id, d.user, placed, d.stated, strings.Join(items, ","))
}

// broken makes a message out of d that the contract refuses, of a kind chosen at random.
func (m *maker) broken(d draft) Message {
	good := d.body()
	placed := d.placed.Format(time.RFC3339)
	huge := `"items":[{"product_id":"P001","quantity":1000000,"price_per_unit":1000000000}]}`
	replace := func(old, with string) string { return strings.Replace(good, old, with, 1) }
	kinds := []struct {
		reason order.Reason
		body   string
	}{
		{order.InvalidJSON, good[:len(good)-1-m.rng.IntN(len(good)/2)]},
		{order.InvalidJSON, "order " + d.id + " for " + d.user},
		{order.MissingField, replace(fmt.Sprintf(`"user_id":%q,`, d.user), "")},
		{order.MissingField, good[:strings.Index(good, `,"items"`)] + "}"},
		{order.InvalidField, replace(`"quantity":`, `"quantity":-`)},
		{order.InvalidField, replace(placed, "2024-02-30T10:00:00Z")},
		{order.InvalidField, replace(`"price_per_unit":`, `"price_per_unit":"cheap","was":`)},
		{order.OrderTooLarge, good[:strings.Index(good, `"items":`)] + huge},
	}
	pick := kinds[m.rng.IntN(len(kinds))]
	return Message{Body: pick.body, ID: d.id, Kind: Broken, User: d.user, Reason: pick.reason}
}

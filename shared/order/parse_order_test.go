package order_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/order"
)

// When several things are wrong, the one that comes first in the fixed order is reported. Each row
// has everything wrong that the rows above it have wrong, except what they were refused for.
func TestParseReportsTheFirstFault(t *testing.T) {
	t.Parallel()
	bad := func(id, user, moment, items, stated string) string {
		return with(
			"order_id", id, "user_id", user, "order_timestamp", moment, "items", items, "order_value",
			stated,
		)
	}
	const id, user, moment = `"a"`, `"u"`, `"2024-12-13"`
	badItems := func(first string) string {
		tooLarge := item(`"P"`, "1000000", "1000000000")
		return "[" + tooLarge + "," + first + "," + item(`""`, "0", "-1") + "]"
	}
	for _, c := range []struct {
		body   string
		reason order.Reason
		field  string
	}{
		{bad("7", "", `""`, badItems("7"), "null") + "}", order.InvalidJSON, ""},
		{bad("7", "", `""`, badItems("7"), "null"), order.InvalidField, "order_id"},
		{bad(id, "", `""`, badItems("7"), "null"), order.MissingField, "user_id"},
		{bad(id, user, `""`, badItems("7"), "null"), order.InvalidField, "order_timestamp"},
		{bad(id, user, moment, "["+strings.Repeat("7,", 1000)+"7]", "null"), order.InvalidField, "items"},
		{bad(id, user, moment, badItems("7"), "null"), order.InvalidField, "items[1]"},
		{
			bad(id, user, moment, badItems(item(`""`, "0", "-1")), "null"), order.InvalidField,
			"items[1].product_id",
		},
		{
			bad(id, user, moment, badItems(item(`"P"`, "0", "-1")), "null"), order.InvalidField,
			"items[1].quantity",
		},
		{
			bad(id, user, moment, badItems(item(`"P"`, "1", "-1")), "null"), order.InvalidField,
			"items[1].price_per_unit",
		},
		{
			bad(id, user, moment, badItems(item(`"P"`, "1", "1")), "null"), order.InvalidField,
			"items[2].product_id",
		},
		{
			bad(id, user, moment, "["+item(`"P"`, "1000000", "1000000000")+"]", "null"), order.InvalidField,
			"order_value",
		},
		{
			bad(id, user, moment, "["+item(`"P"`, "1000000", "1000000000")+"]", "1"), order.OrderTooLarge,
			"items",
		},
	} {
		refuse(t, fmt.Sprintf("%s %s", c.reason, c.field), c.body, c.reason, c.field)
	}
}

func TestParseTakesTheLastOfTwoMembers(t *testing.T) {
	t.Parallel()
	twice := func(member string) string { return "{" + member + "," + strings.TrimPrefix(with(), "{") }
	for name, body := range map[string]string{
		"order_id":        twice(`"order_id":null`),
		"order_timestamp": twice(`"order_timestamp":"2020-01-01"`),
		"items":           twice(`"items":[{"product_id":"P","quantity":0,"price_per_unit":1},7]`),
		"too many items":  twice(`"items":` + manyItems(1001)),
		"order_value":     twice(`"order_value":{}`),
		"fields of an item": with(
			"items",
			`[{"product_id":7,"quantity":0,"price_per_unit":"x",`+
				`"product_id":"P1","quantity":2,"price_per_unit":20}]`,
		),
		"escaped name": twice(`"\u006frder_id":"other"`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(accept(t, with()), accept(t, body)); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	}
	refuse(
		t, "a bad value after a good one", strings.TrimSuffix(with(), "}")+`,"items":null}`,
		order.InvalidField, "items",
	)
}

// An order costs no memory beyond the message, whose parts it shares.
func TestParseDoesNotAllocate(t *testing.T) {
	for name, body := range map[string]string{
		"one item": oneItem, "four items": fourItems, "1,000 items": with("items", manyItems(1000)),
	} {
		if n := testing.AllocsPerRun(100, func() { accept(t, body) }); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
}

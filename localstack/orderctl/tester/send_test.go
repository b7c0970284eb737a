package tester

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestOrderBodyIsWhatWasTyped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		flags sendFlags
		want  string
	}{
		{
			"numbers keep their digits",
			sendFlags{
				id: "ORD1", user: "U1", placed: "2024-12-13T10:00:00Z", value: "99.990",
				items: []string{"P001:2:20.00", "P:2:1:5"},
			},
			`{"order_id":"ORD1","user_id":"U1","order_timestamp":"2024-12-13T10:00:00Z",` +
				`"order_value":99.990,"items":[` +
				`{"product_id":"P001","quantity":2,"price_per_unit":20.00},` +
				`{"product_id":"P:2","quantity":1,"price_per_unit":5}]}`,
		},
		{
			"what is no number is sent as a text, to be refused there",
			sendFlags{
				id: "ORD1", user: "U1", placed: "yesterday", items: []string{"P001:two:NaN", "P001:01:+5"},
			},
			`{"order_id":"ORD1","user_id":"U1","order_timestamp":"yesterday","items":[` +
				`{"product_id":"P001","quantity":"two","price_per_unit":"NaN"},` +
				`{"product_id":"P001","quantity":"01","price_per_unit":"+5"}]}`,
		},
		{
			"the time is now",
			sendFlags{id: "ORD1", user: "U1", items: []string{"P001:1:1"}},
			`{"order_id":"ORD1","user_id":"U1","order_timestamp":"2026-01-02T12:00:00Z",` +
				`"items":[{"product_id":"P001","quantity":1,"price_per_unit":1}]}`,
		},
	} {
		got, id, err := orderBody(c.flags, noon)
		if err != nil || id != "ORD1" {
			t.Errorf("%s: id %q, error %v", c.name, id, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestOrderIDsAreNew(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		_, id, err := orderBody(sendFlags{user: "U1", items: []string{"P001:1:1"}}, noon)
		if err != nil || !strings.HasPrefix(id, "ORD-") || seen[id] {
			t.Fatalf("id %q, error %v, seen before: %v", id, err, seen[id])
		}
		seen[id] = true
	}
}

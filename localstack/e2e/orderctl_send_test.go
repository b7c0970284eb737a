package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestOrderctlSendsAndShows(t *testing.T) {
	wantOrderctl(
		t, 0, nil, "", "send", "--user", "ctl send", "--item", "P001:2:20.00", "--item", "P002:1:0.015",
		"--copies", "25", "--order-id", "ctl-1", "--wait",
	)
	wantOrderctl(t, 0, nil, newOrder("ctl-2", "ctl send").body(t), "send", "-", "--wait")
	var user struct {
		Orders int         `json:"order_count"`
		Spend  json.Number `json:"total_spend"`
	}
	wantOrderctl(t, 0, &user, "", "user", "ctl send")
	if user.Orders != 2 || user.Spend != "80.02" {
		t.Errorf("user: %+v; want 2 orders of 80.02: 25 copies count once", user)
	}
	wantOrderctl(t, 1, nil, "", "user", "ctl unknown")

	var top []struct {
		UserID string `json:"user_id"`
	}
	wantOrderctl(t, 0, &top, "", "top", "1")
	if len(top) != 1 || top[0].UserID == "" {
		t.Errorf("top: %v; want one customer", top)
	}
	var months []struct {
		Month   string
		Revenue json.Number
	}
	wantOrderctl(t, 0, &months, "", "months", "--start", "2024-12", "--end", "2024-12")
	if len(months) != 1 || months[0].Month != "2024-12" ||
		!strings.Contains(months[0].Revenue.String(), ".") {
		t.Errorf("months: %v; want December", months)
	}
	wantOrderctl(t, 0, nil, "", "days", "--start", "2024-12-01")
	var all []struct {
		UserID string `json:"user_id"`
	}
	wantOrderctl(t, 0, &all, "", "customers")
	seen := map[string]bool{}
	for _, c := range all {
		if seen[c.UserID] {
			t.Errorf("customers: %s is shown twice", c.UserID)
		}
		seen[c.UserID] = true
	}
	if !seen["ctl send"] {
		t.Errorf("customers: %d, but not the one who ordered", len(all))
	}
	var view struct {
		Orders int `json:"total_orders"`
		Queues []struct{ Queue string }
	}
	wantOrderctl(t, 0, &view, "", "watch", "--count", "1")
	if view.Orders < 2 || len(view.Queues) != 3 {
		t.Errorf("watch: %+v; want orders and three queues", view)
	}
}

func TestOrderctlPopulatesUntilTheFileIsBroken(t *testing.T) {
	var sent struct{ Sent int }
	array := "[" + newOrder("ctl-file-1", "ctl-file").body(t) +
		",\n" + newOrder(
		"ctl-file-2",
		"ctl-file",
	).body(t) +
		"]"
	wantOrderctl(t, 0, &sent, array, "populate", "-", "--wait")
	if sent.Sent != 2 {
		t.Errorf("%d sent, want 2", sent.Sent)
	}
	first := newOrder("ctl-file-1", "ctl-file").body(t)
	third := newOrder("ctl-file-3", "ctl-file").body(t)
	wantOrderctl(t, 2, &sent, "["+first+",\n"+third+",\n{\"order_id\":\n", "populate", "-")
	if sent.Sent != 2 {
		t.Errorf("%d sent of the broken file, want the 2 before the break", sent.Sent)
	}
	wantUser(t, "ctl-file", 3, "120.00")

	// In NDJSON a broken line is one message among others, which the pipeline refuses.
	brokenLine := first + "\n" + third + "\n{\"order_id\":\n"
	for _, flags := range [][]string{{"--wait"}, {"--lines", "--wait"}} {
		wantOrderctl(t, 0, &sent, brokenLine, append([]string{"populate", "-"}, flags...)...)
		if sent.Sent != 3 {
			t.Errorf("%v: %d lines sent, want 3", flags, sent.Sent)
		}
	}
	wantUser(t, "ctl-file", 3, "120.00")
}

// What orderctl says it sent before Ctrl-C is what was sent, to the cent.
func TestOrderctlInterruptedTellsWhatWasSent(t *testing.T) {
	before := readFigures(t)
	code, out := interrupted(t, func() error {
		if readFigures(t).orders == before.orders {
			return errors.New("no order was counted yet")
		}
		return nil
	}, "bulk", "1000000", "--json")
	var sent struct {
		Sent     int
		Failed   int
		Expected struct {
			Orders  int
			Revenue json.Number
		}
	}
	if err := json.Unmarshal(
		[]byte(out), &sent,
	); err != nil || code != 130 || sent.Sent == 0 || sent.Failed != 0 ||
		sent.Sent != sent.Expected.Orders {
		t.Fatalf("exit code %d, %v\n%s\nwant 130 and what was sent", code, err, out)
	}
	want := cents(t, sent.Expected.Revenue)
	want.Add(want, before.total)
	eventuallyWith(t, func() (int, error) {
		after := readFigures(t)
		if after.orders != before.orders+sent.Sent || after.total.Cmp(want) != 0 {
			return after.orders, fmt.Errorf(
				"%d orders of %s, want %d of %s", after.orders, after.total, before.orders+sent.Sent, want,
			)
		}
		return after.orders, nil
	})
}

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// The very commands of the README: one order sent with awslocal, read with an HTTP client.
func TestOrderSentWithAWSLocal(t *testing.T) {
	out, err := pipeline.Command(
		t.Context(), "bin/awslocal", "sqs", "send-message", "--queue-url",
		pipeline.Endpoint+"/000000000000/orders", "--message-body", newOrder("cli-1", "cli").body(t),
	).CombinedOutput()
	if err != nil {
		t.Fatalf("awslocal: %v\n%s", err, out)
	}
	wantUser(t, "cli", 1, "40.00")
}

// A client that was written for the original, with nothing changed but the port.
func TestOrderSentWithBoto3(t *testing.T) {
	out, err := pipeline.Command(t.Context(), ".local/clients/bin/python",
		"localstack/e2e/testdata/client.py", pipeline.Endpoint).
		CombinedOutput()
	if err != nil {
		t.Fatalf("boto3 client: %v\n%s", err, out)
	}
	wantUser(t, "boto3", 2, "119.98")
}

func TestWrongValueIsOverridden(t *testing.T) {
	o := newOrder("mismatch-1", "mismatch")
	o.Value = "99.99"
	mustSend(t, o.body(t))
	wantUser(t, "mismatch", 1, "40.00")
}

// The decimals reach the function as they were sent: a binary float on the way would make this
// price 999999999.005, and that is rounded, half to even, to 999999999.00.
func TestEveryDecimalCounts(t *testing.T) {
	o := newOrder("decimals-1", "decimals")
	o.Items = []item{{ProductID: "P1", Quantity: 1, PricePerUnit: "999999999.005000001"}}
	mustSend(t, o.body(t))
	wantUser(t, "decimals", 1, "999999999.01")
}

// JSON that is nested deeply must not take the messages beside it along.
func TestDeeplyNestedMessageIsRefusedAlone(t *testing.T) {
	before := messages(t)
	id := mustSend(t, strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000))
	mustSend(t, newOrder("nested-1", "nested").body(t))
	if got := attribute(rejected(t, id), "reason"); got != "invalid_json" {
		t.Errorf("reason is %q; want invalid_json", got)
	}
	wantCounts(t, before, counts{recorded: 1, refused: 1})
	wantUser(t, "nested", 1, "40.00")
}

func TestDoubleEncodedBody(t *testing.T) {
	twice, err := json.Marshal(newOrder("double-1", "double").body(t))
	if err != nil {
		t.Fatal(err)
	}
	mustSend(t, string(twice))
	wantUser(t, "double", 1, "40.00")
}

func TestRefusedMessageGoesUntouchedToRejectedQueue(t *testing.T) {
	quantity := newOrder("refused-1", "refused")
	quantity.Items = append(quantity.Items, item{ProductID: "P2", Quantity: 0, PricePerUnit: "1"})
	nameless := newOrder("refused-2", "")
	tests := []struct{ name, body, reason, field string }{
		{"no JSON", "  {\"order_id\": oops\n", "invalid_json", "$"},
		{
			"second item without a quantity that counts", quantity.body(t), "invalid_field",
			"items[1].quantity",
		},
		{"empty user_id", nameless.body(t), "invalid_field", "user_id"},
		{
			"no items", `{"order_id":"refused-3","user_id":"refused","order_timestamp":"2024-12-13"}`,
			"missing_field", "items",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := messages(t)
			id := mustSend(t, test.body)
			m := rejected(t, id)
			if *m.Body != test.body {
				t.Errorf("body is %q; want the untouched %q", *m.Body, test.body)
			}
			if got := attribute(m, "reason"); got != test.reason {
				t.Errorf("reason is %q; want %q", got, test.reason)
			}
			if got := attribute(m, "field"); got != test.field {
				t.Errorf("field is %q; want %q", got, test.field)
			}
			if attribute(m, "detail") == "" {
				t.Error("detail is missing")
			}
			wantCounts(t, before, counts{refused: 1})
		})
	}
	if status, body := get(t, "/users/refused/stats"); status != http.StatusNotFound {
		t.Errorf("a customer of refused orders only: %d %s; want 404", status, body)
	}
}

func TestDuplicateCountsOnce(t *testing.T) {
	before := messages(t)
	body := newOrder("duplicate-1", "duplicate").body(t)
	mustSend(t, body)
	wantCounts(t, before, counts{recorded: 1})
	mustSend(t, strings.ReplaceAll(body, ",", " ,\n ")) // other white space, the same order
	wantCounts(t, before, counts{recorded: 1, duplicate: 1})
	wantUser(t, "duplicate", 1, "40.00")
}

func TestSameOrderFiftyTimesFromFourSendersCountsOnce(t *testing.T) {
	const copies, senders = 50, 4
	before := messages(t)
	body := newOrder("fifty-1", "fifty").body(t)
	work := make(chan struct{}, copies)
	for range copies {
		work <- struct{}{}
	}
	close(work)
	var group sync.WaitGroup
	for range senders {
		group.Go(func() {
			for range work {
				if _, err := send(t.Context(), body); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	wantCounts(t, before, counts{recorded: 1, duplicate: copies - 1})
	wantUser(t, "fifty", 1, "40.00")
}

func TestConflictingOrderIsRefusedAndTheFirstStays(t *testing.T) {
	before := messages(t)
	first := newOrder("conflict-1", "conflict")
	mustSend(t, first.body(t))
	wantCounts(t, before, counts{recorded: 1})
	other := newOrder("conflict-1", "conflict")
	other.Items[0].Quantity = 3
	id := mustSend(t, other.body(t))
	m := rejected(t, id)
	if got := attribute(m, "reason"); got != "order_id_conflict" {
		t.Errorf("reason is %q; want order_id_conflict", got)
	}
	wantCounts(t, before, counts{recorded: 1, refused: 1})
	wantUser(t, "conflict", 1, "40.00")
}

func TestOneBadMessageDoesNotHoldUpGoodOnes(t *testing.T) {
	before := messages(t)
	for i := range 20 {
		body := newOrder(fmt.Sprintf("mixed-%d", i), "mixed").body(t)
		if i%4 == 3 {
			body = body[:len(body)-1] // broken
		}
		mustSend(t, body)
	}
	wantCounts(t, before, counts{recorded: 15, refused: 5})
	wantUser(t, "mixed", 15, "600.00")
}

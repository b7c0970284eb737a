package order_test

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/order"
)

// parsed is what Parse decides about a message, in the terms of the reference.
func parsed(t testing.TB, body string) verdict {
	o, err := order.Parse(body)
	if err != nil {
		var refusal *order.Refusal
		if !errors.As(err, &refusal) {
			t.Fatalf("the error of Parse is a %T, want a *Refusal\nmessage: %q", err, body)
		}
		if refusal.Detail == "" {
			t.Errorf("the refusal %v has no sentence\nmessage: %q", refusal.Reason, body)
		}
		if o != (order.Order{}) {
			t.Errorf("a refused message gave the order %+v\nmessage: %q", o, body)
		}
		return refused(refusal.Reason, refusal.Field)
	}
	return verdict{
		ID: o.ID, UserID: o.UserID, Placed: o.Placed.Format(momentLayout), Month: o.Month().String(),
		Cents: strconv.FormatInt(int64(o.Value), 10), Mismatch: o.Mismatch,
	}
}

// agree fails the test when Parse and the reference decide differently.
func agree(t testing.TB, body string) verdict {
	want := reference(body)
	if diff := cmp.Diff(want, parsed(t, body)); diff != "" {
		t.Errorf("Parse differs from the reference (-want +got):\n%s\nmessage: %q", diff, body)
	}
	return want
}

// TestParseAgreesWithReference compares Parse with the reference on many random messages, good and
// broken in every way that the generator knows.
func TestParseAgreesWithReference(t *testing.T) {
	t.Parallel()
	const seed, messages = 20241213, 50_000
	w := writer{rng: rand.New(rand.NewPCG(seed, 0))}
	met := map[order.Reason]int{}
	fields := map[string]bool{}
	mismatches := 0
	for range messages {
		got := agree(t, w.message())
		if t.Failed() {
			t.Fatalf("stopped at the first difference, seed %d", seed)
		}
		met[got.Reason]++
		fields[got.Field] = true
		if got.Mismatch {
			mismatches++
		}
	}
	t.Logf(
		"%d messages: %v (mismatches: %d), %d different fields refused", messages, met, mismatches,
		len(fields)-1,
	)
	// A mix that misses a part of the contract would prove nothing about it.
	for _, reason := range []order.Reason{
		"", order.InvalidJSON, order.MissingField, order.InvalidField, order.OrderTooLarge,
	} {
		if met[reason] < messages/100 {
			t.Errorf("only %d of %d messages ended as %q", met[reason], messages, reason)
		}
	}
	for _, field := range []string{
		"order_id", "user_id", "order_timestamp", "items", "order_value",
		"items[0]", "items[0].product_id", "items[1].quantity", "items[2].price_per_unit",
	} {
		if !fields[field] {
			t.Errorf("no message was refused for %s", field)
		}
	}
	if accepted := met[""]; mismatches < accepted/10 || mismatches > accepted*9/10 {
		t.Errorf(
			"%d of %d accepted orders have a mismatch, want a fair share of both", mismatches, accepted,
		)
	}
}

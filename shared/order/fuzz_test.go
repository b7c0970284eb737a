package order_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
)

// FuzzParse feeds any text. It looks for panics and for any difference from the reference: in what
// is accepted, in the reason and field of what is refused, in value, moment, month and mismatch.
func FuzzParse(f *testing.F) {
	f.Add(oneItem)
	f.Add(fourItems)
	f.Add(encode(oneItem))
	w := writer{rng: rand.New(rand.NewPCG(1, 2))}
	for range 50 {
		f.Add(w.message())
	}
	f.Fuzz(func(t *testing.T, body string) { agree(t, body) })
}

// FuzzTimestamp feeds any text as the moment of an order.
func FuzzTimestamp(f *testing.F) {
	w := writer{rng: rand.New(rand.NewPCG(1, 2))}
	for range 50 {
		f.Add(w.timestamp())
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted, err := json.Marshal(text)
		must(err)
		agree(t, with("order_timestamp", string(quoted)))
	})
}

// FuzzNumber feeds any text as each of the numbers of an order, bare and in quotes.
func FuzzNumber(f *testing.F) {
	w := writer{rng: rand.New(rand.NewPCG(1, 2))}
	for range 30 {
		f.Add(w.quantity(), w.price(), w.price())
	}
	f.Fuzz(func(t *testing.T, quantity, price, stated string) {
		agree(t, with("items", "["+item(`"P"`, quantity, price)+"]", "order_value", stated))
		agree(
			t,
			with(
				"items", "["+item(`"P"`, encode(quantity), encode(price))+"]", "order_value", encode(stated),
			),
		)
	})
}

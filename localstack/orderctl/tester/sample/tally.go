package sample

import (
	"errors"
	"hash/maphash"

	"orderpipeline/shared/order"
)

// MostTallied bounds how many orders a Tally remembers, about 40 bytes each.
const MostTallied = 5_000_000

// A Tally adds up foreign messages, such as those of a file, as the contract reads them.
type Tally struct {
	*Sums
	// Ambiguous says that an order_id occurs with different content: which of the orders is counted
	// depends on which comes first.
	Ambiguous bool
	// Full says that there were more than MostTallied orders, so that the sums are incomplete.
	Full bool

	seed maphash.Seed
	seen map[uint64]uint64 // by hash of the order_id: fingerprint
}

// NewTally returns an empty tally.
func NewTally(sums *Sums) *Tally {
	return &Tally{Sums: sums, seed: maphash.MakeSeed(), seen: map[uint64]uint64{}}
}

// Add adds the expected effect of a message.
func (t *Tally) Add(body string) {
	t.Messages++
	if t.Full {
		return
	}
	o, err := order.Parse(body)
	var refusal *order.Refusal
	if errors.As(err, &refusal) {
		t.Refused[refusal.Reason]++
		return
	}

	id := maphash.String(t.seed, o.ID)
	content := o.Fingerprint()
	switch known, found := t.seen[id]; {
	case found && known == content:
		t.Duplicates++
	case found:
		t.Refused[order.IDConflict]++
		t.Ambiguous = true
	default:
		t.seen[id] = content
		t.record(o)
	}
	t.Full = len(t.seen) > MostTallied
}

// Package filecheck judges every entry of a file of orders by the order contract, without sending
// anything.
package filecheck

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"runtime"

	"orderpipeline/localstack/orderctl/inorder"
	"orderpipeline/localstack/orderctl/orderfile"
	"orderpipeline/shared/order"
)

// MaxMessage is the largest message that the queue orders takes, in bytes (MaximumMessageSize in
// template.yaml).
const MaxMessage = 258_048

// MessageTooLarge is the reason of an entry that the queue would not take. The order contract has
// no such reason: the function never sees such a message.
const MessageTooLarge order.Reason = "message_too_large"

// A Verdict is what would happen to one entry.
type Verdict struct {
	orderfile.Entry
	Order order.Order // where Refusal is nil
	// Refusal says why the entry would be refused; nil where it is an order. An order_id_conflict
	// is one with an earlier entry of the same file.
	Refusal *order.Refusal
	// First is the line of the earlier entry with the same order_id; 0 where there is none.
	First int

	id          [2]uint64
	fingerprint uint64
}

// Duplicate says whether an earlier entry of the file is the same order.
func (v *Verdict) Duplicate() bool { return v.Refusal == nil && v.First > 0 }

// chunkEntries is how many entries are judged at once by one goroutine.
const chunkEntries = 512

// All judges the entries of r and yields the verdicts in the order of the file. An error of the
// file or of ctx is yielded last. The order ids of the file are kept in memory, about 50 bytes for
// each.
func All(ctx context.Context, r *orderfile.Reader) iter.Seq2[*Verdict, error] {
	return func(yield func(*Verdict, error) bool) {
		j := judge{maphash.MakeSeed(), maphash.MakeSeed()}
		seen := map[[2]uint64]known{}
		for verdicts, err := range inorder.Map(ctx, runtime.GOMAXPROCS(0)+1, chunks(r), j.all) {
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range verdicts {
				v := &verdicts[i]
				compare(seen, v)
				if !yield(v, nil) {
					return
				}
			}
		}
	}
}

// known is an order id that the file had before.
type known struct {
	fingerprint uint64
	line        int
}

// compare finds entries with an order_id that the file had before.
func compare(seen map[[2]uint64]known, v *Verdict) {
	if v.Refusal != nil {
		return
	}
	first, repeated := seen[v.id]
	if !repeated {
		seen[v.id] = known{v.fingerprint, v.Line}
		return
	}
	v.First = first.line
	if first.fingerprint != v.fingerprint {
		v.Refusal = &order.Refusal{
			Reason: order.IDConflict,
			Field:  "order_id",
			Detail: fmt.Sprintf(
				"order_id is that of line %d, whose content differs: give one of the two another order_id.",
				first.line,
			),
		}
	}
}

// chunks reads the file.
func chunks(r *orderfile.Reader) iter.Seq2[[]Verdict, error] {
	return func(yield func([]Verdict, error) bool) {
		var failed error
		chunk := make([]Verdict, 0, chunkEntries)
		for entry, err := range r.All() {
			if failed = err; err != nil {
				break
			}
			if chunk = append(chunk, Verdict{Entry: entry}); len(chunk) < chunkEntries {
				continue
			}
			if !yield(chunk, nil) {
				return
			}
			chunk = make([]Verdict, 0, chunkEntries)
		}
		if len(chunk) > 0 && !yield(chunk, nil) || failed == nil {
			return
		}
		yield(nil, failed)
	}
}

// A judge parses entries. Its seeds are those of the hashes of order ids.
type judge [2]maphash.Seed

func (j judge) all(_ context.Context, verdicts []Verdict) ([]Verdict, error) {
	for i := range verdicts {
		j.one(&verdicts[i])
	}
	return verdicts, nil
}

func (j judge) one(v *Verdict) {
	if len(v.Body) > MaxMessage {
		v.Refusal = &order.Refusal{
			Reason: MessageTooLarge,
			Detail: fmt.Sprintf(
				"the message has %d bytes, the queue takes at most %d: write several smaller orders.",
				len(v.Body),
				MaxMessage,
			),
		}
		return
	}
	o, err := order.Parse(v.Body)
	if err != nil {
		errors.As(err, &v.Refusal) // Parse returns no other error
		return
	}
	v.Order = o
	v.fingerprint = o.Fingerprint()
	v.id = [2]uint64{maphash.String(j[0], o.ID), maphash.String(j[1], o.ID)}
}

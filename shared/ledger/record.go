package ledger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"orderpipeline/shared/order"
)

// An Outcome is what became of one order given to Record.
type Outcome uint8

const (
	Unsettled Outcome = iota // not known: give the order to Record again
	Recorded                 // counted, in every aggregate
	Duplicate                // counted before, with the same content; nothing changed
	Conflict                 // its order_id was counted before with other content; nothing changed
	Overflow                 // counting it would pass the limit of exact sums; nothing changed
)

// Limits of exact sums, in cents: a score of the leaderboard is a double, and so is every number of a script.
// The record script names them too.
const (
	MaxSpend   order.Cents = 1<<53 - 1
	MaxRevenue order.Cents = 140_000_000_000_000_000 // of one shard; MaxShards of them fit 63 bits
)

// scriptOrders bounds how many orders one script takes, and so how long Redis answers nobody else. A byte counts their
// months, and those of one part of the markers.
const scriptOrders = 128

// Record counts each order once, however often, whenever within the retention and from however many callers it is given,
// and writes to outcomes, which has the length of orders, what became of it. On an error those whose fate is not
// known are Unsettled; the others are settled all the same. Orders of one call are counted in their order where they
// share an id.
func (s *Store) Record(ctx context.Context, orders []order.Order, outcomes []Outcome) error {
	clear(outcomes)
	if len(orders) == 0 {
		return nil
	}
	if err := s.layOut(ctx); err != nil {
		return err
	}
	b := batch{Store: s, orders: orders, outcomes: outcomes, digests: make([]orderDigest, len(orders)), fingerprints: make([]fingerprint, len(orders))}
	for i := range orders {
		b.digests[i] = digestOf(orders[i].ID)
		binary.BigEndian.PutUint64(b.fingerprints[i][:], orders[i].Fingerprint())
	}
	all := b.byPart()
	if s.shards == 1 {
		return b.record(ctx, chunks(nil, 0, all))
	}

	claimed, err := b.claim(ctx, all)
	parts := make([][]int, s.shards)
	for _, i := range claimed {
		shard := shardOf(orders[i].UserID, s.shards)
		parts[shard] = append(parts[shard], i)
	}
	var pieces []piece
	for shard, members := range parts {
		pieces = chunks(pieces, shard, members)
	}
	err = errors.Join(err, b.record(ctx, pieces))
	return errors.Join(err, b.release(ctx, all))
}

// A batch is one call of Record.
type batch struct {
	*Store
	orders       []order.Order
	outcomes     []Outcome
	digests      []orderDigest
	fingerprints []fingerprint
}

type fingerprint [fingerprintBytes]byte

// byPart returns the positions of all orders, part by part of the markers, so that one script meets few of them. Orders that share an
// id share a part, and stay in their order.
func (b *batch) byPart() []int {
	var next [seenParts + 1]int
	for i := range b.digests {
		next[b.digests[i].part()+1]++
	}
	for part := range seenParts {
		next[part+1] += next[part]
	}
	all := make([]int, len(b.digests))
	for i := range b.digests {
		part := b.digests[i].part()
		all[next[part]] = i
		next[part]++
	}
	return all
}

// A piece is what one script call takes: positions of orders that live in one shard, part by part of the markers.
type piece struct {
	shard   int
	members []int
}

func chunks(to []piece, shard int, members []int) []piece {
	for len(members) > scriptOrders {
		to = append(to, piece{shard, members[:scriptOrders]})
		members = members[scriptOrders:]
	}
	if len(members) > 0 {
		to = append(to, piece{shard, members})
	}
	return to
}

// record runs the record script for each piece, and settles what it answers.
func (b *batch) record(ctx context.Context, pieces []piece) error {
	calls := make([][]any, len(pieces))
	for i, p := range pieces {
		calls[i] = b.recordArgs(p)
	}
	var failed error
	for i, answer := range b.run(ctx, recordScript, calls) {
		p := pieces[i]
		codes, err := answer.Text()
		switch {
		case err == nil && len(codes) == len(p.members):
			for at, i := range p.members {
				b.outcomes[i] = outcomeOf(codes[at])
			}
		case err == nil:
			failed = errors.Join(failed, unavailable("record", fmt.Errorf("%d answers for %d orders", len(codes), len(p.members))))
		case isBadValue(err) && len(p.members) > 1:
			// One key that is not what it should be must not hold up the orders beside it.
			half := len(p.members) / 2
			failed = errors.Join(failed,
				b.record(ctx, []piece{{p.shard, p.members[:half]}}),
				b.record(ctx, []piece{{p.shard, p.members[half:]}}))
		default:
			failed = errors.Join(failed, b.scriptError("record", err))
		}
	}
	return failed
}

// parts tells which parts of the markers a piece meets, and how many of its orders are of each.
func (b *batch) parts(p piece) (parts []int, sizes []byte) {
	for _, i := range p.members {
		if part := b.digests[i].part(); len(parts) == 0 || parts[len(parts)-1] != part {
			parts, sizes = append(parts, part), append(sizes, 0)
		}
		sizes[len(sizes)-1]++
	}
	return parts, sizes
}

// recordArgs lays out one call of the record script. One slab of text and pointers into it keep that to a few allocations.
func (b *batch) recordArgs(p piece) []any {
	tag, n := b.tags[p.shard], len(p.members)
	t := texts{slab: make([]byte, 0, n*(len(tag)+len("u1048575")+digestBytes+fingerprintBytes)), ends: make([]int, 0, 3*n)}
	wrong, inMonth := make([]byte, n), make([]byte, n)
	var months []order.Month
	for at, i := range p.members {
		o := &b.orders[i]
		t.end(appendBucketKey(t.slab, tag, o.UserID))
		t.end(append(t.slab, b.digests[i].marker()...))
		t.end(append(t.slab, b.fingerprints[i][:]...))
		wrong[at] = '0'
		if o.Mismatch {
			wrong[at] = '1'
		}
		month := slices.Index(months, o.Month())
		if month < 0 {
			month, months = len(months), append(months, o.Month())
		}
		inMonth[at] = byte(month + 1)
	}
	text := t.cut()
	parts, sizes := b.parts(p)

	args := newArgs(4+n+2*len(parts), 6+4*n+len(months))
	args = append(args, tag+totalsKey, tag+topKey, tag+ordersKey, tag+revenueKey)
	for at := range n {
		args = append(args, &text[3*at])
	}
	args = appendSeenKeys(args, tag, parts)
	args = append(args, b.layout, b.retention, MaxTop, wrong, inMonth, sizes)
	for at := range n {
		args = append(args, &text[3*at+1])
	}
	for at := range n {
		args = append(args, &text[3*at+2])
	}
	for _, i := range p.members {
		args = append(args, &b.orders[i].UserID)
	}
	for _, i := range p.members {
		args = append(args, (*int64)(&b.orders[i].Value))
	}
	for _, month := range months {
		args = append(args, month.String())
	}
	return args
}

// texts are many short texts in one piece of memory.
type texts struct {
	slab []byte
	ends []int
}

// end takes the slab with one more text at its end.
func (t *texts) end(slab []byte) { t.slab, t.ends = slab, append(t.ends, len(slab)) }

// cut returns the texts in their order.
func (t *texts) cut() []string {
	whole, parts, start := string(t.slab), make([]string, len(t.ends)), 0
	for i, end := range t.ends {
		parts[i], start = whole[start:end], end
	}
	return parts
}

func outcomeOf(code byte) Outcome {
	switch code {
	case 'r':
		return Recorded
	case 'd':
		return Duplicate
	case 'c':
		return Conflict
	case 'o':
		return Overflow
	}
	return Unsettled
}

// layoutPrefix begins a script's answer to another layout.
const layoutPrefix = "LAYOUT "

func (s *Store) scriptError(doing string, err error) error {
	if found, ok := strings.CutPrefix(err.Error(), layoutPrefix); ok {
		s.laidOut.Store(false)
		return s.layoutError(found)
	}
	return unavailable(doing, err)
}

// isBadValue tells errors that speak of one key's type or value from those that would meet every order.
func isBadValue(err error) bool {
	text := err.Error()
	return strings.HasPrefix(text, "WRONGTYPE") || strings.Contains(text, "is not a") || strings.Contains(text, "would overflow")
}

package ledger

import (
	"context"
	"errors"
	"slices"
	"strings"

	"orderpipeline/shared/order"
)

// An Outcome is the result for one order given to Record. Its value is the character that the
// scripts answer for the order.
type Outcome uint8

const (
	Unsettled Outcome = 0   // not known: record the order again
	Recorded  Outcome = 'r' // counted in every figure
	Duplicate Outcome = 'd' // counted before with the same content; nothing changed
	Conflict  Outcome = 'c' // its order_id was counted before with other content; nothing changed
	Overflow  Outcome = 'o' // counting it would pass the limit of exact sums; nothing changed

	claimed Outcome = 'y' // its order_id is its content's, see claim; never a result of Record
)

// Limits of exact sums, in cents. A score of the leaderboard is a double, and so is every number of
// a script: both are exact up to 2^53.
const (
	MaxSpend   order.Cents = 1<<53 - 1               // of one customer
	MaxRevenue order.Cents = 140_000_000_000_000_000 // of one shard; MaxShards of them fit 63 bits
)

// chunkOrders is how many orders one script takes at most. It bounds how long Redis is blocked. The
// script counts the orders of a segment in a byte.
const chunkOrders = 128

// Record counts each order once, in every figure or in none. It is idempotent within the retention
// and safe for concurrent callers. outcomes must have the length of orders; outcomes[i] is the
// result for orders[i]. On an error the orders whose result is not known are Unsettled, the others
// are settled nevertheless. Orders of one call that share an id are counted in the order in which
// they are given.
func (s *Store) Record(ctx context.Context, orders []order.Order, outcomes []Outcome) error {
	return s.newRecording(orders, outcomes).run(ctx)
}

// A recording is one call of Record or Replay.
type recording struct {
	*Store
	replay
	orders       []order.Order
	outcomes     []Outcome
	digests      []orderDigest
	fingerprints []fingerprint
}

func (s *Store) newRecording(orders []order.Order, outcomes []Outcome) *recording {
	r := &recording{
		Store:        s,
		replay:       replay{archived: ""},
		orders:       orders,
		outcomes:     outcomes,
		digests:      make([]orderDigest, len(orders)),
		fingerprints: make([]fingerprint, len(orders)),
	}
	for i := range orders {
		r.digests[i] = digestOf(orders[i].ID)
		r.fingerprints[i] = fingerprintOf(&orders[i])
	}
	return r
}

// run settles all orders.
func (r *recording) run(ctx context.Context) error {
	clear(r.outcomes)
	if len(r.orders) == 0 {
		return nil
	}
	if err := r.open(ctx); err != nil {
		return err
	}
	all := r.bySegment()
	if r.shards == 1 {
		return r.record(ctx, appendChunks(nil, 0, all))
	}
	accepted, claimErr := r.claim(ctx, all)
	recordErr := r.record(ctx, r.byShard(accepted, r.shardOfCustomer))
	return errors.Join(claimErr, recordErr, r.release(ctx, accepted))
}

// bySegment returns the indexes of all orders segment by segment, so that one script needs few of
// the segments. Orders that share an id share a segment and keep their order.
func (r *recording) bySegment() []int {
	var next [segments + 1]int
	for i := range r.digests {
		next[r.digests[i].segment()+1]++
	}
	for segment := range segments {
		next[segment+1] += next[segment]
	}
	all := make([]int, len(r.digests))
	for i := range r.digests {
		segment := r.digests[i].segment()
		all[next[segment]] = i
		next[segment]++
	}
	return all
}

// A chunk is what one script takes: the indexes of orders of one shard, segment by segment.
type chunk struct {
	shard   int
	indexes []int
}

func appendChunks(chunks []chunk, shard int, indexes []int) []chunk {
	for some := range slices.Chunk(indexes, chunkOrders) {
		chunks = append(chunks, chunk{shard, some})
	}
	return chunks
}

// byShard divides orders into chunks of one shard each.
func (r *recording) byShard(indexes []int, shardOf func(index int) int) (chunks []chunk) {
	byShard := make([][]int, r.shards)
	for _, index := range indexes {
		shard := shardOf(index)
		byShard[shard] = append(byShard[shard], index)
	}
	for shard, indexes := range byShard {
		chunks = appendChunks(chunks, shard, indexes)
	}
	return chunks
}

func (r *recording) shardOfCustomer(index int) int {
	return shardOf(r.orders[index].UserID, r.shards)
}

// record runs the record script for each chunk and settles its orders.
func (r *recording) record(ctx context.Context, chunks []chunk) (failed error) {
	calls := make([][]any, len(chunks))
	for i, c := range chunks {
		calls[i] = r.recordArgs(c)
	}
	for i, answer := range r.send(ctx, recordScript, calls) {
		c := chunks[i]
		codes, err := codesOf(answer, len(c.indexes))
		switch {
		case err == nil:
			for at, index := range c.indexes {
				r.outcomes[index] = Outcome(codes[at])
			}
		case isBadValue(err) && len(c.indexes) > 1:
			// One key with a wrong value must not stop the orders beside it.
			half := len(c.indexes) / 2
			halves := []chunk{{c.shard, c.indexes[:half]}, {c.shard, c.indexes[half:]}}
			failed = errors.Join(failed, r.record(ctx, halves[:1]), r.record(ctx, halves[1:]))
		default:
			failed = errors.Join(failed, r.scriptError("record", err))
		}
	}
	return failed
}

// isBadValue reports errors about the type or value of one key, as opposed to those that every
// order would meet.
func isBadValue(err error) bool {
	text := err.Error()
	return strings.HasPrefix(text, "WRONGTYPE") ||
		strings.Contains(text, "is not a") ||
		strings.Contains(text, "would overflow")
}

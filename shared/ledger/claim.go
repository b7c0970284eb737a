package ledger

import (
	"context"
	"errors"
)

// claim claims the order ids for their contents in the shards of the ids. It returns the indexes of
// the orders that may be recorded in their customers' shards. The others are conflicts, or
// unsettled where a shard did not answer.
func (r *recording) claim(ctx context.Context, indexes []int) (accepted []int, failed error) {
	chunks := r.byShard(indexes, r.shardOfID)
	calls := make([][]any, len(chunks))
	for i, c := range chunks {
		calls[i] = r.claimArgs(c)
	}

	answered := make([]Outcome, len(r.orders))
	for i, answer := range r.send(ctx, claimScript, calls) {
		codes, err := codesOf(answer, len(chunks[i].indexes))
		if err != nil {
			failed = errors.Join(failed, r.scriptError("claim", err))
			continue
		}
		for at, index := range chunks[i].indexes {
			answered[index] = Outcome(codes[at])
		}
	}

	for _, index := range indexes { // so that the accepted ones keep their order
		switch answered[index] {
		case claimed:
			accepted = append(accepted, index)
		case Conflict:
			r.outcomes[index] = Conflict
		}
	}
	return accepted, failed
}

// release releases the claims of orders that were not counted. Overflowed orders would leave no
// trace with one shard either. Conflicts have a claim only when Redis lost the one of the order
// that was counted: theirs would turn its duplicates and its replay into conflicts.
func (r *recording) release(ctx context.Context, accepted []int) (failed error) {
	var refused []int
	for _, index := range accepted {
		if outcome := r.outcomes[index]; outcome == Overflow || outcome == Conflict {
			refused = append(refused, index)
		}
	}
	chunks := r.byShard(refused, r.shardOfID)
	calls := make([][]any, len(chunks))
	for i, c := range chunks {
		calls[i] = r.releaseArgs(c)
	}

	for i, answer := range r.send(ctx, releaseScript, calls) {
		if err := answer.Err(); err != nil {
			failed = unavailable("release claims", err)
			for _, index := range chunks[i].indexes {
				r.outcomes[index] = Unsettled
			}
		}
	}
	return failed
}

func (r *recording) shardOfID(index int) int { return r.digests[index].claimShard(r.shards) }

// claimArgs returns the arguments of one call of claim.lua.
func (r *recording) claimArgs(c chunk) []any {
	tag := r.tags[c.shard]
	segments, sizes := r.segments(c)
	args := newArgs(1+2*len(segments), 4+2*len(c.indexes))
	args = append(args, tag+totalsKey)
	args = appendSegmentKeys(args, tag, segments)
	args = append(args, r.layout, r.retention, r.archived, sizes)
	return r.appendClaims(args, c)
}

// releaseArgs returns the arguments of one call of release.lua.
func (r *recording) releaseArgs(c chunk) []any {
	segments, sizes := r.segments(c)
	args := newArgs(2*len(segments), 1+2*len(c.indexes))
	args = appendSegmentKeys(args, r.tags[c.shard], segments)
	args = append(args, sizes)
	return r.appendClaims(args, c)
}

func (r *recording) appendClaims(args []any, c chunk) []any {
	for _, index := range c.indexes {
		args = append(args, r.digests[index].claim())
	}
	for _, index := range c.indexes {
		args = append(args, r.fingerprints[index][:])
	}
	return args
}

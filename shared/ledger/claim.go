package ledger

import (
	"context"
	"errors"
	"fmt"
)

// claim takes the order ids for their contents in the shards of the ids, and returns the positions of the orders
// that may go on to their customers' shards. The others are conflicts, or unsettled where a shard did not answer.
func (b *batch) claim(ctx context.Context, members []int) (claimed []int, failed error) {
	pieces := b.byClaimShard(members)
	calls := make([][]any, len(pieces))
	for i, p := range pieces {
		parts, sizes := b.parts(p)
		args := append(newArgs(1+2*len(parts), 3+2*len(p.members)), b.tags[p.shard]+totalsKey)
		args = append(appendSeenKeys(args, b.tags[p.shard], parts), b.layout, b.retention, sizes)
		calls[i] = b.appendClaims(args, p)
	}
	answered := make([]byte, len(b.orders))
	for i, answer := range b.run(ctx, claimScript, calls) {
		codes, err := answer.Text()
		if err == nil && len(codes) != len(pieces[i].members) {
			err = fmt.Errorf("%d answers for %d orders", len(codes), len(pieces[i].members))
		}
		if err != nil {
			failed = errors.Join(failed, b.scriptError("claim", err))
			continue
		}
		for at, i := range pieces[i].members {
			answered[i] = codes[at]
		}
	}
	for _, i := range members {
		switch answered[i] {
		case 'y':
			claimed = append(claimed, i)
		case 'c':
			b.outcomes[i] = Conflict
		}
	}
	return claimed, failed
}

// release gives back the claims of those members that overflowed: with one shard they would leave no trace either.
func (b *batch) release(ctx context.Context, members []int) (failed error) {
	var over []int
	for _, i := range members {
		if b.outcomes[i] == Overflow {
			over = append(over, i)
		}
	}
	pieces := b.byClaimShard(over)
	calls := make([][]any, len(pieces))
	for i, p := range pieces {
		parts, sizes := b.parts(p)
		args := newArgs(2*len(parts), 1+2*len(p.members))
		calls[i] = b.appendClaims(append(appendSeenKeys(args, b.tags[p.shard], parts), sizes), p)
	}
	for i, answer := range b.run(ctx, releaseScript, calls) {
		if err := answer.Err(); err != nil {
			failed = unavailable("release claims", err)
			for _, i := range pieces[i].members {
				b.outcomes[i] = Unsettled
			}
		}
	}
	return failed
}

func (b *batch) byClaimShard(members []int) []piece {
	parts := make([][]int, b.shards)
	for _, i := range members {
		shard := b.digests[i].claimShard(b.shards)
		parts[shard] = append(parts[shard], i)
	}
	var pieces []piece
	for shard, members := range parts {
		pieces = chunks(pieces, shard, members)
	}
	return pieces
}

func (b *batch) appendClaims(args []any, p piece) []any {
	for _, i := range p.members {
		args = append(args, b.digests[i].claim())
	}
	for _, i := range p.members {
		args = append(args, b.fingerprints[i][:])
	}
	return args
}

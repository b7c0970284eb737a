package ledger

import "context"

// claim takes the order ids for their contents in the shards of the ids, and returns the positions of the orders
// that may go on to their customers' shards. The others are conflicts, or unsettled where a shard did not answer.
func (b *batch) claim(ctx context.Context, members []int) (claimed []int, failed error) {
	pieces := b.byClaimShard(members)
	calls := make([][]any, len(pieces))
	for i, p := range pieces {
		args := b.claimKeys(p, 1)
		args = append(args, b.retention)
		for _, i := range p.members {
			args = append(args, &b.fingerprints[i])
		}
		calls[i] = args
	}
	answered := make([]byte, len(b.orders))
	for i, answer := range b.run(ctx, claimScript, calls) {
		codes, err := answer.Text()
		if err != nil || len(codes) != len(pieces[i].members) {
			failed = unavailable("claim", err)
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

// release gives back the claims of orders that overflowed: with one shard they would leave no trace either.
func (b *batch) release(ctx context.Context) (failed error) {
	var over []int
	for i, outcome := range b.outcomes {
		if outcome == Overflow {
			over = append(over, i)
		}
	}
	pieces := b.byClaimShard(over)
	calls := make([][]any, len(pieces))
	for i, p := range pieces {
		calls[i] = b.claimKeys(p, 0)
		for _, member := range p.members {
			calls[i] = append(calls[i], &b.fingerprints[member])
		}
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

// claimKeys begins a call over the claims of a piece, with room for its fingerprints and so many values more.
func (b *batch) claimKeys(p piece, more int) []any {
	tag := b.tags[p.shard]
	args := newArgs(len(p.members), len(p.members)+more)
	for _, i := range p.members {
		args = append(args, string(b.digests[i].appendClaimKey(nil, tag)))
	}
	return args
}

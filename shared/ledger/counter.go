package ledger

import (
	"context"
	"crypto/sha256"
	"slices"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/order"
)

// Fields of the counters hash that the ledger itself reads. All others belong to the callers.
const (
	// FailedMessages counts attempts reported as batch item failures. The caller adds to it with
	// AddCounters.
	FailedMessages = "failed"
	refusedPrefix  = "refused:"
)

// A RefusedMessage is a message that was sent to the queue of rejected messages.
type RefusedMessage struct {
	MessageID string // of the queue: the same at each delivery
	Reason    order.Reason
}

// CountRefused counts refused messages. It is idempotent for each message within the retention.
func (s *Store) CountRefused(ctx context.Context, messages []RefusedMessage) error {
	var calls [][]any
	for chunk := range slices.Chunk(messages, chunkOrders) {
		args := append(newArgs(1+len(chunk), 1+len(chunk)), countersKey)
		for _, m := range chunk {
			digest := sha256.Sum256([]byte(m.MessageID))
			args = append(args, refusedKey+string(digest[:digestBytes]))
		}
		args = append(args, s.retention)
		for _, m := range chunk {
			args = append(args, refusedPrefix+string(m.Reason))
		}
		calls = append(calls, args)
	}
	for _, answer := range s.send(ctx, refuseScript, calls) {
		if err := answer.Err(); err != nil {
			return unavailable("count refused messages", err)
		}
	}
	return nil
}

// AddCounters adds to counters that all function instances share, in one round trip and all or
// nothing. On an error they may have been added nevertheless.
func (s *Store) AddCounters(ctx context.Context, delta map[string]int64) error {
	if len(delta) == 0 {
		return nil
	}
	// Not retried: what was added although the answer was lost would be added twice.
	pipe := s.rdb.TxPipeline()
	for name, n := range delta {
		pipe.HIncrBy(ctx, countersKey, name, n)
	}
	_, err := shareError(pipe.Exec(ctx))
	return unavailable("add to the counters", err)
}

// Counters returns all that AddCounters added, by name.
func (s *Store) Counters(ctx context.Context) (map[string]int64, error) {
	cmds, err := s.pipelined(ctx, func(pipe redis.Pipeliner) {
		pipe.HGetAll(ctx, countersKey)
	})
	if err != nil {
		return nil, unavailable("read the counters", err)
	}
	found := cmds[0].(*redis.MapStringStringCmd).Val()
	counters := make(map[string]int64, len(found))
	for name, text := range found {
		n, err := readFigure(text)
		if err != nil {
			return nil, unavailable("read the counters", err)
		}
		counters[name] = n
	}
	return counters, nil
}

// Messages returns the numbers of messages by outcome.
func (s *Store) Messages(ctx context.Context) (MessageCounts, error) {
	sums, err := s.totals(ctx, fieldOrders, fieldDuplicates, fieldMismatches, fieldHealed)
	if err != nil {
		return MessageCounts{}, err
	}
	counters, err := s.Counters(ctx)
	if err != nil {
		return MessageCounts{}, err
	}
	counts := MessageCounts{
		Recorded:  sums[0],
		Duplicate: sums[1],
		Mismatch:  sums[2],
		Healed:    sums[3],
		Failed:    counters[FailedMessages],
		Refused:   make(map[order.Reason]int64, len(order.Reasons())),
	}
	for _, reason := range order.Reasons() {
		counts.Refused[reason] = counters[refusedPrefix+string(reason)]
	}
	return counts, nil
}

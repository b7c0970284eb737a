package ledger

import (
	"context"
	"time"

	"orderpipeline/shared/order"
)

// A ReplayKind is why archived orders are replayed.
type ReplayKind uint8

const (
	Healing    ReplayKind = iota // what Redis lost is counted again and adds to MessageCounts.Healed
	Rebuilding                   // an empty store is filled
	Importing                    // the orders never were messages
)

// clockMargin is how much longer than the retention markers are kept. An order is recorded before
// it is archived, by at most the time of one invocation, and the clocks of functions and Redis
// differ.
const clockMargin = time.Hour

// tooOldReply is a script's error about orders that may not be replayed any more.
const tooOldReply = "TOOOLD their markers may be gone"

// Replay records orders that were archived at that time. Orders that Redis still knows are
// duplicates and change nothing, not even the counter of duplicates; orders that it lost are
// counted. So it is idempotent, and safe beside Record and other replays. Imported orders are
// archived now.
//
// It returns ErrTooOld, with all orders unsettled, when their markers may be gone: when now is a
// retention or more after both archivedAt and the time when the store was begun. The scripts check
// that by the clock of Redis. With several shards each is checked by itself, because one may have
// been lost and begun again: then the orders that other shards accepted are settled.
func (s *Store) Replay(
	ctx context.Context, archivedAt time.Time, kind ReplayKind,
	orders []order.Order, outcomes []Outcome,
) error {
	r := s.newRecording(orders, outcomes)
	r.archived = archivedAt.Unix()
	if kind == Healing {
		r.healing = "1"
	}
	return r.run(ctx)
}

// A replay holds the scripts' arguments about a replay: for Record both are empty texts.
type replay struct {
	archived any    // Unix seconds
	healing  string // "1"
}

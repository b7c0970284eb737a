package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// ErrLayout: the store was filled by another version, or with another number of shards or time
// zone. Counting into it would miscount. It is joined with ErrUnavailable.
var ErrLayout = errors.New("store layout mismatch")

// layoutPrefix begins a script's error about another layout.
const layoutPrefix = "LAYOUT "

// open marks an empty store with its layout, before the first order is counted, or checks it.
func (s *Store) open(ctx context.Context) error {
	if s.checked.Load() {
		return nil
	}
	call := append(newArgs(1, 1), s.tags[0]+totalsKey, s.layout)
	if err := s.send(ctx, openScript, [][]any{call})[0].Err(); err != nil {
		return s.scriptError("open the store", err)
	}
	s.checked.Store(true)
	return nil
}

// checkLayout compares the layout that the store is marked with, until it was found equal once.
func (s *Store) checkLayout(ctx context.Context) error {
	if s.checked.Load() {
		return nil
	}
	cmds, err := s.pipelined(ctx, func(pipe redis.Pipeliner) {
		pipe.HGet(ctx, s.tags[0]+totalsKey, fieldLayout)
	})
	if errors.Is(err, redis.Nil) {
		return nil // nothing was ever counted
	}
	if err != nil {
		return unavailable("read the layout", err)
	}
	if found := cmds[0].(*redis.StringCmd).Val(); found != s.layout {
		return s.layoutError(found)
	}
	s.checked.Store(true)
	return nil
}

// layoutError says what the store was filled with and what to do.
func (s *Store) layoutError(found string) error {
	version, rest, _ := strings.Cut(found, ":")
	shards, zone, _ := strings.Cut(rest, ":")
	var problem, setting string
	switch {
	case strings.HasPrefix(found, clearing):
		problem = "the store is being cleared"
	case version != strconv.Itoa(layoutVersion):
		problem = "another version of this program filled the store (layout " + version + ")"
	case shards != strconv.Itoa(s.shards):
		problem = fmt.Sprintf("the store has %s shards, this function is configured with %d",
			shards, s.shards)
		setting = "LEDGER_SHARDS=" + shards
	default:
		problem = fmt.Sprintf("the months and days of the store are those of %s, "+
			"this function is configured with %s", zone, s.zone)
		setting = "TIME_ZONE=" + zone
	}
	advice := "fill it again from the archive with orderctl rebuild, or locally begin with make clean"
	if setting != "" {
		advice = "set " + setting + ", or " + advice
	}
	return fmt.Errorf("%w: %w: %s: %s", ErrUnavailable, ErrLayout, problem, advice)
}

// scriptError maps an error of a script.
func (s *Store) scriptError(doing string, err error) error {
	if err.Error() == tooOldReply {
		return ErrTooOld
	}
	if found, ok := strings.CutPrefix(err.Error(), layoutPrefix); ok {
		s.checked.Store(false)
		return s.layoutError(found)
	}
	return unavailable(doing, err)
}

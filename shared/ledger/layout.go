package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// ErrLayout: the store was filled by another version, or with another number of shards. Counting
// into it would miscount. It is joined with ErrUnavailable.
var ErrLayout = errors.New("store layout mismatch")

// layoutPrefix begins a script's error about another layout.
const layoutPrefix = "LAYOUT "

// markLayout marks an empty store with its layout, before the first order is counted.
func (s *Store) markLayout(ctx context.Context) error {
	if s.checked.Load() {
		return nil
	}
	_, err := s.read(ctx, func(pipe redis.Pipeliner) {
		pipe.HSetNX(ctx, s.tags[0]+totalsKey, fieldLayout, s.layout)
	})
	if err != nil {
		return unavailable("write the layout", err)
	}
	return s.checkLayout(ctx)
}

// checkLayout compares the layout that the store is marked with, until it was found equal once.
func (s *Store) checkLayout(ctx context.Context) error {
	if s.checked.Load() {
		return nil
	}
	cmds, err := s.read(ctx, func(pipe redis.Pipeliner) {
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

func (s *Store) layoutError(found string) error {
	version, shards, _ := strings.Cut(found, ":")
	advice := "another version of this program filled it: use that one, or an empty store"
	if version == strconv.Itoa(layoutVersion) {
		advice = fmt.Sprintf("it has %s shards, this function is configured with %d: "+
			"set LEDGER_SHARDS=%s", shards, s.shards, shards)
	}
	return fmt.Errorf("%w: %w: %s", ErrUnavailable, ErrLayout, advice)
}

// scriptError maps an error of a script.
func (s *Store) scriptError(doing string, err error) error {
	if found, ok := strings.CutPrefix(err.Error(), layoutPrefix); ok {
		s.checked.Store(false)
		return s.layoutError(found)
	}
	return unavailable(doing, err)
}

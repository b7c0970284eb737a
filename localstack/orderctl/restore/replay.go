package restore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/inorder"
	"orderpipeline/localstack/orderctl/objects"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/archive"
	"orderpipeline/shared/replay/protocol"
)

// defaultReplays is how many objects are replayed at the same time.
const defaultReplays = 4

func replayCommand(env *session.Env) *cobra.Command {
	var w objects.Window
	parallel := session.Positive(defaultReplays)
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Count again what the store has lost of a window of the archive",
		Long: `Give the archived orders of a window to the store again, and report how many were missing.
Orders that the store knows change nothing, so any window may be replayed at any time, beside
other orders, as often as wanted. What is older than the store's memory of order ids is refused
by the store itself (see SeenRetentionDays): rebuild counts everything.`,
		Example: session.Example(
			"orderctl archive replay --since 2h",
			"orderctl archive replay --since 2026-03-01 --until 2026-03-02T12:00",
		),
		Args: cobra.NoArgs,
		RunE: run(env, 0, func(ctx context.Context, s *store, _ []string) error {
			return s.replayWindow(ctx, w, parallel)
		}),
	}
	addWindow(cmd, &w)
	cmd.Flags().Var(&parallel, "parallel",
		"objects that are replayed at the same time")
	return cmd
}

// A replayResult says what replaying many objects did.
type replayResult struct {
	Objects int64            `json:"objects"`
	Counted protocol.Counted `json:"counted"`
	Failed  []failedObject   `json:"failed_objects"`
	Refused int64            `json:"failed_total"`
	Seconds float64          `json:"seconds"`
}

// A failedObject could not be replayed.
type failedObject struct {
	Key   string `json:"object"`
	Error string `json:"error"`
}

// An outcome is what happened to one object.
type outcome struct {
	archive.Object
	counted protocol.Counted
	failed  error
}

// replayAll replays objects, adds them to r, and calls each with the key of every one. An object
// that is damaged, or too old, is listed and does not hold up the others.
func (s *store) replayAll(
	ctx context.Context,
	kind string,
	parallel session.Positive,
	list iter.Seq2[archive.Object, error],
	r *replayResult,
	each func(key string) error,
) error {
	one := func(ctx context.Context, o archive.Object) (outcome, error) {
		counted, err := s.replayer.replay(ctx, kind, o.Key)
		if failed, ok := errors.AsType[*functionError](err); ok && failed.final() {
			return outcome{o, counted, err}, nil
		}
		return outcome{o, counted, nil}, err
	}
	for done, err := range inorder.Map(ctx, int(parallel), list, one) {
		if err != nil {
			return err
		}
		r.Objects++
		r.Counted.Add(done.counted)
		if done.failed != nil {
			r.Refused++
			if len(r.Failed) < 100 {
				r.Failed = append(r.Failed, failedObject{done.Key, done.failed.Error()})
			}
		}
		if err := each(done.Key); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) replayWindow(
	ctx context.Context, w objects.Window, parallel session.Positive,
) error {
	began := time.Now()
	progress := s.Progress("replaying", "objects", -1)
	r := &replayResult{Failed: []failedObject{}}
	list := objects.List(ctx, s.bucket, w)
	err := s.replayAll(ctx, protocol.KindReplay, parallel, list, r, func(string) error {
		progress.Add(1)
		return nil
	})
	progress.Finish()
	r.Seconds = session.Seconds(time.Since(began))
	err = errors.Join(err, s.Result(r, r.show))
	switch {
	case err != nil:
		return err
	case r.Refused > 0:
		return fmt.Errorf("%w: %d objects could not be replayed", session.ErrCheck, r.Refused)
	}
	return nil
}

func (r *replayResult) show(c *console.Console) {
	c.Printf(
		"replayed %s objects with %s orders in %.1fs\n",
		console.Count(r.Objects),
		console.Count(r.Counted.Orders),
		r.Seconds,
	)
	if r.Counted.Recorded == 0 {
		c.Println(c.Good("nothing was missing"))
	} else {
		c.Println(c.Warn(fmt.Sprintf("%s orders were missing and are counted now, worth %s",
			console.Count(r.Counted.Recorded), console.Number(r.Counted.Value))))
	}
	if n := r.Counted.Conflict + r.Counted.Overflow; n > 0 {
		c.Printf(
			"%s orders could not be counted: another order has their id, or a sum would pass its "+
				"limit; see orderctl rejected list\n",
			console.Count(n),
		)
	}
	r.showFailed(c)
}

func (r *replayResult) showFailed(c *console.Console) {
	for _, f := range r.Failed[:min(len(r.Failed), defaultShown)] {
		c.Println(c.Bad("not replayed: " + console.Clean(strings.TrimPrefix(f.Error, "replay "))))
	}
	c.More(r.Refused - defaultShown)
}

package restore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/audit"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/objects"
	"orderpipeline/localstack/orderctl/pause"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/archive"
	"orderpipeline/shared/replay/protocol"
)

type rebuildFlags struct {
	parallel    session.Positive
	acceptFewer bool
}

func rebuildCommand(env *session.Env) *cobra.Command {
	f := rebuildFlags{parallel: defaultReplays}
	cmd := &cobra.Command{
		Use:   "rebuild",
		Short: "Bring the store to the archive's figures, from the beginning",
		Long: `Rebuild all figures from the archive: stop the event source mappings, wait for messages in
flight, clear the store, count every archived order again, compare every figure with the archive,
and start the mappings again. New orders wait in the queue until then.

It mends figures that are wrong, fills a new Redis, and is the way to another number of shards
(LEDGER_SHARDS), another time zone (TIME_ZONE) or the store layout of a new version: deploy the
new setting first, then rebuild. Only the keys of this pipeline are deleted, by the replay
function. No access to Redis is needed.

Before anything is deleted the archive is read. Where it holds fewer orders than the store counts,
such as after make down, which deletes the local archive but not the figures, nothing is deleted
and the exit code is 1. With --accept-fewer the store is cleared all the same, and the orders that
the archive does not hold are lost: that is meant after orderctl archive forget.

After an interruption the mappings run, and the next rebuild continues where this one stopped. The
exit code is 1 when the figures differ in the end, or an object of the archive cannot be read.`,
		Example: session.Example(
			"orderctl rebuild",
			"LEDGER_SHARDS=4 make deploy-local && orderctl rebuild --yes",
			"orderctl archive forget U1234 && orderctl rebuild --accept-fewer",
		),
		Args: cobra.NoArgs,
		RunE: run(env, session.API|session.Queues, func(ctx context.Context, s *store, _ []string) error {
			return s.rebuild(ctx, f)
		}),
	}
	cmd.Flags().Var(&f.parallel, "parallel",
		"objects that are replayed at the same time")
	cmd.Flags().BoolVar(&f.acceptFewer, "accept-fewer", false,
		"clear the store even where the archive holds fewer orders")
	return cmd
}

// Steps of a rebuild, as the note of the pause keeps them.
const (
	stepClear  = "clear"
	stepReplay = "replay" // followed by a space and the key up to which all messages are replayed
)

// A rebuildResult is what --json prints.
type rebuildResult struct {
	Cleared int64         `json:"keys_deleted"`
	Replay  replayResult  `json:"replay"`
	Verify  *verification `json:"verify,omitempty"`
	Seconds float64       `json:"seconds"`
}

// A rebuild brings the store to the archive's figures.
type rebuild struct {
	*store
	rebuildFlags
	pause  *pause.Pause
	book   *audit.Book // the archive before the store was cleared; may be nil
	result rebuildResult
}

func (s *store) rebuild(ctx context.Context, f rebuildFlags) (err error) {
	began := time.Now()
	if err := s.confirmRebuild(ctx); err != nil {
		return err
	}
	r := &rebuild{store: s, rebuildFlags: f}
	r.result.Replay.Failed = []failedObject{}
	var begun error
	r.pause, begun = s.pause(ctx, "rebuild")
	done := false
	defer func() {
		if done || errors.Is(err, errFewer) {
			err = errors.Join(err, r.pause.End(ctx))
			return
		}
		err = errors.Join(err, r.pause.Resume(ctx))
		s.Hintf("the rebuild is not complete: run orderctl rebuild again, it continues\n")
	}()
	if begun != nil {
		return begun
	}
	if err := r.fill(ctx); err != nil {
		return err
	}
	v, err := r.compare(ctx)
	if err != nil {
		return err
	}
	v.Paused = true
	done = true
	r.result.Verify, r.result.Seconds = v, session.Seconds(time.Since(began))
	return r.report()
}

// confirmRebuild asks before the store is cleared.
func (s *store) confirmRebuild(ctx context.Context) error {
	found, err := s.state(ctx)
	if err != nil {
		return err
	}
	holds := "It is empty now."
	if found.Layout != "" {
		holds = fmt.Sprintf(
			"It holds %s orders now (layout %s).", console.Count(found.Orders), found.Layout,
		)
	}
	return s.Confirm(
		fmt.Sprintf("Clear the store of the stack %s on %s and count every archived order again? %s "+
			"New orders wait in the queue until then.", s.Stack, s.Where(), holds),
	)
}

// state reads what the store holds. Unlike the API the function can read a store of another layout.
func (s *store) state(ctx context.Context) (found protocol.Found, err error) {
	if err = s.replayer.call(ctx, protocol.Request{Operation: protocol.State}, &found); err != nil {
		err = fmt.Errorf("read the state of the store: %w", err)
	}
	return found, err
}

// errFewer says that the archive cannot give back what the store counts.
var errFewer = errors.New("the archive holds fewer orders than the store counts")

// checkArchive reads the archive, and refuses to go on where orders of the store would be lost. A
// message that was counted and not acknowledged has no line in the archive: it is in flight or in
// the dead-letter queue, and will be counted again.
func (r *rebuild) checkArchive(ctx context.Context) error {
	zone, unknown := r.Zone(ctx)
	if unknown != nil {
		zone = time.UTC // the API may not answer for a store of another layout
	}
	book, err := r.audit(ctx, zone)
	if err != nil {
		return err
	}
	if unknown == nil {
		r.book = book
	}
	found, err := r.state(ctx)
	if err != nil {
		return err
	}
	// A store of several shards may have counted both of two orders with one id: the archive holds
	// them.
	missing := found.Orders - book.Total.Orders - book.ConflictCount
	for _, q := range []queue.Queue{r.Orders, r.DLQ} {
		d, err := q.Depth(ctx)
		if err != nil {
			return err
		}
		missing -= d.InFlight
		if q == r.DLQ {
			missing -= d.Visible
		}
	}
	if missing <= 0 || r.acceptFewer {
		return nil
	}
	faults := ""
	if book.FaultCount > 0 {
		faults = fmt.Sprintf(", and the archive has %d faults that orderctl archive verify names",
			book.FaultCount)
	}
	return fmt.Errorf("%w: %s, the store %s%s. Nothing was deleted: a rebuild would lose the "+
		"difference. Keep the store as it is, or restore the bucket %s. Where the orders may be "+
		"lost, use --accept-fewer (after orderctl archive forget that is meant)", errFewer,
		console.Count(book.Total.Orders), console.Count(found.Orders), faults, r.bucket.Name())
}

// compare compares all figures with the archive. It is read again only where objects were added or
// deleted since it was read: nothing else changes it while the mappings are stopped.
func (r *rebuild) compare(ctx context.Context) (*verification, error) {
	if r.book == nil || r.size(ctx, "") != r.book.Objects {
		return r.compareAll(ctx, nil)
	}
	return r.compareAll(ctx, r.book)
}

// fill clears the store and replays everything, or continues where an earlier run stopped.
func (r *rebuild) fill(ctx context.Context) error {
	if err := r.settle(ctx); err != nil {
		return err
	}
	if err := r.checkArchive(ctx); err != nil {
		return err
	}
	after, going := strings.CutPrefix(r.pause.LastStep(), stepReplay)
	if !going {
		if err := r.clear(ctx); err != nil {
			return err
		}
		if err := r.pause.Step(ctx, stepReplay); err != nil {
			return err
		}
	}
	return r.replayFrom(ctx, strings.TrimSpace(after))
}

// clear deletes the pipeline's keys. The function deletes as many as its time allows, until it is
// done.
func (r *rebuild) clear(ctx context.Context) error {
	if err := r.pause.Step(ctx, stepClear); err != nil {
		return err
	}
	status := r.Status()
	defer status.Clear()
	for {
		var answer protocol.Cleared
		begin := protocol.Request{Operation: protocol.Begin, Confirm: r.Stack}
		if err := r.replayer.call(ctx, begin, &answer); err != nil {
			return fmt.Errorf("clear the store: %w", err)
		}
		r.result.Cleared += answer.Deleted
		if answer.Done {
			return nil
		}
		status.Set("clearing the store: " + console.Count(r.result.Cleared) + " keys deleted")
	}
}

// noteEvery is after how many objects the progress of the replay is noted.
const noteEvery = 200

// remaining lists what is to be replayed after a key: all messages, and then all imports, because
// of two orders with one id that of a message counts.
func (r *rebuild) remaining(ctx context.Context, after string) []iter.Seq2[archive.Object, error] {
	return []iter.Seq2[archive.Object, error]{
		objects.Messages(ctx, r.bucket, after, ""), objects.Imports(ctx, r.bucket, ""),
	}
}

func (r *rebuild) replayFrom(ctx context.Context, after string) error {
	progress := r.Progress("replaying", "objects", r.size(ctx, after))
	defer progress.Finish()
	result := &r.result.Replay
	began := time.Now()
	each := func(key string) error {
		progress.Add(1)
		if result.Objects%noteEvery != 0 || !strings.HasPrefix(key, archive.MessagesPrefix) {
			return nil
		}
		return r.pause.Step(ctx, stepReplay+" "+key)
	}
	for _, list := range r.remaining(ctx, after) {
		err := r.replayAll(ctx, protocol.KindRebuild, r.parallel, list, result, each)
		if err != nil {
			return err
		}
	}
	result.Seconds = session.Seconds(time.Since(began))
	return nil
}

// size is how many objects there are to replay; -1 where it is unknown.
func (r *rebuild) size(ctx context.Context, after string) (n int64) {
	for _, list := range r.remaining(ctx, after) {
		for _, err := range list {
			if err != nil {
				return -1
			}
			n++
		}
	}
	return n
}

// report shows what was done. Its error says whether the figures are those of the archive.
func (r *rebuild) report() error {
	if err := r.Result(r.result, r.result.show); err != nil {
		return err
	}
	v := r.result.Verify
	if !v.Equal || r.result.Replay.Refused > 0 {
		return fmt.Errorf("%w: %d figures differ from the archive, %d objects were not replayed",
			session.ErrCheck, v.Count, r.result.Replay.Refused)
	}
	return nil
}

func (r *rebuildResult) show(c *console.Console) {
	counted := r.Replay.Counted
	c.Printf("rebuilt in %.1fs: %s orders counted from %s objects of the archive, worth %s\n",
		r.Seconds, console.Count(counted.Recorded), console.Count(r.Replay.Objects),
		console.Number(counted.Value))
	if counted.Duplicate > 0 {
		c.Printf("%s orders were in the store already, or are in the archive more than once\n",
			console.Count(counted.Duplicate))
	}
	r.Replay.showFailed(c)
	r.Verify.show(c, defaultShown)
}

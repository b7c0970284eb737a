package restore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/audit"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/objects"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/archive"
)

// maxTop is how many places of the leaderboard the API shows.
const maxTop = 1000

func verifyCommand(env *session.Env) *cobra.Command {
	var pausing bool
	var shown uint
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Compare every figure of the API with the archive, to the cent",
		Long: `Read the whole archive, add it up with arithmetic that shares nothing with the pipeline's
store, and compare every figure that the API gives: totals, all months and days, all
customers, the leaderboard. The exit code is 1 when a figure differs, or when a line of the
archive cannot be right. The counters of messages (duplicate, refused, failed) are no figures:
after a loss they begin at zero, and orderctl archive list counts the messages by outcome.

"lost" means that the archive has more than the store. "not in the archive" means that the
store has more: a message was counted and is not acknowledged yet, so it is in flight or in the
dead-letter queue; or the figure was changed by other means. While orders arrive the two always
differ a little: --pause stops the event source mappings, waits for messages in flight, compares
exactly, and starts the mappings again, also after Ctrl-C. Orders wait in the queue until then.`,
		Example: session.Example(
			"orderctl archive verify",
			"orderctl archive verify --pause",
			"orderctl archive verify --json | jq '.differences[]'",
		),
		Args: cobra.NoArgs,
		RunE: run(env, session.API|session.Queues, func(ctx context.Context, s *store, _ []string) error {
			return s.verify(ctx, pausing, int(shown))
		}),
	}
	cmd.Flags().BoolVar(&pausing, "pause", false, "stop the event source mappings while comparing")
	cmd.Flags().UintVar(&shown, "max", defaultShown,
		"maximum number of differences to list; 0 lists up to 1,000")
	return cmd
}

// A verification is the result of comparing the store with the archive.
type verification struct {
	Bucket   string `json:"bucket"`
	TimeZone string `json:"time_zone"`
	Paused   bool   `json:"paused"`
	*audit.Book
	*audit.Comparison
	InFlight int64   `json:"in_flight"`
	DLQ      int64   `json:"in_dlq"`
	Equal    bool    `json:"equal"`
	Seconds  float64 `json:"seconds"`
}

func (s *store) verify(ctx context.Context, pausing bool, shown int) (err error) {
	if pausing {
		p, begun := s.pause(ctx, "verify")
		defer func() { err = errors.Join(err, p.End(ctx)) }()
		if begun != nil {
			return begun
		}
		if err := s.settle(ctx); err != nil {
			return err
		}
	} else if note, err := s.notes.Read(ctx); err == nil && note != nil {
		s.Hintf("an earlier %s, begun %s, has not ended: run it again\n",
			note.Operation, note.Began.Format(time.RFC3339))
	}
	v, err := s.compareAll(ctx, nil)
	if err != nil {
		return err
	}
	v.Paused = pausing
	return s.report(v, shown)
}

// report shows a verification. Its error says whether the figures are equal.
func (s *store) report(v *verification, shown int) error {
	if shown > 0 {
		v.Differences = v.Differences[:min(shown, len(v.Differences))]
	}
	if err := s.Result(v, func(c *console.Console) { v.show(c, shown) }); err != nil {
		return err
	}
	if !v.Equal {
		return fmt.Errorf(
			"%w: %d figures differ from the archive, %d faults in the archive",
			session.ErrCheck,
			v.Count,
			v.FaultCount,
		)
	}
	return nil
}

// compareAll reads the archive, unless it is read already, and then the API: what arrives between
// the two is more in the store, never a loss.
func (s *store) compareAll(ctx context.Context, book *audit.Book) (*verification, error) {
	began := time.Now()
	zone, err := s.Zone(ctx)
	if err != nil {
		return nil, err
	}
	if book == nil {
		if book, err = s.audit(ctx, zone); err != nil {
			return nil, err
		}
	}
	c := audit.NewComparison(book)
	if err := s.compareFigures(ctx, book, c); err != nil {
		return nil, err
	}
	v := &verification{
		Bucket: s.bucket.Name(), TimeZone: zone.String(), Book: book, Comparison: c, Equal: c.Equal(),
	}
	// The depths only explain a difference.
	if d, err := s.Orders.Depth(ctx); err == nil {
		v.InFlight = d.InFlight
	}
	if d, err := s.DLQ.Depth(ctx); err == nil {
		v.DLQ = d.Total()
	}
	v.Seconds = session.Seconds(time.Since(began))
	return v, nil
}

// audit adds up the whole archive.
func (s *store) audit(ctx context.Context, zone *time.Location) (*audit.Book, error) {
	book := audit.NewBook()
	progress := s.Progress("reading", "objects", -1)
	defer progress.Finish()
	parse := func(o archive.Object, lines string) *audit.Page {
		return book.ReadPage(o.Key, lines, zone)
	}
	all := objects.List(ctx, s.bucket, objects.Window{})
	for r, err := range objects.ReadAll(ctx, s.bucket, all, parse) {
		if err != nil {
			return nil, err
		}
		if r.Damaged != nil {
			book.Damaged(r.Key, errors.Unwrap(r.Damaged))
		}
		book.Add(r.Result)
		progress.Add(1)
	}
	return book, nil
}

// compareFigures reads everything that the API shows.
func (s *store) compareFigures(ctx context.Context, book *audit.Book, c *audit.Comparison) error {
	overview, err := s.API.Figures(ctx)
	if err != nil {
		return err
	}
	c.Total(overview.Figures.Totals)
	c.Months(overview.Figures.Months)
	months := slices.Collect(maps.Keys(book.Months))
	for _, m := range overview.Figures.Months {
		months = append(months, m.Date)
	}
	slices.Sort(months)
	days, err := s.API.Days(ctx, slices.Compact(months), 0, math.MaxInt32)
	if err != nil {
		return err
	}
	c.Days(days)

	top, err := s.API.Top(ctx, maxTop)
	if err != nil {
		return err
	}
	c.Top(top, maxTop)

	progress := s.Progress("comparing", "customers", -1)
	defer progress.Finish()
	for users, err := range s.API.Customers(ctx) {
		if err != nil {
			return err
		}
		for _, u := range users {
			c.Customer(u)
		}
		progress.Add(int64(len(users)))
	}
	c.CustomersEnd()
	return nil
}

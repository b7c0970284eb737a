package restore

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/objects"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/archive"
)

func archiveCommand(env *session.Env) *cobra.Command {
	return session.Group(&cobra.Command{
		Use:   "archive",
		Short: "List, search, verify and replay the archive of all messages",
		Long: `The archive holds a line about every message that was acknowledged, with its outcome
and its untouched body. The figures can be compared with it and rebuilt from it.`,
		Example: session.Example(
			"orderctl archive list", "orderctl archive verify", "orderctl archive show ORD1234",
		),
	},
		listCommand(env), showCommand(env), verifyCommand(env), replayCommand(env), forgetCommand(env))
}

func listCommand(env *session.Env) *cobra.Command {
	var w objects.Window
	var fast bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show by day what the archive holds: objects, messages by outcome, bytes",
		Long: `Show by day (UTC, of the arrival) what the archive holds. Imports are shown on the day when
they were imported. Every object of the window is read, unless --fast leaves out the messages.`,
		Example: session.Example(
			"orderctl archive list",
			"orderctl archive list --since 2026-03-01 --until 2026-04-01",
			"orderctl archive list --fast",
		),
		Args: cobra.NoArgs,
		RunE: run(env, 0, func(ctx context.Context, s *store, _ []string) error {
			return s.list(ctx, w, fast)
		}),
	}
	addWindow(cmd, &w)
	cmd.Flags().BoolVar(&fast, "fast", false,
		"count objects and bytes only, without reading the objects")
	return cmd
}

// A dayRow is what the archive got on one day from one source.
type dayRow struct {
	Day     string `json:"day,omitempty"`
	Source  string `json:"source,omitempty"` // messages or imports
	Objects int64  `json:"objects"`
	Bytes   int64  `json:"bytes"` // compressed
	*tally
	Damaged int64 `json:"damaged_objects,omitempty"`
}

// A tally counts the messages in objects. It is nil where the objects are not read.
type tally struct {
	Messages  int `json:"messages"`
	Recorded  int `json:"recorded"`
	Duplicate int `json:"duplicate"`
	Invalid   int `json:"invalid"`
}

// tallyOf counts the messages in an object. In its text an outcome that is not escaped is a member,
// not a part of a body.
func tallyOf(_ archive.Object, lines string) *tally {
	return &tally{
		Messages:  strings.Count(lines, "\n"),
		Recorded:  strings.Count(lines, `"outcome":"recorded"`),
		Duplicate: strings.Count(lines, `"outcome":"duplicate"`),
		Invalid:   strings.Count(lines, `"outcome":"invalid"`),
	}
}

// count adds an object.
func (d *dayRow) count(o objects.Read[*tally]) {
	d.Objects++
	d.Bytes += o.Size
	if o.Damaged != nil {
		d.Damaged++
	}
	if o.Result == nil {
		return
	}
	if d.tally == nil {
		d.tally = new(tally)
	}
	d.Messages += o.Result.Messages
	d.Recorded += o.Result.Recorded
	d.Duplicate += o.Result.Duplicate
	d.Invalid += o.Result.Invalid
}

// place says to which row an object belongs.
func place(o archive.Object) (day, source string) {
	source = "messages"
	if strings.HasPrefix(o.Key, archive.ImportsPrefix) {
		source = "imports"
	}
	at, err := archive.ArchivedAt(o.Key)
	if err != nil {
		at = o.Modified.UTC() // its key names no time
	}
	return at.Format(time.DateOnly), source
}

func (s *store) list(ctx context.Context, w objects.Window, fast bool) error {
	var rows []*dayRow
	byPlace := map[[2]string]*dayRow{}
	var total dayRow
	progress := s.Progress("reading", "objects", -1)
	found := objects.List(ctx, s.bucket, w)
	read := objects.ReadAll(ctx, s.bucket, found, tallyOf)
	if fast {
		read = sizes(found)
	}
	for o, err := range read {
		if err != nil {
			progress.Finish()
			return err
		}
		day, source := place(o.Object)
		row := byPlace[[2]string{day, source}]
		if row == nil {
			row = &dayRow{Day: day, Source: source}
			byPlace[[2]string{day, source}] = row
			rows = append(rows, row)
		}
		row.count(o)
		total.count(o)
		progress.Add(1)
	}
	progress.Finish()
	if s.JSON {
		return s.Emit(struct {
			Bucket string    `json:"bucket"`
			Days   []*dayRow `json:"days"`
			Total  dayRow    `json:"total"`
		}{s.bucket.Name(), append([]*dayRow{}, rows...), total})
	}
	s.showList(rows, total)
	return nil
}

// sizes replaces objects.ReadAll where objects are not read.
func sizes(list iter.Seq2[archive.Object, error]) iter.Seq2[objects.Read[*tally], error] {
	return func(yield func(objects.Read[*tally], error) bool) {
		for o, err := range list {
			if !yield(objects.Read[*tally]{Object: o}, err) || err != nil {
				return
			}
		}
	}
}

func (s *store) showList(rows []*dayRow, total dayRow) {
	if len(rows) == 0 {
		s.Printf("the archive %s holds no objects of that time\n", s.bucket.Name())
		return
	}
	cells := func(day, source string, r dayRow) []any {
		line := []any{day, source, r.Objects, "-", "-", "-", "-", r.Bytes}
		if n := r.tally; n != nil {
			copy(line[3:], []any{n.Messages, n.Recorded, n.Duplicate, n.Invalid})
		}
		return line
	}
	var table [][]any
	for _, r := range rows {
		table = append(table, cells(r.Day, r.Source, *r))
	}
	if len(rows) > 1 {
		table = append(table, cells("total", "", total))
	}
	s.Table([]console.Column{
		{Title: "DAY"},
		{Title: "SOURCE"},
		{Title: "OBJECTS", Right: true},
		{Title: "MESSAGES", Right: true},
		{Title: "RECORDED", Right: true},
		{Title: "DUPLICATE", Right: true},
		{Title: "INVALID", Right: true},
		{Title: "BYTES", Right: true},
	}, table)
	if total.Damaged > 0 {
		s.Println(s.Bad(console.Count(total.Damaged) +
			" objects are damaged: orderctl archive verify names them"))
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
)

// A store is one of the two queues that hold what went wrong.
type store struct {
	name    string // of the command
	reasons bool   // its messages carry a reason
	url     func(context.Context) (string, error)
}

const limits = `SQS has no way to read a message without receiving it. While a command looks, others do not see
the messages; at the end, also after Ctrl-C, all are given back at once. Each look raises a
message's receive count, which has no effect in this queue. Two looks at the same time each see
a part. At most 100,000 messages can be looked at.`

// look receives up to limit messages of the store (0: all). Close it.
func (a *app) look(ctx context.Context, s store, limit int) (*queue.Look, queue.Depth, error) {
	url, err := s.url(ctx)
	if err != nil {
		return nil, queue.Depth{}, err
	}
	client, err := a.sqs(ctx)
	if err != nil {
		return nil, queue.Depth{}, err
	}
	depth, err := queue.DepthOf(ctx, client, url)
	if err != nil {
		return nil, queue.Depth{}, err
	}
	l := &queue.Look{SQS: client, QueueURL: url, Wait: time.Second}
	if t, err := a.target(ctx); err == nil && t.Local {
		l.Wait = 0
	}
	status := a.Status()
	err = l.All(ctx, limit, func(n int) {
		status.Set(fmt.Sprintf("looking: %s of about %s messages", console.Count(int64(n)), console.Count(depth.Total())))
	})
	status.Clear()
	if err != nil {
		return nil, depth, errors.Join(err, l.Close(ctx, nil))
	}
	return l, depth, nil
}

type listFlags struct {
	filter
	limit, scan int
}

func (a *app) listCommand(s store) *cobra.Command {
	var f listFlags
	cmd := &cobra.Command{
		Use:               "list",
		Short:             "List the messages, and count them by reason",
		Long:              "List the messages, the oldest first.\n\n" + limits,
		Example:           example("orderctl "+s.name+" list", "orderctl "+s.name+" list --since 1h --contains U42", "orderctl "+s.name+" list --scan 0 --limit 0 --json"),
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.complete(a.Now()); err != nil {
				return err
			}
			if f.limit < 0 || f.scan < 0 {
				return fmt.Errorf("%w: --limit and --scan must not be negative", errUsage)
			}
			return a.list(cmd.Context(), s, f)
		},
	}
	f.add(cmd, s.reasons)
	cmd.Flags().IntVar(&f.limit, "limit", 50, "show at most so many; 0 for all")
	cmd.Flags().IntVar(&f.scan, "scan", 1000, "look at so many messages; 0 for all")
	return cmd
}

type listing struct {
	Queue    string         `json:"queue"`
	InQueue  int64          `json:"in_queue"`
	Looked   int            `json:"looked_at"`
	Matching int            `json:"matching"`
	ByReason map[string]int `json:"by_reason,omitempty"`
	Messages []queue.Record `json:"messages"`
}

func (a *app) list(ctx context.Context, s store, f listFlags) error {
	look, depth, err := a.look(ctx, s, f.scan)
	if err != nil {
		return err
	}
	held := look.Held()
	if err := look.Close(ctx, nil); err != nil {
		a.Notef("orderctl: %v\n", err)
	}
	chosen := f.choose(held)
	l := listing{Queue: look.QueueURL, InQueue: depth.Total(), Looked: len(held), Matching: len(chosen), Messages: []queue.Record{}}
	if s.reasons {
		l.ByReason = map[string]int{}
	}
	for i, h := range chosen {
		if s.reasons {
			l.ByReason[attribute(h, reasonAttribute)]++
		}
		if f.limit == 0 || i < f.limit {
			l.Messages = append(l.Messages, queue.RecordOf(h))
		}
	}
	if a.JSON {
		return a.Emit(l)
	}
	a.showListing(s, l)
	return nil
}

func (a *app) showListing(s store, l listing) {
	if len(l.Messages) > 0 {
		columns := []console.Column{{Title: "MESSAGE"}, {Title: "AGE", Right: true}, {Title: "RECEIVED", Right: true}}
		if s.reasons {
			columns = append(columns, console.Column{Title: "REASON"}, console.Column{Title: "FIELD", Flex: true}, console.Column{Title: "DETAIL", Flex: true})
		} else {
			columns = append(columns, console.Column{Title: "ORDER", Flex: true}, console.Column{Title: "BODY", Flex: true})
		}
		rows := make([][]string, len(l.Messages))
		for i, m := range l.Messages {
			rows[i] = []string{shortID(m.ID), console.Ago(a.Now().Sub(m.Sent)), fmt.Sprint(m.Receives)}
			if s.reasons {
				rows[i] = append(rows[i], m.Attributes[reasonAttribute], m.Attributes["field"], m.Attributes["detail"])
			} else {
				rows[i] = append(rows[i], orderID(m.Body), console.Cut(m.Body, 200))
			}
		}
		a.Table(columns, rows)
	}
	if n := l.Matching - len(l.Messages); n > 0 {
		a.Printf("… and %s more, see --limit\n", console.Count(int64(n)))
	}
	a.Printf("%s of %s messages looked at match; about %s are in the queue", console.Count(int64(l.Matching)), console.Count(int64(l.Looked)), console.Count(l.InQueue))
	if int64(l.Looked) < l.InQueue {
		a.Printf(" (--scan 0 looks at all)")
	}
	a.Printf("\n")
	if len(l.ByReason) > 0 {
		reasons := make([]string, 0, len(l.ByReason))
		for _, r := range sortedKeys(l.ByReason) {
			reasons = append(reasons, fmt.Sprintf("%s %s", console.Clean(r), console.Count(int64(l.ByReason[r]))))
		}
		a.List("by reason", reasons...)
	}
}

// shortID is enough of a message id to tell it apart and to name it to `show`.
func shortID(id string) string { return id[:min(8, len(id))] }

// orderID is the order_id of a body, as far as it can be read.
func orderID(body string) string {
	var o struct {
		ID string `json:"order_id"`
	}
	if json.Unmarshal([]byte(body), &o) != nil {
		return "?"
	}
	return o.ID
}

func (a *app) showCommand(s store) *cobra.Command {
	return &cobra.Command{
		Use:               "show MESSAGE",
		Short:             "Show one message whole; the start of its id is enough",
		Long:              "Show one message whole. The start of its id, as `list` shows it, is enough.\n\n" + limits,
		Example:           example("orderctl "+s.name+" show 8bec1bc9", "orderctl "+s.name+" show 8bec1bc9 --json | jq -r .body"),
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.show(cmd.Context(), s, args[0])
		},
	}
}

func (a *app) show(ctx context.Context, s store, id string) error {
	look, _, err := a.look(ctx, s, 0)
	if err != nil {
		return err
	}
	found := slices.DeleteFunc(look.Held(), func(h queue.Held) bool { return id == "" || !strings.HasPrefix(h.ID, id) })
	if err := look.Close(ctx, nil); err != nil {
		a.Notef("orderctl: %v\n", err)
	}
	switch {
	case len(found) == 0:
		return fmt.Errorf("%w: no message in the queue has an id that starts with %q", api.ErrNotFound, id)
	case len(found) > 1:
		return fmt.Errorf("%w: %d messages have an id that starts with %q: write more of it", errUsage, len(found), id)
	}
	r := queue.RecordOf(found[0])
	if a.JSON {
		return a.Emit(r)
	}
	a.Printf("%-18s %s\n%-18s %s (%s ago)\n%-18s %d times\n", "message", r.ID,
		"sent", r.Sent.Format("2006-01-02 15:04:05 UTC"), console.Ago(a.Now().Sub(r.Sent)), "received", r.Receives)
	for _, name := range sortedKeys(r.Attributes) {
		a.Printf("%-18s %s\n", console.Clean(name), console.Clean(r.Attributes[name]))
	}
	body := []byte(r.Body)
	var pretty bytes.Buffer
	if json.Indent(&pretty, body, "", "  ") == nil {
		body = pretty.Bytes()
	}
	a.Printf("\n")
	for line := range strings.Lines(string(body)) {
		a.Printf("%s\n", console.Clean(strings.TrimRight(line, "\r\n")))
	}
	return nil
}

package operator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/order"
)

type listFlags struct {
	filter
	limit, scan uint
}

func listCommand(env *session.Env, st store) *cobra.Command {
	var f listFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the messages, and count them by reason",
		Long:  "List the messages, the oldest first.\n\n" + limits,
		Example: session.Example("orderctl "+st.name+" list",
			"orderctl "+st.name+" list --since 1h --contains U42",
			"orderctl "+st.name+" list --scan 0 --limit 0 --json"),
		Args: cobra.NoArgs,
		RunE: env.Run(st.need, func(ctx context.Context, s *session.Session, _ []string) error {
			return list(ctx, s, st, f)
		}),
	}
	f.add(cmd, st.reasons)
	cmd.Flags().UintVar(&f.limit, "limit", 50, "maximum number of messages to show; 0 for all")
	cmd.Flags().UintVar(&f.scan, "scan", 1000, "maximum number of messages to look at; 0 for all")
	return cmd
}

type listing struct {
	Queue    string         `json:"queue"`
	InQueue  int64          `json:"in_queue"`
	Looked   int            `json:"looked_at"`
	Matching int            `json:"matching"`
	ByReason map[string]int `json:"by_reason,omitempty"`
	Messages []queue.Record `json:"messages"`
	hidden
}

func list(ctx context.Context, s *session.Session, st store, f listFlags) error {
	look, err := s.Read(ctx, st.queue(s), int(f.scan))
	if err != nil {
		return err
	}
	messages := look.Held()
	chosen := f.choose(messages)
	l := listing{
		Queue: look.URL, InQueue: look.Depth.Total(), Looked: len(messages),
		Matching: len(chosen), Messages: []queue.Record{}, hidden: hiddenMessages(s, look.Hidden()),
	}
	if st.reasons {
		l.ByReason = map[string]int{}
	}
	for i, h := range chosen {
		if st.reasons {
			l.ByReason[h.Attributes[order.AttributeReason]]++
		}
		if f.limit == 0 || i < int(f.limit) {
			l.Messages = append(l.Messages, h.Record)
		}
	}
	err = s.Result(l, func(*console.Console) { l.show(s, st) })
	return errors.Join(err, l.report(s))
}

func (l listing) show(s *session.Session, st store) {
	if len(l.Messages) > 0 {
		l.showMessages(s, st)
	}
	if n := l.Matching - len(l.Messages); n > 0 {
		s.Printf("… and %s more, see --limit\n", console.Count(n))
	}
	s.Printf("%s of %s messages looked at match; about %s are in the queue",
		console.Count(l.Matching), console.Count(l.Looked), console.Count(l.InQueue))
	if int64(l.Looked)+l.Count < l.InQueue {
		s.Printf(" (--scan 0 looks at all)")
	}
	s.Println("")
	if len(l.ByReason) > 0 {
		var reasons []string
		for _, r := range slices.Sorted(maps.Keys(l.ByReason)) {
			reasons = append(reasons, console.Clean(r)+" "+console.Count(l.ByReason[r]))
		}
		s.List("by reason", reasons...)
	}
}

func (l listing) showMessages(s *session.Session, st store) {
	columns := []console.Column{
		{Title: "MESSAGE"}, {Title: "AGE", Right: true}, {Title: "RECEIVED", Right: true},
		{Title: "ORDER", Flex: true, Name: true},
	}
	if st.reasons {
		columns = append(columns, console.Column{Title: "REASON"},
			console.Column{Title: "FIELD", Flex: true, Name: true},
			console.Column{Title: "DETAIL", Flex: true})
	} else {
		columns = append(columns, console.Column{Title: "BODY", Flex: true})
	}
	rows := make([][]any, len(l.Messages))
	for i, m := range l.Messages {
		rows[i] = []any{
			shortID(m.ID), console.Ago(time.Since(m.Sent)), m.Receives, orderID(m.Body),
		}
		if st.reasons {
			rows[i] = append(rows[i], m.Attributes[order.AttributeReason],
				m.Attributes[order.AttributeField], m.Attributes[order.AttributeDetail])
		} else {
			rows[i] = append(rows[i], console.Cut(m.Body, 200))
		}
	}
	s.Table(columns, rows)
}

// shortID is enough of a message id to name it to `show`.
func shortID(id string) string { return id[:min(8, len(id))] }

// orderID is the order_id of a body, or "?" where it cannot be read.
func orderID(body string) string {
	var o struct {
		ID any `json:"order_id"`
	}
	if json.Unmarshal([]byte(body), &o) != nil || o.ID == nil {
		return "?"
	}
	return fmt.Sprint(o.ID)
}

func showCommand(env *session.Env, st store) *cobra.Command {
	return &cobra.Command{
		Use:   "show MESSAGE",
		Short: "Show one message in full; the start of its id is enough",
		Long: "Show one message in full. The start of its id, as `list` shows it, is enough.\n\n" +
			limits,
		Example: session.Example("orderctl "+st.name+" show 8bec1bc9",
			"orderctl "+st.name+" show 8bec1bc9 --json | jq -r .body"),
		Args: session.OneID,
		RunE: env.Run(st.need, func(ctx context.Context, s *session.Session, args []string) error {
			return show(ctx, s, st, args[0])
		}),
	}
}

func show(ctx context.Context, s *session.Session, st store, id string) error {
	look, err := s.Read(ctx, st.queue(s), 0)
	if err != nil {
		return err
	}
	found := slices.DeleteFunc(look.Held(), func(h queue.Held) bool {
		return id == "" || !strings.HasPrefix(h.ID, id)
	})
	switch {
	case len(found) == 0:
		_ = hiddenMessages(s, look.Hidden()).report(s) // it may be among the hidden ones
		return fmt.Errorf("%w: no message in the queue has an id that starts with %q",
			api.ErrNotFound, id)
	case len(found) > 1:
		return session.Usage("%d messages have an id that starts with %q: write more of it",
			len(found), id)
	}

	r := found[0].Record
	if s.JSON {
		return s.Emit(r)
	}
	s.Printf("%-18s %s\n", "message", r.ID)
	s.Printf("%-18s %s (%s ago)\n", "sent", r.Sent.Format("2006-01-02 15:04:05 UTC"),
		console.Ago(time.Since(r.Sent)))
	s.Printf("%-18s %d times\n", "received", r.Receives)
	for _, name := range slices.Sorted(maps.Keys(r.Attributes)) {
		s.Printf("%-18s %s\n", console.Clean(name), console.Clean(r.Attributes[name]))
	}
	body := []byte(r.Body)
	var pretty bytes.Buffer
	if json.Indent(&pretty, body, "", "  ") == nil {
		body = pretty.Bytes()
	}
	s.Println("")
	for line := range strings.Lines(string(body)) {
		s.Println(console.Clean(strings.TrimRight(line, "\r\n")))
	}
	return nil
}

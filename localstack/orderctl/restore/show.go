package restore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/objects"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/archive"
)

func showCommand(env *session.Env) *cobra.Command {
	var w objects.Window
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show every line about one order or message, by its order id or message id",
		Long: `Show every line of the archive about one order or message. All objects of the window are
read: name --since and --until where the archive is large. Messages that were refused are found
by the order id in their body, too. The exit code is 1 when there is no such line.`,
		Example: session.Example(
			"orderctl archive show ORD1234",
			"orderctl archive show ORD1234 --since 36h --json | jq -r .lines[0].entry.body",
		),
		Args: session.OneID,
		RunE: run(env, 0, func(ctx context.Context, s *store, args []string) error {
			return s.show(ctx, w, args[0])
		}),
	}
	addWindow(cmd, &w)
	return cmd
}

func (s *store) show(ctx context.Context, w objects.Window, id string) error {
	found, damaged, err := s.search(ctx, w, id)
	for _, note := range damaged {
		s.Notef("%s\n", console.Clean(note))
	}
	if s.JSON {
		if failed := s.Emit(struct {
			ID    string `json:"id"`
			Lines []hit  `json:"lines"`
		}{id, append([]hit{}, found...)}); failed != nil {
			return failed
		}
	} else {
		for i, h := range found {
			if i > 0 {
				s.Println("")
			}
			h.show(s.Console)
		}
	}
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("the archive has no line about %q in that time", id)
	}
	return err
}

// A hit is a line that was searched for.
type hit struct {
	Object string          `json:"object"`
	Line   int             `json:"line"`
	Entry  json.RawMessage `json:"entry"` // as it is in the archive
}

// search returns the lines about an id, and a note about each object that could not be read to its
// end: it may have held more.
func (s *store) search(
	ctx context.Context, w objects.Window, id string,
) (found []hit, damaged []string, err error) {
	wanted := needles(id)
	progress := s.Progress("searching", "objects", -1)
	defer progress.Finish()
	for o, err := range objects.ReadAll(ctx, s.bucket, objects.List(ctx, s.bucket, w), wanted.in) {
		if err != nil {
			return found, damaged, err
		}
		progress.Add(1)
		if o.Damaged != nil {
			damaged = append(damaged, o.Damaged.Error())
		}
		found = append(found, o.Result...)
	}
	return found, damaged, nil
}

// A needle is the texts of which a line about an id has at least one.
type needle []string

// needles are the forms in which an order id or a message id is written in a line.
func needles(id string) needle {
	member, inBody := quoted(id)
	return needle{`"order_id":` + member, `"message_id":` + member, inBody}
}

// quoted returns how a line writes an id: as a member, and in the body, which is escaped once more.
func quoted(id string) (member, inBody string) {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace
	member = `"` + escape(id) + `"`
	return member, escape(member)
}

func (n needle) in(o archive.Object, lines string) (found []hit) {
	if !n.within(lines) {
		return nil
	}
	for i, line := range strings.Split(lines, "\n") {
		if n.within(line) && json.Valid([]byte(line)) {
			found = append(found, hit{o.Key, i + 1, json.RawMessage(line)})
		}
	}
	return found
}

func (n needle) within(text string) bool {
	return slices.ContainsFunc(n, func(form string) bool { return strings.Contains(text, form) })
}

// show prints the members of the line, one on a line, the body last.
func (h hit) show(c *console.Console) {
	var m map[string]any
	if err := json.Unmarshal(h.Entry, &m); err != nil {
		c.Println(console.Clean(string(h.Entry)))
		return
	}
	c.List("object", fmt.Sprintf("%s line %d", h.Object, h.Line))
	for _, name := range []string{
		"outcome", "reason", "field", "detail", "message_id", "sent_at",
		"order_id", "user_id", "placed", "value", "mismatch", "trace", "body",
	} {
		if v, present := m[name]; present {
			c.List(name, console.Clean(fmt.Sprint(v)))
		}
	}
}

// outcome is that of the line.
func (h hit) outcome() string {
	var m struct {
		Outcome string `json:"outcome"`
	}
	if err := json.Unmarshal(h.Entry, &m); err != nil {
		return ""
	}
	return m.Outcome
}

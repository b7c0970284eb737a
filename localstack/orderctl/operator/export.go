package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/session"
)

type exportFlags struct {
	filter
	bodies, remove bool
}

func exportCommand(env *session.Env, st store) *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export [FILE | -]",
		Short: "Write the messages as NDJSON; they stay in the queue",
		Long: `Write the messages, the oldest first, one JSON object on a line with message_id, sent,
receives, attributes and body (byte for byte), to a new file or to standard output.

With --delete each message is removed from the queue after the file is safely on disk: to
archive a queue, or to empty it. That cannot be undone.

` + limits,
		Example: session.Example("orderctl "+st.name+" export messages.ndjson",
			"orderctl "+st.name+" export | jq -r .body",
			"orderctl "+st.name+" export archive.ndjson --since 720h --delete"),
		Args: cobra.MaximumNArgs(1),
		PreRunE: func(_ *cobra.Command, args []string) error {
			if f.remove && (len(args) == 0 || args[0] == "-") {
				return session.Usage("--delete needs a FILE: what is written to a pipe may be lost")
			}
			return f.complete(env.Now())
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || args[0] == "-" {
				return env.Run(st.need, func(ctx context.Context, s *session.Session, _ []string) error {
					v, err := st.read(ctx, s, 0)
					if err != nil {
						return err
					}
					err = writeMessages(s.Out, f.choose(v.messages), f.bodies)
					return errors.Join(err, v.report(s))
				})(cmd, args)
			}
			return exportFile(cmd.Context(), env, st, f, args[0])
		},
	}
	f.add(cmd, st.reasons)
	cmd.Flags().BoolVar(&f.bodies, "bodies", false,
		"write the bodies alone, one on a line; line breaks in them become spaces")
	cmd.Flags().BoolVar(&f.remove, "delete", false, "remove from the queue what was written")
	cmd.MarkFlagsMutuallyExclusive("bodies", "delete")
	return cmd
}

type exportResult struct {
	File     string `json:"file"`
	Exported int    `json:"exported"`
	Deleted  int    `json:"deleted"`
	hidden
}

// exportFile creates the file before anything else, so that a name that is taken changes nothing.
func exportFile(
	ctx context.Context, env *session.Env, st store, f exportFlags, name string,
) (err error) {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return session.Usage("the file %s exists already: choose a new name", name)
	case err != nil:
		return session.Usage("%w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	s, err := env.Open(ctx, st.need)
	if err != nil {
		return err
	}

	result := exportResult{File: name}
	save := func(messages []queue.Held) error {
		if err := writeMessages(file, messages, f.bodies); err != nil {
			return err
		}
		if err := file.Sync(); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		result.Exported = len(messages)
		return nil
	}
	if f.remove {
		err = st.hold(ctx, s, 0, func(look *queue.Look, v view) (map[string]bool, error) {
			result.hidden = v.hidden
			chosen := f.choose(v.messages)
			if err := save(chosen); err != nil || len(chosen) == 0 {
				return nil, err
			}
			question := fmt.Sprintf("%s messages are written to %s. Remove them from %s for good?",
				console.Count(int64(len(chosen))), name, look.Name())
			if err := s.Confirm(question); err != nil {
				return nil, err
			}
			gone, err := remove(ctx, s, look, chosen)
			result.Deleted = len(gone)
			return gone, err
		})
	} else {
		var v view
		if v, err = st.read(ctx, s, 0); err == nil {
			result.hidden = v.hidden
			err = save(f.choose(v.messages))
		}
	}
	if err != nil && result.Deleted == 0 {
		return err
	}
	return errors.Join(err, result.show(s, f.remove), result.report(s))
}

func (r exportResult) show(s *session.Session, removed bool) error {
	if s.JSON {
		return s.Emit(r)
	}
	s.Printf("exported %s messages to %s\n", console.Count(int64(r.Exported)), r.File)
	if removed {
		s.Printf("removed %s from the queue\n", console.Count(int64(r.Deleted)))
	}
	return nil
}

func writeMessages(out io.Writer, messages []queue.Held, bodies bool) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for _, h := range messages {
		var err error
		if bodies {
			_, err = fmt.Fprintln(out, oneLine.Replace(h.Body))
		} else {
			err = enc.Encode(queue.RecordOf(h))
		}
		if err != nil {
			return fmt.Errorf("write the messages: %w", err)
		}
	}
	return nil
}

// oneLine keeps a body on its line. White space between JSON values has no meaning, and inside
// texts
// line breaks are escaped.
var oneLine = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ")

// remove deletes held messages and shows the progress. It stops when the context ends, and returns
// the ids of the messages that are gone.
func remove(
	ctx context.Context, s *session.Session, look *queue.Look, messages []queue.Held,
) (map[string]bool, error) {
	p := s.Progress("removing", "messages", int64(len(messages)))
	defer p.Finish()
	gone := map[string]bool{}
	for len(messages) > 0 && ctx.Err() == nil {
		n := min(queue.MaxBatchEntries, len(messages))
		deleted, err := look.Delete(context.WithoutCancel(ctx), messages[:n])
		for id := range deleted {
			gone[id] = true
		}
		p.Add(int64(len(deleted)))
		if err != nil {
			return gone, err
		}
		messages = messages[n:]
	}
	return gone, ctx.Err()
}

package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/session"
)

type exportFlags struct {
	filter
	remove bool
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
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: session.CompleteFiles,
		PreRunE: func(_ *cobra.Command, args []string) error {
			if f.remove && (len(args) == 0 || args[0] == "-") {
				return session.Usage("--delete needs a FILE: what is written to a pipe may be lost")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			// The file is created before anything else, so that a name that is taken changes nothing.
			var file *os.File
			if len(args) == 1 && args[0] != "-" {
				if file, err = session.CreateFile(args[0]); err != nil {
					return err
				}
				defer func() { err = errors.Join(err, file.Close()) }()
			}
			s, err := env.Open(cmd.Context(), st.need)
			if err != nil {
				return err
			}
			return export(cmd.Context(), s, st, f, file)
		},
	}
	f.add(cmd, st.reasons)
	cmd.Flags().BoolVar(&f.remove, "delete", false, "remove from the queue what was written")
	return cmd
}

type exportResult struct {
	File     string `json:"file"`
	Exported int    `json:"exported"`
	Deleted  int    `json:"deleted"`
	hidden
}

// export writes to the file, or to standard output where there is none. Messages that are not
// removed have been released before they are written.
func export(ctx context.Context, s *session.Session, st store, f exportFlags, file *os.File) error {
	var r exportResult
	var chosen []queue.Held
	err := s.Look(ctx, st.queue(s), 0, func(look *queue.Look) error {
		r.hidden, chosen = hiddenMessages(s, look.Hidden()), f.choose(look.Held())
		if !f.remove || len(chosen) == 0 {
			return nil
		}
		if err := writeFile(file, chosen); err != nil {
			return err
		}
		err := s.Confirm(fmt.Sprintf("%s messages are written to %s. Remove them from %s for good?",
			console.Count(len(chosen)), file.Name(), look.Name()))
		if err != nil {
			return err
		}
		r.Deleted, err = remove(ctx, s, look, chosen)
		return err
	})
	switch {
	case err != nil && r.Deleted == 0:
		return err
	case file == nil:
		return errors.Join(writeMessages(s.Out, chosen), r.report(s))
	case !f.remove:
		if err := writeFile(file, chosen); err != nil {
			return err
		}
	}

	r.File, r.Exported = file.Name(), len(chosen)
	if s.JSON {
		return errors.Join(err, s.Emit(r), r.report(s))
	}
	s.Printf("exported %s messages to %s\n", console.Count(r.Exported), r.File)
	if f.remove {
		s.Printf("removed %s from the queue\n", console.Count(r.Deleted))
	}
	return errors.Join(err, r.report(s))
}

// writeFile returns when the messages are on disk.
func writeFile(file *os.File, messages []queue.Held) error {
	if err := writeMessages(file, messages); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", file.Name(), err)
	}
	return nil
}

func writeMessages(out io.Writer, messages []queue.Held) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for _, h := range messages {
		if err := enc.Encode(h.Record); err != nil {
			return fmt.Errorf("write the messages: %w", err)
		}
	}
	return nil
}

// remove deletes held messages and shows the progress. It stops when the context ends, and returns
// how many are gone.
func remove(
	ctx context.Context, s *session.Session, look *queue.Look, messages []queue.Held,
) (int, error) {
	p := s.Progress("removing", "messages", int64(len(messages)))
	defer p.Finish()
	return look.Delete(ctx, messages, p.Add)
}

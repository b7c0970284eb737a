package main

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
)

type exportFlags struct {
	filter
	bodies, remove bool
}

func (a *app) exportCommand(s store) *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export [FILE | -]",
		Short: "Write the messages as NDJSON; they stay in the queue",
		Long: `Write the messages, the oldest first, one JSON object on a line with message_id, sent,
receives, attributes and body (byte for byte), to a new file or to standard output.

With --delete each message is removed from the queue after the file is safely on disk: to
archive a queue, or to empty it. That cannot be undone.

` + limits,
		Example: example("orderctl "+s.name+" export messages.ndjson", "orderctl "+s.name+" export | jq -r .body", "orderctl "+s.name+" export archive.ndjson --since 720h --delete"),
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.complete(a.Now()); err != nil {
				return err
			}
			file := "-"
			if len(args) == 1 {
				file = args[0]
			}
			if f.remove && file == "-" {
				return fmt.Errorf("%w: --delete needs a FILE: what goes down a pipe may be lost", errUsage)
			}
			return a.export(cmd.Context(), s, f, file)
		},
	}
	f.add(cmd, s.reasons)
	cmd.Flags().BoolVar(&f.bodies, "bodies", false, "write the bodies alone, one on a line; line breaks in them become spaces")
	cmd.Flags().BoolVar(&f.remove, "delete", false, "remove from the queue what was written")
	cmd.MarkFlagsMutuallyExclusive("bodies", "delete")
	return cmd
}

func (a *app) export(ctx context.Context, s store, f exportFlags, name string) (err error) {
	var file *os.File
	out := a.Out
	if name != "-" {
		if file, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
			if errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%w: the file %s exists already: choose a new name", errUsage, name)
			}
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		out = file
		defer func() {
			err = errors.Join(err, file.Close())
		}()
	}
	look, _, err := a.look(ctx, s, 0)
	if err != nil {
		return err
	}
	var gone map[string]bool
	defer func() { err = errors.Join(err, look.Close(ctx, gone)) }()
	chosen := f.choose(look.Held())
	if err := write(out, chosen, f.bodies); err != nil {
		return err
	}
	if file != nil {
		if err := file.Sync(); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	if f.remove && len(chosen) > 0 {
		question := fmt.Sprintf("%s messages are written to %s. Remove them from %s for good?", console.Count(int64(len(chosen))), name, queue.Name(look.QueueURL))
		if err := a.Confirm(question); err != nil {
			return err
		}
		if gone, err = a.remove(ctx, look, chosen); err != nil {
			return err
		}
	}
	if name == "-" {
		return nil
	}
	result := struct {
		File     string `json:"file"`
		Exported int    `json:"exported"`
		Deleted  int    `json:"deleted"`
	}{name, len(chosen), len(gone)}
	if a.JSON {
		return a.Emit(result)
	}
	a.Printf("exported %s messages to %s\n", console.Count(int64(result.Exported)), name)
	if f.remove {
		a.Printf("removed %s from the queue\n", console.Count(int64(result.Deleted)))
	}
	return nil
}

func write(out io.Writer, messages []queue.Held, bodies bool) error {
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

// oneLine keeps a body on its line. In JSON white space between values means nothing, and inside texts it is escaped.
var oneLine = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ")

// remove deletes held messages under a progress bar, until Ctrl-C.
func (a *app) remove(ctx context.Context, look *queue.Look, messages []queue.Held) (map[string]bool, error) {
	p := a.Progress("removing", "messages", int64(len(messages)))
	defer p.Finish()
	gone := map[string]bool{}
	for len(messages) > 0 && ctx.Err() == nil {
		n := min(queue.MaxBatchEntries, len(messages))
		deleted, err := look.Delete(ctx, messages[:n])
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

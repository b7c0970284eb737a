package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/inorder"
	"orderpipeline/localstack/orderctl/orderfile"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/session"
)

func resendCommand(env *session.Env) *cobra.Command {
	var withDelete bool
	cmd := &cobra.Command{
		Use:   "resend FILE | -",
		Short: "Send repaired messages of a file to the orders queue",
		Long: `Send repaired messages to the orders queue: lines that export wrote, in which body may be
the text or the order itself as a JSON object, or just orders. The sender's own message
attributes are kept.

With --delete a message that was sent is then removed from the queue of rejected messages,
by its message_id; never before it was sent. A stop in between leaves it in both queues,
and sending the file again does no harm: what was counted is recognised by its order_id.`,
		Example: session.Example(
			"orderctl rejected export broken.ndjson --reason invalid_field",
			`jq -c '.body |= (fromjson | .items[0].quantity = 1)' broken.ndjson > fixed.ndjson`,
			"orderctl rejected resend fixed.ndjson --delete --wait",
		),
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: session.CompleteFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			messages, err := repaired(env, args[0], withDelete)
			if err != nil {
				return err
			}
			needs := session.Orders
			if withDelete {
				needs |= session.Rejected
			}
			s, err := env.Open(cmd.Context(), needs)
			if err != nil {
				return err
			}
			return resend(cmd.Context(), s, withDelete, messages)
		},
	}
	cmd.Flags().BoolVar(&withDelete, "delete", false,
		"remove from the queue of rejected messages what was sent")
	env.WaitFlags(cmd)
	return cmd
}

type resendResult struct {
	session.Delivery
	Deleted int `json:"deleted"`
	Missing int `json:"not_found,omitempty"`
	hidden
	session.Outcome
}

func resend(
	ctx context.Context, s *session.Session, withDelete bool, messages []queue.Message,
) error {
	count := console.Count(len(messages))
	question := s.SendQuestion(count+" repaired messages", false)
	if question == "" && withDelete {
		question = fmt.Sprintf("Send %s messages, and remove them from %s for good?",
			count, s.Rejected.Name())
	}
	var result resendResult
	sent := map[string]bool{}
	err := s.Perform(ctx, session.Plan{
		Question: question,
		Act: func(ctx context.Context) (err error) {
			p := s.Progress("sending", "messages", int64(len(messages)))
			result.Delivery, err = s.Deliver(ctx, session.DefaultParallel, p,
				inorder.Values(slices.Values(messages)),
				func(m queue.Message) { sent[m.Label] = true })
			if withDelete && len(sent) > 0 && ctx.Err() == nil {
				err = errors.Join(err, result.removeSent(ctx, s, sent))
			}
			return err
		},
		Show: func(err error) {
			result.Show(s.Console, err)
			if withDelete {
				s.Printf("removed %s from %s\n", console.Count(result.Deleted), s.Rejected.Name())
			}
			if n := int64(result.Missing) - result.Count; n > 0 {
				s.Println(s.Warn(console.Count(n) + " were sent but not found there: " +
					"removed before, or they come from another queue"))
			}
		},
		Result: &result, Outcome: &result.Outcome,
	})
	return errors.Join(err, result.report(s))
}

// repaired reads the whole file before anything is sent, so that a broken line in it sends nothing.
// A message is labelled by its id, or by its line in the file where it has none.
func repaired(env *session.Env, name string, needID bool) ([]queue.Message, error) {
	in, err := env.OpenFile(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	reader, err := orderfile.NewReader(in)
	if err != nil {
		return nil, err
	}
	var messages []queue.Message
	for entry, err := range reader.All() {
		if err != nil {
			return nil, err
		}
		m, err := queue.ParseResend(json.RawMessage(entry.Body))
		if err != nil {
			return nil, &orderfile.Error{Line: entry.Line, Err: err, Text: "it cannot be sent"}
		}
		if needID && m.Label == "" {
			return nil, &orderfile.Error{Line: entry.Line,
				Text: "it has no message_id, so --delete does not know what to remove"}
		}
		if m.Label == "" {
			m.Label = fmt.Sprintf("line %d", entry.Line)
		}
		if err := m.Check(); err != nil {
			return nil, &orderfile.Error{Line: entry.Line, Err: err, Text: "it cannot be sent"}
		}
		messages = append(messages, m)
	}
	return messages, nil
}

// removeSent deletes the sent messages from the queue of rejected messages.
func (r *resendResult) removeSent(
	ctx context.Context, s *session.Session, sent map[string]bool,
) error {
	err := s.Look(ctx, s.Rejected, 0, func(look *queue.Look) (err error) {
		found := slices.DeleteFunc(look.Held(), func(h queue.Held) bool { return !sent[h.ID] })
		r.Deleted, err = remove(ctx, s, look, found)
		if r.Deleted < len(sent) { // all that were sent are deleted: what is hidden does not matter
			r.hidden = hiddenMessages(s, look.Hidden())
		}
		return err
	})
	r.Missing = len(sent) - r.Deleted
	return err
}

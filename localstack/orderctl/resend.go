package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/source"
)

type resendFlags struct {
	remove bool
	waitFlags
}

func (a *app) resendCommand(s store) *cobra.Command {
	var f resendFlags
	cmd := &cobra.Command{
		Use:   "resend FILE | -",
		Short: "Send repaired messages of a file to the orders queue",
		Long: `Send repaired messages to the orders queue: lines that export wrote, in which body may be
the text or the order itself as a JSON object, or just orders.

With --delete a message that was sent is then removed from the queue of refused ones, by its
message_id; never before it was sent. A stop in between leaves it in both queues, and
sending the file once more does no harm: what was counted is recognised by its order_id.`,
		Example: example(
			"orderctl rejected export broken.ndjson --reason invalid_field",
			`jq -c '.body |= (fromjson | .items[0].quantity = 1)' broken.ndjson > fixed.ndjson`,
			"orderctl rejected resend fixed.ndjson --delete --wait",
		),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.resend(cmd.Context(), s, f, args[0])
		},
	}
	cmd.Flags().BoolVar(&f.remove, "delete", false, "remove from the queue of refused messages what was sent")
	f.add(cmd)
	return cmd
}

type resendResult struct {
	delivery
	Deleted int      `json:"deleted"`
	Missing int      `json:"not_found,omitempty"`
	Numbers *numbers `json:"numbers,omitempty"`
}

func (a *app) resend(ctx context.Context, s store, f resendFlags, name string) error {
	messages, err := a.repaired(name, f.remove)
	if err != nil {
		return err
	}
	if err := a.guard(ctx, fmt.Sprintf("%d repaired messages", len(messages)), false); err != nil {
		return err
	}
	if f.remove {
		question := fmt.Sprintf("Send %s messages, and remove them from the queue of refused ones for good?", console.Count(int64(len(messages))))
		if err := a.Confirm(question); err != nil {
			return err
		}
	}
	var w *waiter
	if f.wait {
		if w, err = a.waiter(ctx, f.limit); err != nil {
			return err
		}
	}
	var result resendResult
	sent := map[string]bool{}
	p := a.Progress("sending", "messages", int64(len(messages)))
	result.delivery, err = a.deliverEach(ctx, defaultParallel, p, func(yield func(queue.Message, error) bool) {
		for _, m := range messages {
			if !yield(m, nil) {
				return
			}
		}
	}, func(m queue.Message) { sent[m.Label] = true })
	if !a.JSON && result.Queue != "" {
		a.showDelivery(result.delivery, err)
	}
	if f.remove && len(sent) > 0 && ctx.Err() == nil {
		var failed error
		result.Deleted, failed = a.removeSent(ctx, s, sent)
		result.Missing = len(sent) - result.Deleted
		err = errors.Join(err, failed)
		if !a.JSON {
			a.Printf("removed %s from the queue of refused messages\n", console.Count(int64(result.Deleted)))
			if result.Missing > 0 {
				a.Printf("%s", a.Warn(fmt.Sprintf("%d were sent but not found there: removed before, or someone looks at them just now\n", result.Missing)))
			}
		}
	}
	if err == nil && w != nil {
		if err = w.run(ctx); err == nil {
			result.Numbers, err = a.showEnd(ctx)
		}
	}
	if a.JSON && result.Queue != "" {
		return errors.Join(err, a.Emit(result))
	}
	return err
}

// repaired reads the file wholly before anything is sent, so that a broken line in it sends nothing. A message is
// labelled by its id, or its place in the file where it has none.
func (a *app) repaired(name string, needID bool) ([]queue.Message, error) {
	in, closeIn, err := a.open(name)
	if err != nil {
		return nil, err
	}
	defer closeIn()
	var messages []queue.Message
	for v, err := range source.Values(in) {
		if err != nil {
			return nil, err
		}
		number := len(messages) + 1
		id, body, err := queue.ParseResend(v)
		if err != nil {
			return nil, fmt.Errorf("%w: message %d: %w", source.ErrInput, number, err)
		}
		if needID && id == "" {
			return nil, fmt.Errorf("%w: message %d has no message_id, so --delete does not know what to remove", source.ErrInput, number)
		}
		m := queue.Message{Body: body, Label: id}
		if id == "" {
			m.Label = fmt.Sprintf("order %d", number)
		}
		if err := m.Check(); err != nil {
			return nil, fmt.Errorf("%w: message %d cannot be sent: %w", source.ErrInput, number, err)
		}
		messages = append(messages, m)
	}
	return messages, nil
}

func (a *app) removeSent(ctx context.Context, s store, sent map[string]bool) (deleted int, err error) {
	look, _, err := a.look(ctx, s, 0)
	if err != nil {
		return 0, err
	}
	var found []queue.Held
	for _, h := range look.Held() {
		if sent[h.ID] {
			found = append(found, h)
		}
	}
	gone, err := a.remove(ctx, look, found)
	return len(gone), errors.Join(err, look.Close(ctx, gone))
}

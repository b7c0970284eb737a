package tester

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/inorder"
	"orderpipeline/localstack/orderctl/orderfile"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/session"
)

// sendFlags describe one order.
type sendFlags struct {
	id, user, placed, value string
	items                   []string
	copies                  session.Positive
	dryRun                  bool
}

func sendCommand(env *session.Env) *cobra.Command {
	f := sendFlags{copies: 1}
	cmd := &cobra.Command{
		Use:   "send [FILE | -]",
		Short: "Send one order, from flags, a file or standard input",
		Long: `Send one order. It is sent exactly as given: nothing is recalculated or checked, so that
wrong orders can be tried too. A file (or - for standard input) is the message body as it
is; gzip is unpacked, and a byte order mark is dropped.`,
		Example: session.Example(
			"orderctl send --user U1 --item P001:2:20.00 --wait",
			"orderctl send --order-id ORD1 --user U1 --timestamp 2024-12-13T10:00:00Z --value 99.99 "+
				"--item P001:2:20.0",
			"orderctl send order.json",
			`echo '{"order_id":"ORD2"}' | orderctl send -`,
		),
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: session.CompleteFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := f.message(env, cmd, args)
			if err != nil {
				return err
			}
			if f.dryRun {
				env.Println(m.Body)
				return nil
			}
			s, err := env.Open(cmd.Context(), session.Orders)
			if err != nil {
				return err
			}
			return send(cmd.Context(), s, f, m)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.id, "order-id", "", "order_id (default: a new one)")
	flags.StringVar(&f.user, "user", "", "user_id")
	flags.StringVar(&f.placed, "timestamp", "", "order_timestamp (default: now)")
	flags.StringVar(&f.value, "value", "", "order_value (default: left out)")
	flags.StringArrayVar(&f.items, "item", nil, "an item as PRODUCT:QUANTITY:PRICE; may be repeated")
	flags.Var(&f.copies, "copies", "number of copies to send")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show the message instead of sending it")
	env.WaitFlags(cmd)
	return cmd
}

// message is the message to send: from the file when there is one, else from the flags.
func (f sendFlags) message(
	env *session.Env, cmd *cobra.Command, args []string,
) (m queue.Message, err error) {
	described := false
	for _, name := range []string{"order-id", "user", "timestamp", "value", "item"} {
		described = described || cmd.Flags().Changed(name)
	}
	switch {
	case len(args) == 1 && described:
		return m, session.Usage("give a file or describe the order by flags, not both")
	case len(args) == 1:
		m, err = readMessage(env, args[0])
	case f.user == "" || len(f.items) == 0:
		return m, session.Usage(
			"an order needs --user and at least one --item PRODUCT:QUANTITY:PRICE, or a file")
	default:
		m.Body, m.Label, err = orderBody(f, time.Now())
	}
	if err != nil {
		return m, err
	}
	if err := m.Check(); err != nil {
		return m, &orderfile.Error{Text: "the message cannot be sent", Err: err}
	}
	return m, nil
}

func readMessage(env *session.Env, name string) (m queue.Message, err error) {
	in, err := env.OpenFile(name)
	if err != nil {
		return m, err
	}
	defer in.Close()
	m.Body, err = orderfile.ReadMessage(in, queue.MaxBatchBytes)

	// Only to name it: a message without an id is sent too.
	var named struct {
		ID string `json:"order_id"`
	}
	_ = json.Unmarshal([]byte(m.Body), &named)
	m.Label = named.ID
	return m, err
}

// itemParts are those of an --item. The product may hold a colon.
var itemParts = regexp.MustCompile(`(?s)^(.*):([^:]*):([^:]*)$`)

// orderBody writes the order of the flags as JSON. Numbers stay as they were typed; what is not a
// number becomes a string.
func orderBody(f sendFlags, now time.Time) (body, id string, err error) {
	type item struct {
		Product  string `json:"product_id"`
		Quantity any    `json:"quantity"`
		Price    any    `json:"price_per_unit"`
	}
	o := struct {
		ID     string `json:"order_id"`
		User   string `json:"user_id"`
		Placed string `json:"order_timestamp"`
		Value  any    `json:"order_value,omitempty"`
		Items  []item `json:"items"`
	}{ID: f.id, User: f.user, Placed: f.placed}
	if o.ID == "" {
		o.ID = "ORD-" + rand.Text()[:16]
	}
	if o.Placed == "" {
		o.Placed = now.UTC().Format(time.RFC3339)
	}
	if f.value != "" {
		o.Value = number(f.value)
	}
	for _, text := range f.items {
		parts := itemParts.FindStringSubmatch(text)
		if parts == nil {
			return "", "", session.Usage(
				"--item %q: write PRODUCT:QUANTITY:PRICE, such as P001:2:20.00", text)
		}
		o.Items = append(o.Items, item{parts[1], number(parts[2]), number(parts[3])})
	}
	text, err := json.Marshal(o)
	if err != nil {
		return "", "", fmt.Errorf("write the order: %w", err)
	}
	return string(text), o.ID, nil
}

// number keeps a JSON number as it was typed, such as 20.00; anything else becomes a JSON string.
func number(text string) any {
	var n json.Number
	if json.Unmarshal([]byte(text), &n) == nil && n.String() == text {
		return json.RawMessage(text)
	}
	return text
}

type sendResult struct {
	session.Delivery
	OrderID   string `json:"order_id,omitempty"`
	MessageID string `json:"message_id,omitempty"`
	session.Outcome
}

func send(ctx context.Context, s *session.Session, f sendFlags, m queue.Message) error {
	result := sendResult{OrderID: m.Label}
	if m.Label == "" {
		m.Label = "the message"
	}
	copies := inorder.Values(slices.Values(slices.Repeat([]queue.Message{m}, int(f.copies))))
	return s.Perform(ctx, session.Plan{
		Question: s.SendQuestion(m.Label, false),
		Act: func(ctx context.Context) (err error) {
			p := s.Progress("sending", "messages", int64(f.copies))
			sent := func(m queue.Message) { result.MessageID = m.ID }
			result.Delivery, err = s.Deliver(ctx, session.DefaultParallel, p, copies, sent)
			if f.copies > 1 {
				result.MessageID = ""
			}
			return err
		},
		Show: func(err error) {
			if f.copies == 1 && err == nil {
				s.Printf("sent %s (message %s)\n", console.Clean(m.Label), result.MessageID)
				return
			}
			result.Show(s.Console, err)
		},
		Result: &result, Outcome: &result.Outcome,
	})
}

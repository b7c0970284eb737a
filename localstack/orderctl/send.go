package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/source"
)

// sendFlags describe one order as the user says it.
type sendFlags struct {
	id, user, placed, value string
	items                   []string
	copies                  int
	dryRun                  bool
	waitFlags
}

func (a *app) sendCommand() *cobra.Command {
	var f sendFlags
	cmd := &cobra.Command{
		Use:     "send [FILE | -]",
		GroupID: groupSend,
		Short:   "Send one order, from flags, a file or standard input",
		Long: `Send one order. It is sent as you say it: nothing is recalculated or checked, so that
wrong orders can be tried too. A file (or - for standard input) is the message body
as it stands.`,
		Example: example(
			"orderctl send --user U1 --item P001:2:20.00 --wait",
			"orderctl send --order-id ORD1 --user U1 --timestamp 2024-12-13T10:00:00Z --value 99.99 --item P001:2:20.0",
			"orderctl send order.json",
			`echo '{"order_id":"ORD2"}' | orderctl send -`,
		),
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, id, err := a.sendBody(cmd, f, args)
			if err != nil {
				return err
			}
			if f.dryRun {
				a.Printf("%s\n", body)
				return nil
			}
			return a.send(cmd.Context(), f, body, id)
		},
	}
	cmd.Flags().StringVar(&f.id, "order-id", "", "order_id (default: a new one)")
	cmd.Flags().StringVar(&f.user, "user", "", "user_id")
	cmd.Flags().StringVar(&f.placed, "timestamp", "", "order_timestamp (default: now)")
	cmd.Flags().StringVar(&f.value, "value", "", "order_value (default: left out)")
	cmd.Flags().StringArrayVar(&f.items, "item", nil, "an item as PRODUCT:QUANTITY:PRICE; may be repeated")
	cmd.Flags().IntVar(&f.copies, "copies", 1, "send the same message so many times")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show the message instead of sending it")
	f.add(cmd)
	return cmd
}

// sendBody is the message: of the file when there is one, else of the flags.
func (a *app) sendBody(cmd *cobra.Command, f sendFlags, args []string) (body, id string, err error) {
	described := false
	for _, name := range []string{"order-id", "user", "timestamp", "value", "item"} {
		described = described || cmd.Flags().Changed(name)
	}
	switch {
	case f.copies < 1:
		return "", "", fmt.Errorf("%w: --copies must be at least 1", errUsage)
	case len(args) == 1 && described:
		return "", "", fmt.Errorf("%w: give a file or describe the order by flags, not both", errUsage)
	case len(args) == 1:
		return a.readBody(args[0])
	case f.user == "" || len(f.items) == 0:
		return "", "", fmt.Errorf("%w: an order needs --user and at least one --item PRODUCT:QUANTITY:PRICE, or a file", errUsage)
	}
	return orderBody(f, a.Now())
}

func (a *app) readBody(name string) (body, id string, err error) {
	in, closeIn, err := a.open(name)
	if err != nil {
		return "", "", err
	}
	defer closeIn()
	text, err := io.ReadAll(io.LimitReader(in, queue.MaxBatchBytes+1))
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", source.ErrInput, err)
	}
	body = strings.TrimRight(string(text), "\r\n")
	var named struct {
		ID string `json:"order_id"`
	}
	_ = json.Unmarshal(text, &named) // only to name it; a message without an id is sent too
	return body, named.ID, nil
}

// open opens a file, or standard input for "-".
func (a *app) open(name string) (io.Reader, func(), error) {
	if name == "-" {
		return a.In, func() {}, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", source.ErrInput, err)
	}
	return file, func() { _ = file.Close() }, nil // only read from
}

// orderBody writes the order of the flags as JSON. Numbers stay as they were typed; what is no number becomes a string.
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
		// From the right, so that a product may hold a colon.
		rest, price, ok := cutLast(text)
		product, quantity, ok2 := cutLast(rest)
		if !ok || !ok2 {
			return "", "", fmt.Errorf("%w: --item %q: write PRODUCT:QUANTITY:PRICE, such as P001:2:20.00", errUsage, text)
		}
		o.Items = append(o.Items, item{product, number(quantity), number(price)})
	}
	text, err := json.Marshal(o)
	if err != nil {
		return "", "", fmt.Errorf("write the order: %w", err)
	}
	return string(text), o.ID, nil
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// number keeps a JSON number exactly as it was typed, such as 20.00; anything else becomes a JSON string.
func number(text string) any {
	var n json.Number
	if json.Unmarshal([]byte(text), &n) == nil && n.String() == text {
		return json.RawMessage(text)
	}
	return text
}

func (a *app) send(ctx context.Context, f sendFlags, body, id string) error {
	m := queue.Message{Body: body, Label: id}
	if m.Label == "" {
		m.Label = "the message"
	}
	if err := m.Check(); err != nil {
		return fmt.Errorf("%w: the message cannot be sent: %w", source.ErrInput, err)
	}
	if err := a.guard(ctx, m.Label, false); err != nil {
		return err
	}
	var w *waiter
	if f.wait {
		var err error
		if w, err = a.waiter(ctx, f.limit); err != nil {
			return err
		}
	}
	result := struct {
		delivery
		OrderID   string   `json:"order_id,omitempty"`
		MessageID string   `json:"message_id,omitempty"`
		Numbers   *numbers `json:"numbers,omitempty"`
	}{OrderID: id}
	var err error
	if f.copies == 1 {
		result.delivery, result.MessageID, err = a.sendOne(ctx, m)
	} else {
		p := a.Progress("sending", "messages", int64(f.copies))
		result.delivery, err = a.deliver(ctx, min(f.copies, defaultParallel), p, repeat(m, f.copies))
	}
	if !a.JSON {
		if f.copies == 1 && err == nil {
			a.Printf("sent %s (message %s)\n", console.Clean(m.Label), result.MessageID)
		} else if result.Queue != "" {
			a.showDelivery(result.delivery, err)
		}
	}
	if err == nil && w != nil {
		if err = w.run(ctx); err == nil {
			result.Numbers, err = a.showEnd(ctx)
		}
	}
	if a.JSON && result.Queue != "" {
		if failed := a.Emit(result); failed != nil {
			return failed
		}
	}
	return err
}

// sendOne sends a single message, and so knows the id that SQS gave it.
func (a *app) sendOne(ctx context.Context, m queue.Message) (delivery, string, error) {
	t, err := a.target(ctx)
	if err != nil {
		return delivery{}, "", err
	}
	url, err := t.OrdersQueue(ctx)
	if err != nil {
		return delivery{}, "", err
	}
	client, err := a.sqs(ctx)
	if err != nil {
		return delivery{}, "", err
	}
	out, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(url), MessageBody: aws.String(m.Body)})
	if err != nil {
		return delivery{}, "", fmt.Errorf("send %s: %w", m.Label, err)
	}
	return delivery{Queue: url, Sent: 1}, aws.ToString(out.MessageId), nil
}

func repeat(m queue.Message, copies int) iter.Seq2[queue.Message, error] {
	return func(yield func(queue.Message, error) bool) {
		for range copies {
			if !yield(m, nil) {
				return
			}
		}
	}
}

// showEnd reads the numbers after a wait, and prints them for a person.
func (a *app) showEnd(ctx context.Context) (*numbers, error) {
	client, err := a.api(ctx)
	if err != nil {
		return nil, err
	}
	n, err := readNumbers(ctx, client)
	if err != nil {
		return nil, err
	}
	if !a.JSON {
		showNumbers(a.Console, n)
	}
	return &n, nil
}

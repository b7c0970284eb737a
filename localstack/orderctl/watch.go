package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
)

type watchFlags struct {
	interval time.Duration
	count    int
	top      int
}

func (a *app) watchCommand() *cobra.Command {
	var f watchFlags
	cmd := &cobra.Command{
		Use:     "watch",
		GroupID: groupNumbers,
		Short:   "Show live numbers until Ctrl-C",
		Long: `Show live numbers until Ctrl-C: orders, revenue, what happened to messages, what waits in
the queues and the top spenders. Where standard output is no terminal, a line is written
each time; with --json it is a JSON object.`,
		Example:           example("orderctl watch", "orderctl watch --interval 5s --json | jq .total_orders", "orderctl watch --count 1"),
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.interval < 100*time.Millisecond || f.count < 0 || f.top < 0 || f.top > 1000 {
				return fmt.Errorf("%w: --interval is at least 100ms, --count at least 0, --top 0 to 1000", errUsage)
			}
			return a.watch(cmd.Context(), f)
		},
	}
	cmd.Flags().DurationVar(&f.interval, "interval", time.Second, "time between two looks")
	cmd.Flags().IntVar(&f.count, "count", 0, "end after so many looks (default: never)")
	cmd.Flags().IntVar(&f.top, "top", 5, "how many of the top spenders to show on a terminal")
	return cmd
}

// A view is what watch shows at one moment.
type view struct {
	Time time.Time `json:"time"`
	numbers
	PerSecond float64      `json:"orders_per_second"`
	Queues    []queueDepth `json:"queues"`
	// Problem says why the numbers are those of before, or missing.
	Problem string `json:"problem,omitempty"`

	top []api.Spender
	old time.Time // when the numbers were read
}

type queueDepth struct {
	Name string `json:"queue"`
	queue.Depth
}

func (a *app) watch(ctx context.Context, f watchFlags) error {
	w, err := a.watcher(ctx, f)
	if err != nil {
		return err
	}
	live := a.Terminal() && !a.JSON
	var last view
	if live {
		a.Printf("\x1b[?1049h\x1b[?25l\x1b[?7l") // a screen of its own, no cursor, long lines are cut
		defer func() {
			a.Printf("\x1b[?7h\x1b[?25h\x1b[?1049l")
			if !last.old.IsZero() {
				a.Printf("%s", a.Draw(last.show)) // leaves the last numbers to be read
			}
		}()
	}
	for looks := 1; ; looks++ {
		last = w.look(ctx, last, a.Now())
		if ctx.Err() != nil {
			break
		}
		switch {
		case a.JSON:
			if err := a.EmitLine(last); err != nil {
				return err
			}
		case live:
			a.Printf("%s", frame(a.Draw(last.show)+"\n"+a.Dim("every "+f.interval.String()+", Ctrl-C ends")+"\n", a.Height()))
		default:
			a.Printf("%s\n", last.line())
		}
		if looks == f.count || !sleep(ctx, f.interval) {
			break
		}
	}
	return nil // Ctrl-C is how watch is meant to end
}

// frame overwrites the screen without a flicker, cut to its height.
func frame(text string, height int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if height > 0 && len(lines) > height {
		lines = lines[:height]
	}
	return "\x1b[H" + strings.Join(lines, "\x1b[K\r\n") + "\x1b[K\x1b[J"
}

type watcher struct {
	api    *api.Client
	sqs    *sqs.Client
	queues []namedQueue
	top    int
}

type namedQueue struct{ name, url string }

func (a *app) watcher(ctx context.Context, f watchFlags) (*watcher, error) {
	client, err := a.api(ctx)
	if err != nil {
		return nil, err
	}
	queues, err := a.queues(ctx)
	if err != nil {
		return nil, err
	}
	s, err := a.sqs(ctx)
	if err != nil {
		return nil, err
	}
	w := &watcher{api: client, sqs: s, queues: queues}
	if a.Terminal() {
		w.top = f.top
	}
	return w, nil
}

// queues are the three queues of the pipeline, named as in the stack.
func (a *app) queues(ctx context.Context) ([]namedQueue, error) {
	t, err := a.target(ctx)
	if err != nil {
		return nil, err
	}
	var queues []namedQueue
	for _, find := range []func(context.Context) (string, error){t.OrdersQueue, t.DLQ, t.RejectedQueue} {
		url, err := find(ctx)
		if err != nil {
			return nil, err
		}
		queues = append(queues, namedQueue{queue.Name(url), url})
	}
	return queues, nil
}

func (w *watcher) look(ctx context.Context, last view, now time.Time) view {
	v := view{Time: now.UTC(), numbers: last.numbers, top: last.top, old: last.old}
	n, err := readNumbers(ctx, w.api)
	switch {
	case errors.Is(err, api.ErrUnavailable):
		v.Problem = "the API or its Redis does not answer now"
	case err != nil:
		v.Problem = err.Error()
	default:
		if !last.old.IsZero() {
			v.PerSecond = float64(n.Orders-last.Orders) / now.Sub(last.old).Seconds()
		}
		v.numbers, v.old = n, now
		if w.top > 0 {
			if top, err := w.api.Top(ctx, w.top); err == nil {
				v.top = top
			}
		}
	}
	for _, q := range w.queues {
		d, err := queue.DepthOf(ctx, w.sqs, q.url)
		if err != nil {
			v.Problem = "the queues do not answer now"
			continue
		}
		v.Queues = append(v.Queues, queueDepth{q.name, d})
	}
	return v
}

// line is v in one line.
func (v view) line() string {
	text := v.Time.Format(time.TimeOnly)
	if v.Problem != "" {
		text += "  " + v.Problem
	} else {
		text += fmt.Sprintf("  %s orders  %s revenue  %.0f/s", console.Count(v.Orders), console.Group(v.Revenue.String()), v.PerSecond)
	}
	for _, q := range v.Queues {
		text += fmt.Sprintf("  %s %s", q.Name, console.Count(q.Total()))
	}
	return text
}

func (v view) show(c *console.Console) {
	c.Printf("%s\n\n", c.Bold("orders, "+v.Time.Format("2006-01-02 15:04:05 UTC")))
	if v.old.IsZero() {
		c.Printf("%s\n", c.Bad(v.Problem))
	} else {
		showNumbers(c, v.numbers)
		c.List("now", fmt.Sprintf("%.0f orders/s", v.PerSecond))
		if v.Problem != "" {
			c.Printf("%s\n", c.Bad(v.Problem+": numbers as of "+v.old.UTC().Format(time.TimeOnly)+" UTC"))
		}
	}
	c.Printf("\n")
	rows := make([][]string, len(v.Queues))
	for i, q := range v.Queues {
		rows[i] = []string{q.Name, console.Count(q.Visible), console.Count(q.InFlight), console.Count(q.Delayed)}
	}
	c.Table([]console.Column{{Title: "QUEUE", Flex: true}, {Title: "VISIBLE", Right: true}, {Title: "IN FLIGHT", Right: true}, {Title: "DELAYED", Right: true}}, rows)
	if len(v.top) > 0 {
		c.Printf("\n")
		showTop(c, v.top)
	}
}

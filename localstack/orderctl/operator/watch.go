package operator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/statsapi/answer"
)

type watchFlags struct {
	interval time.Duration
	count    uint
	top      uint
}

func watchCommand(env *session.Env) *cobra.Command {
	var f watchFlags
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Show live numbers until Ctrl-C",
		Long: `Show live numbers until Ctrl-C: orders, revenue, what happened to messages, what waits in
the queues and the top spenders. Where standard output is not a terminal, a line is written
each time; with --json it is a JSON object.`,
		Example: session.Example("orderctl watch",
			"orderctl watch --interval 5s --json | jq .total_orders", "orderctl watch --count 1"),
		Args: cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error {
			if f.interval < 100*time.Millisecond || f.top > 1000 {
				return session.Usage("--interval is at least 100ms, --top at most 1000")
			}
			return nil
		},
		RunE: env.Run(session.Queues|session.API|session.Stack,
			func(ctx context.Context, s *session.Session, _ []string) error {
				return watch(ctx, s, f)
			}),
	}
	flags := cmd.Flags()
	flags.DurationVar(&f.interval, "interval", time.Second, "time between two looks")
	flags.UintVar(&f.count, "count", 0, "number of looks (default: unlimited)")
	flags.UintVar(&f.top, "top", 5, "number of top spenders to show on a terminal")
	return cmd
}

// A moment is what watch shows at one time.
type moment struct {
	Time time.Time `json:"time"`
	session.Numbers
	PerSecond float64        `json:"orders_per_second"`
	Queues    []answer.Queue `json:"queues"`
	Waiting   *waiting       `json:"waiting,omitempty"`
	// Problem says why the numbers are old or missing.
	Problem string `json:"problem,omitempty"`

	top  []answer.Spender
	read time.Time // when the totals were read
}

func watch(ctx context.Context, s *session.Session, f watchFlags) error {
	w := watcher{Session: s}
	live := s.Terminal() && !s.JSON
	if live {
		w.top = int(f.top)
		s.Printf("\x1b[2J\x1b[?25l\x1b[?7l") // clear, no cursor, long lines are cut
		defer s.Printf("\x1b[?7h\x1b[?25h")
	}
	var last moment
	for looks := uint(1); ; looks++ {
		last = w.look(ctx, last)
		if ctx.Err() != nil {
			return nil // Ctrl-C is how watch is meant to end
		}
		switch {
		case s.JSON:
			_ = s.EmitLine(last)
		case live:
			hint := s.Dim("every "+f.interval.String()+", Ctrl-C ends") + "\n"
			s.Printf("%s", frame(s.Draw(last.show)+"\n"+hint, s.Height()))
		default:
			s.Println(last.line())
		}
		if err := s.Failed(); err != nil {
			return err
		}
		if looks == f.count || !queue.Sleep(ctx, f.interval) {
			return nil
		}
	}
}

// frame overwrites the screen without a flicker, cut to its height. A line is erased before it is
// written: erasing to its end afterwards would erase the last column of a line as wide as the
// screen.
func frame(text string, height int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if height > 0 && len(lines) >= height {
		lines = lines[:height-1]
	}
	return "\x1b[H\x1b[2K" + strings.Join(lines, "\r\n\x1b[2K") + "\r\n\x1b[J"
}

type watcher struct {
	*session.Session
	top   int
	still stillness
}

func (w *watcher) look(ctx context.Context, last moment) moment {
	now := time.Now()
	m := moment{Time: now.UTC(), Numbers: last.Numbers, top: last.top, read: last.read}
	n, err := w.Numbers(ctx)
	switch {
	case errors.Is(err, api.ErrUnavailable):
		m.Problem = "the API or its Redis does not answer now"
	case err != nil:
		m.Problem = err.Error()
	default:
		if !last.read.IsZero() {
			m.PerSecond = float64(n.Orders-last.Orders) / now.Sub(last.read).Seconds()
		}
		m.Numbers, m.read = n, now
		if w.top > 0 {
			if top, err := w.API.Top(ctx, w.top); err == nil {
				m.top = top
			}
		}
	}
	if err != nil {
		m.Messages = nil // failed attempts go on while nothing can be counted
	}

	for _, q := range []queue.Queue{w.Orders, w.DLQ, w.Rejected} {
		d, err := q.Depth(ctx)
		if err != nil {
			m.Problem = "the queues do not answer now"
			if errors.Is(err, queue.ErrMissing) {
				m.Problem = err.Error()
			}
			continue
		}
		m.Queues = append(m.Queues, answer.Queue{Queue: q.Name(), Depth: d})
		if q == w.Orders {
			m.Waiting = w.still.look(ctx, w.Session, d, m.Messages)
		}
	}
	return m
}

// line is the moment in one line.
func (m moment) line() string {
	text := m.Time.Format(time.TimeOnly)
	if m.Problem != "" {
		text += "  " + m.Problem
	} else {
		text += fmt.Sprintf("  %s orders  %s revenue  %.0f/s",
			console.Count(m.Orders), console.Number(m.Revenue), m.PerSecond)
	}
	for _, q := range m.Queues {
		text += fmt.Sprintf("  %s %s", q.Queue, console.Count(q.Total()))
	}
	if m.Waiting != nil {
		text += "  " + m.Waiting.text()
	}
	return text
}

func (m moment) show(c *console.Console) {
	c.Printf("%s\n\n", c.Bold("orders, "+m.Time.Format("2006-01-02 15:04:05 UTC")))
	if m.read.IsZero() {
		c.Println(c.Bad(m.Problem))
	} else {
		m.Numbers.Show(c)
		c.List("now", fmt.Sprintf("%.0f orders/s", m.PerSecond))
		if m.Problem != "" {
			c.Println(c.Bad(m.Problem + ": orders and revenue as of " +
				m.read.UTC().Format(time.TimeOnly) + " UTC"))
		}
	}
	c.Println("")
	rows := make([][]any, len(m.Queues))
	for i, q := range m.Queues {
		rows[i] = queueRow(q)
	}
	c.Table(queueColumns(), rows)
	if m.Waiting != nil {
		c.Println(c.Warn(m.Waiting.text()))
	}
	if len(m.top) > 0 {
		c.Println("")
		_ = showTop(c, m.top)
	}
}

package restore

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/objects"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/order"
)

type traceFlags struct {
	objects.Window
	noLog bool
}

func traceCommand(env *session.Env) *cobra.Command {
	var f traceFlags
	cmd := &cobra.Command{
		Use:   "trace ID",
		Short: "Show what happened to one order or message: archive, queues, log",
		Long: `Show what happened to one order or message, by its order id or message id: its lines in the
archive, whether it is in the dead-letter queue or in the queue of rejected messages, and the
lines of the functions' logs that name it (at log level info a log names only messages with
problems). The whole archive is read unless --since and --until bound it. The queue orders is
not looked into: each look would raise the receive counts of its messages.

The exit code is 1 when the id is found nowhere.`,
		Example: session.Example(
			"orderctl trace ORD1234", "orderctl trace 5fea7756-0ea4-451a-a703-a558b933e274 --since 36h",
		),
		Args: session.OneID,
		RunE: run(env, session.Queues, func(ctx context.Context, s *store, args []string) error {
			return s.trace(ctx, f, args[0])
		}),
	}
	addWindow(cmd, &f.Window)
	cmd.Flags().BoolVar(&f.noLog, "no-log", false, "do not search the functions' logs")
	return cmd
}

// A traced is everything that is known about an id.
type traced struct {
	ID      string    `json:"id"`
	Verdict string    `json:"verdict"`
	Archive []hit     `json:"archive"`
	Queues  []waiting `json:"queues"`
	// Orders is the depth of the queue orders, which is not looked into.
	Orders queue.Depth `json:"orders_queue"`
	Log    []logLine   `json:"log"`
	Notes  []string    `json:"notes,omitempty"` // what could not be searched
}

// A waiting message is in the dead-letter queue or in the queue of rejected messages.
type waiting struct {
	Queue     string    `json:"queue"`
	MessageID string    `json:"message_id"`
	SourceID  string    `json:"source_message_id,omitempty"` // in the queue orders
	Sent      time.Time `json:"sent_at"`
	Receives  int       `json:"receives"`
	Reason    string    `json:"reason,omitempty"`
	Field     string    `json:"field,omitempty"`
	Detail    string    `json:"detail,omitempty"`
	Body      string    `json:"body"`
}

// A logLine is an event of a function's log.
type logLine struct {
	Time    time.Time `json:"time"`
	Group   string    `json:"group"`
	Message string    `json:"message"`
}

func (s *store) trace(ctx context.Context, f traceFlags, id string) error {
	t := &traced{ID: id, Archive: []hit{}, Queues: []waiting{}, Log: []logLine{}}
	found, damaged, err := s.search(ctx, f.Window, id)
	if err != nil {
		return err
	}
	t.Archive = append(t.Archive, found...)
	t.Notes = damaged
	if t.Orders, err = s.Orders.Depth(ctx); err != nil {
		t.Notes = append(t.Notes, err.Error())
	}
	for _, q := range []queue.Queue{s.DLQ, s.Rejected} {
		if err := s.lookFor(ctx, q, id, t); err != nil {
			t.Notes = append(t.Notes, err.Error())
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if !f.noLog {
		s.searchLogs(ctx, f.Since, id, t)
	}
	t.Verdict = t.judge(s.DLQ.Name())
	unknown := len(t.Archive)+len(t.Queues)+len(t.Log) == 0
	switch {
	case s.JSON:
		err = s.Emit(t)
	case !unknown:
		t.show(s.Console)
	default:
		t.showNotes(s.Console)
	}
	if err == nil && unknown {
		err = fmt.Errorf(
			"%q is neither in the archive nor in a queue that can be searched, nor in a log", id,
		)
	}
	return err
}

// lookFor finds the messages about an id in a queue.
func (s *store) lookFor(ctx context.Context, q queue.Queue, id string, t *traced) error {
	return s.Look(ctx, q, 0, func(look *queue.Look) error {
		member, _ := quoted(id)
		for _, h := range look.Held() {
			source := h.Attributes[order.AttributeSourceID]
			if h.ID != id && source != id && !strings.Contains(h.Body, member) {
				continue
			}
			t.Queues = append(t.Queues, waiting{
				Queue:     q.Name(),
				MessageID: h.ID,
				SourceID:  source,
				Sent:      h.Sent,
				Receives:  h.Receives,
				Body:      h.Body,
				Reason:    h.Attributes[order.AttributeReason],
				Field:     h.Attributes[order.AttributeField],
				Detail:    h.Attributes[order.AttributeDetail],
			})
		}
		if hidden := look.Hidden(); hidden > 0 {
			t.Notes = append(t.Notes, fmt.Sprintf(
				"%s: %s messages are hidden by another look, for up to %s",
				q.Name(), console.Count(hidden), queue.LongestHold))
		}
		return nil
	})
}

const (
	logSpan  = 14 * 24 * time.Hour // how far back the logs are searched unless --since says so
	logLines = 100                 // at most, of each function
	logPages = 200                 // at most, of each function
)

// searchLogs finds the events of the functions' logs that hold the id. Logs only explain: where
// they cannot be read a note says so.
func (s *store) searchLogs(ctx context.Context, from time.Time, id string, t *traced) {
	client := cloudwatchlogs.NewFromConfig(s.AWS)
	if from.IsZero() {
		from = time.Now().Add(-logSpan)
	}
	for _, output := range []string{"OrdersFunctionName", "ReplayFunctionName"} {
		group := "/aws/lambda/" + s.Outputs[output]
		pages := cloudwatchlogs.NewFilterLogEventsPaginator(client, &cloudwatchlogs.FilterLogEventsInput{
			LogGroupName:  &group,
			StartTime:     aws.Int64(from.UnixMilli()),
			FilterPattern: aws.String(`"` + strings.ReplaceAll(id, `"`, `\"`) + `"`),
		})
		found := 0
		for n := 0; pages.HasMorePages() && n < logPages && found < logLines; n++ {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Notes = append(t.Notes, "the log "+group+" cannot be searched: "+err.Error())
				break
			}
			for _, e := range page.Events {
				message := strings.TrimSpace(aws.ToString(e.Message))
				if !strings.Contains(message, id) {
					continue // LocalStack knows no filters
				}
				found++
				t.Log = append(t.Log, logLine{time.UnixMilli(aws.ToInt64(e.Timestamp)).UTC(), group, message})
			}
		}
	}
}

// judge says in one sentence what happened to the message or order.
func (t *traced) judge(dlq string) string {
	outcomes := map[string]bool{}
	for _, h := range t.Archive {
		outcomes[h.outcome()] = true
	}
	var in []string
	for _, m := range t.Queues {
		in = append(in, m.Queue)
	}
	where := ""
	if len(in) > 0 {
		where = "; a message is in " + strings.Join(in, " and in ")
	}
	switch {
	case outcomes["recorded"], outcomes["duplicate"]:
		return "counted" + where
	case outcomes["invalid"]:
		return "refused" + where
	case len(in) > 0 && in[0] == dlq:
		return "failed: it is in the dead-letter queue"
	case len(in) > 0:
		return "refused" + where
	case t.Orders.Total() > 0:
		return "not settled: it may be one of the messages that wait in the queue orders"
	}
	return "unknown"
}

func (t *traced) show(c *console.Console) {
	c.Println(c.Bold(console.Clean(t.ID) + ": " + t.Verdict))
	for _, h := range t.Archive {
		c.Printf("\nin the archive\n")
		h.show(c)
	}
	for _, m := range t.Queues {
		c.Printf("\nin the queue %s\n", m.Queue)
		c.List("message_id", m.MessageID)
		if m.SourceID != "" {
			c.List("source", m.SourceID)
		}
		c.List("sent_at", m.Sent.Format(time.RFC3339))
		c.List("receives", console.Count(m.Receives))
		if m.Reason != "" {
			c.List("reason", m.Reason+" at "+console.Clean(m.Field))
			c.List("detail", console.Clean(m.Detail))
		}
		c.List("body", console.Clean(m.Body))
	}
	if len(t.Log) > 0 {
		c.Printf("\nin the logs\n")
	}
	for _, l := range t.Log {
		c.Printf("%s  %s\n", l.Time.Format(time.RFC3339), console.Clean(l.Message))
	}
	t.showNotes(c)
}

// showNotes says what was not searched.
func (t *traced) showNotes(c *console.Console) {
	if n := t.Orders.Total(); n > 0 {
		c.Printf("\n%s messages wait in the queue orders, which is not looked into\n", console.Count(n))
	}
	for _, note := range t.Notes {
		c.Println(c.Warn(console.Clean(note)))
	}
}

package operator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/pause"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/statsapi/answer"
)

// stuckAfter is the age at which status takes an order in the queue for a fault.
const stuckAfter = 5 * time.Minute

func statusCommand(env *session.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show whether everything works: queues, event source mapping, Redis, numbers",
		Long: fmt.Sprintf(
			`Show the depth of the three queues and the age of their oldest message, the state of the
event source mapping, whether the API and its Redis answer, and the numbers so far.

The exit code is 1 when something is wrong: a message in the dead-letter queue, orders
that wait for their next attempt after a failed one, an order in the queue for more than
%s, a mapping that is not enabled, a rebuild that was interrupted, an API, Redis or archive
that does not answer. Refused messages are not a fault of the pipeline.

On AWS the age comes from CloudWatch, a few minutes late; LocalStack lists the messages
themselves, without receiving them, while there are at most 2,000.`,
			stuckAfter,
		),
		Example: session.Example("orderctl status", "orderctl status --json | jq .faults"),
		Args:    cobra.NoArgs,
		RunE: env.Run(session.Queues|session.API|session.Stack,
			func(ctx context.Context, s *session.Session, _ []string) error {
				st := readStatus(ctx, s)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err := s.Result(st, st.show); err != nil {
					return err
				}
				if len(st.Faults) > 0 {
					return fmt.Errorf("%w: %s", session.ErrCheck, strings.Join(st.Faults, "; "))
				}
				return nil
			}),
	}
}

type status struct {
	Where   string           `json:"where"`
	Stack   string           `json:"stack"`
	Queues  []queueStatus    `json:"queues"`
	Waiting *waiting         `json:"waiting,omitempty"`
	Mapping mapping          `json:"event_source_mapping"`
	API     string           `json:"api"`
	Healthy bool             `json:"redis_reachable"`
	Numbers *session.Numbers `json:"numbers,omitempty"`
	Faults  []string         `json:"faults"`
}

type queueStatus struct {
	answer.Queue
	Oldest *float64 `json:"oldest_seconds"` // null when it is unknown
}

type mapping struct {
	State  string `json:"state"`
	Batch  int32  `json:"batch_size"`
	Window int32  `json:"window_seconds"`
	Last   string `json:"last_result,omitempty"`
}

func readStatus(ctx context.Context, s *session.Session) *status {
	st := &status{Where: s.Where(), Stack: s.Target.Stack, API: s.API.Base, Faults: []string{}}
	depth, age := st.queue(ctx, s, s.Orders)
	if age > stuckAfter {
		st.fault("an order has been in %s for %s", s.Orders.Name(), console.Ago(age))
	}
	if dead, _ := st.queue(ctx, s, s.DLQ); dead.Total() > 0 {
		st.fault("%s messages are in %s: see `orderctl dlq list`, then `orderctl dlq redrive`",
			console.Count(dead.Total()), s.DLQ.Name())
	}
	st.queue(ctx, s, s.Rejected)
	st.mapping(ctx, s)
	st.unfinished(ctx, s)
	st.numbers(ctx, s)
	st.waiting(ctx, s, depth)
	return st
}

func (st *status) fault(format string, args ...any) {
	st.Faults = append(st.Faults, fmt.Sprintf(format, args...))
}

func (st *status) queue(
	ctx context.Context, s *session.Session, q queue.Queue,
) (depth queue.Depth, age time.Duration) {
	depth, err := q.Depth(ctx)
	if err != nil {
		st.fault("%v", err)
		return depth, 0
	}
	row := queueStatus{Queue: answer.Queue{Queue: q.Name(), Depth: depth}}
	switch {
	case depth.Total() == 0:
	case s.Local:
		var l queue.Listing
		l, err = q.Listed(ctx, s.Endpoint, depth, time.Now())
		age = l.Oldest
	default:
		age, err = queue.OldestByMetric(ctx, s.Metrics, q.Name(), time.Now())
	}
	if err == nil {
		row.Oldest = aws.Float64(age.Seconds())
	}
	st.Queues = append(st.Queues, row)
	return depth, age
}

func (st *status) mapping(ctx context.Context, s *session.Session) {
	id := s.Outputs["EventSourceMappingId"]
	m, err := s.Lambda.GetEventSourceMapping(ctx,
		&lambda.GetEventSourceMappingInput{UUID: aws.String(id)})
	if err != nil {
		st.fault("the event source mapping %q cannot be read", id)
		return
	}
	st.Mapping = mapping{
		aws.ToString(m.State), aws.ToInt32(m.BatchSize),
		aws.ToInt32(m.MaximumBatchingWindowInSeconds), aws.ToString(m.LastProcessingResult),
	}
	if st.Mapping.State != "Enabled" {
		st.fault("the event source mapping is %s: orders are not taken from the queue",
			st.Mapping.State)
	}
}

// unfinished looks for a command that stopped the mappings and did not end: after a rebuild that
// was interrupted the figures are too low.
func (st *status) unfinished(ctx context.Context, s *session.Session) {
	note, err := pause.NotesIn(s.AWS, s.Outputs["ArchiveBucketName"]).Read(ctx)
	if err != nil {
		st.fault("%v", err)
	}
	if note == nil {
		return
	}
	effect := ""
	if note.Step != "" {
		effect = ": figures are too low"
	}
	st.fault("a %s, begun %s, has not ended%s. Where it was interrupted, run it again",
		note.Operation, note.Began.Format(time.RFC3339), effect)
}

func (st *status) numbers(ctx context.Context, s *session.Session) {
	switch n, err := s.Numbers(ctx); {
	case err == nil:
		st.Healthy, st.Numbers = true, &n
	case errors.Is(err, api.ErrUnavailable):
		st.fault("%v", err)
	default:
		st.fault("the API does not return its numbers: %v", err)
	}
}

// waiting looks at the orders queue until it is known whether the messages in flight are being
// processed or wait for their next attempt.
func (st *status) waiting(ctx context.Context, s *session.Session, depth queue.Depth) {
	var still stillness
	for looks := 0; looks < 2 && depth.InFlight > 0; looks++ {
		if looks > 0 && !queue.Sleep(ctx, stillTime) {
			return
		}
		var err error
		if depth, err = s.Orders.Depth(ctx); err != nil {
			return
		}
		var n session.Numbers
		if st.Healthy {
			n, _ = s.Numbers(ctx) // without them all in flight waits
		}
		if st.Waiting = still.look(ctx, s, depth, n.Messages); st.Waiting != nil {
			st.fault("%s", st.Waiting.text())
			return
		}
	}
}

func (st *status) show(c *console.Console) {
	c.Printf("%s, stack %s\n\n", st.Where, st.Stack)
	rows := make([][]any, len(st.Queues))
	for i, q := range st.Queues {
		oldest := "?"
		switch {
		case q.Total() == 0:
			oldest = "-"
		case q.Oldest != nil:
			oldest = console.Ago(time.Duration(*q.Oldest * float64(time.Second)))
		}
		rows[i] = append(queueRow(q.Queue), oldest)
	}
	c.Table(append(queueColumns(), console.Column{Title: "OLDEST", Right: true}), rows)
	c.Println("")

	state := c.Bad("unknown")
	if m := st.Mapping; m.State != "" {
		paint := c.Good
		if m.State != "Enabled" {
			paint = c.Bad
		}
		state = fmt.Sprintf("%s, up to %s messages or %ds a batch",
			paint(m.State), console.Count(m.Batch), m.Window)
	}
	redis := c.Bad("unreachable")
	if st.Healthy {
		redis = c.Good("reachable")
	}
	c.List("mapping", state)
	c.List("redis", redis)
	c.List("api", st.API)
	if st.Numbers != nil {
		st.Numbers.Show(c)
	} else {
		c.List("numbers", "unknown")
	}
	c.Println("")
	if len(st.Faults) == 0 {
		c.Println(c.Good("all is well"))
	}
	for _, f := range st.Faults {
		c.Println(c.Bad("wrong: ") + console.Clean(f))
	}
}

func queueColumns() []console.Column {
	return []console.Column{
		{Title: "QUEUE", Flex: true, Name: true}, {Title: "VISIBLE", Right: true},
		{Title: "IN FLIGHT", Right: true}, {Title: "DELAYED", Right: true},
	}
}

func queueRow(q answer.Queue) []any { return []any{q.Queue, q.Visible, q.InFlight, q.Delayed} }

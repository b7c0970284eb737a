package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/target"
)

// stuckAfter is how old an order in the queue may get before status takes it for a fault.
const stuckAfter = 5 * time.Minute

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		GroupID: groupNumbers,
		Short:   "Show whether everything works: queues, event source mapping, Redis, numbers",
		Long: fmt.Sprintf(`Show the depth of the three queues and the age of their oldest message, the state of the
event source mapping, whether the API and its Redis answer, and the numbers so far.

The exit code is 1 when something is wrong: a message in the dead-letter queue, an order
that waits for more than %s, a mapping that is not enabled, an API or Redis that does
not answer. Refused messages are no fault of the pipeline.

On AWS the age comes from CloudWatch, a few minutes late; LocalStack is asked for the
messages themselves, without receiving them, while there are at most 2,000.`, stuckAfter),
		Example:           example("orderctl status", "orderctl status --json | jq .faults"),
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.status(cmd.Context())
			if err != nil {
				return err
			}
			if a.JSON {
				if err := a.Emit(s); err != nil {
					return err
				}
			} else {
				a.showStatus(s)
			}
			if len(s.Faults) > 0 {
				return fmt.Errorf("%w: %s", errCheck, strings.Join(s.Faults, "; "))
			}
			return nil
		},
	}
}

type status struct {
	Where   string        `json:"where"`
	Stack   string        `json:"stack"`
	Queues  []queueStatus `json:"queues"`
	Mapping mapping       `json:"event_source_mapping"`
	API     string        `json:"api"`
	Healthy bool          `json:"redis_reachable"`
	Numbers *numbers      `json:"numbers,omitempty"`
	Faults  []string      `json:"faults"`
}

type queueStatus struct {
	queueDepth
	Oldest *float64 `json:"oldest_seconds"` // null when it is not known
}

type mapping struct {
	State  string `json:"state"`
	Batch  int32  `json:"batch_size"`
	Window int32  `json:"window_seconds"`
	Last   string `json:"last_result,omitempty"`
}

func (a *app) status(ctx context.Context) (*status, error) {
	t, err := a.target(ctx)
	if err != nil {
		return nil, err
	}
	queues, err := a.queues(ctx)
	if err != nil {
		return nil, err
	}
	client, err := a.api(ctx)
	if err != nil {
		return nil, err
	}
	s := &status{Where: t.Name(), Stack: a.options.Stack, API: client.Base, Faults: []string{}}
	for i, q := range queues {
		a.queueStatus(ctx, t, s, q, i)
	}
	a.mappingStatus(ctx, t, s)
	switch err := client.Health(ctx); {
	case err == nil:
		s.Healthy = true
	case errors.Is(err, api.ErrUnavailable):
		s.fault("%v", err)
	default:
		s.fault("the API is not healthy: %v", err)
	}
	if s.Healthy {
		if n, err := readNumbers(ctx, client); err == nil {
			s.Numbers = &n
		} else {
			s.fault("the API does not give its numbers: %v", err)
		}
	}
	return s, ctx.Err()
}

func (s *status) fault(format string, args ...any) {
	s.Faults = append(s.Faults, fmt.Sprintf(format, args...))
}

// The queues as app.queues lists them.
const (
	ordersAt = iota
	dlqAt
)

func (a *app) queueStatus(ctx context.Context, t *target.Target, s *status, q namedQueue, at int) {
	client, err := a.sqs(ctx)
	if err != nil {
		s.fault("%s: %v", q.name, err)
		return
	}
	depth, err := queue.DepthOf(ctx, client, q.url)
	if err != nil {
		s.fault("%s: %v", q.name, err)
		return
	}
	row := queueStatus{queueDepth: queueDepth{q.name, depth}}
	var age time.Duration
	switch {
	case depth.Total() == 0:
	case t.Local:
		age, err = queue.AgeByListing(ctx, t.Endpoint, q.url, depth, a.Now())
	default:
		age, err = queue.AgeByMetric(ctx, cloudwatch.NewFromConfig(t.AWS), q.name, a.Now())
	}
	if err == nil {
		row.Oldest = aws.Float64(age.Seconds())
	}
	s.Queues = append(s.Queues, row)
	if at == dlqAt && depth.Total() > 0 {
		s.fault("%s messages are in %s: see `orderctl dlq list`, then `orderctl dlq redrive`", console.Count(depth.Total()), q.name)
	}
	if at == ordersAt && age > stuckAfter {
		s.fault("an order waits in %s for %s", q.name, console.Ago(age))
	}
}

func (a *app) mappingStatus(ctx context.Context, t *target.Target, s *status) {
	id, err := t.Mapping(ctx)
	if err != nil {
		s.fault("the event source mapping is not known: %v", err)
		return
	}
	m, err := lambda.NewFromConfig(t.AWS).GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: aws.String(id)})
	if err != nil {
		s.fault("the event source mapping %s cannot be read", id)
		return
	}
	s.Mapping = mapping{aws.ToString(m.State), aws.ToInt32(m.BatchSize), aws.ToInt32(m.MaximumBatchingWindowInSeconds), aws.ToString(m.LastProcessingResult)}
	if s.Mapping.State != "Enabled" {
		s.fault("the event source mapping is %s, orders are not taken from the queue", s.Mapping.State)
	}
}

func (a *app) showStatus(s *status) {
	a.Printf("%s, stack %s\n\n", s.Where, s.Stack)
	rows := make([][]string, len(s.Queues))
	for i, q := range s.Queues {
		oldest := "?"
		if q.Oldest != nil {
			oldest = "-"
			if q.Total() > 0 {
				oldest = console.Ago(time.Duration(*q.Oldest * float64(time.Second)))
			}
		}
		rows[i] = []string{q.Name, console.Count(q.Visible), console.Count(q.InFlight), console.Count(q.Delayed), oldest}
	}
	a.Table([]console.Column{{Title: "QUEUE", Flex: true}, {Title: "VISIBLE", Right: true}, {Title: "IN FLIGHT", Right: true}, {Title: "DELAYED", Right: true}, {Title: "OLDEST", Right: true}}, rows)

	state := a.Bad("not known")
	if s.Mapping.State != "" {
		state = s.Mapping.State
		if state == "Enabled" {
			state = a.Good(state)
		} else {
			state = a.Bad(state)
		}
		state += fmt.Sprintf(", up to %s messages or %ds a batch", console.Count(int64(s.Mapping.Batch)), s.Mapping.Window)
	}
	a.Printf("\n")
	a.List("mapping", state)
	redis := a.Bad("not reachable")
	if s.Healthy {
		redis = a.Good("reachable")
	}
	a.List("redis", redis)
	a.List("api", s.API)
	if s.Numbers != nil {
		showNumbers(a.Console, *s.Numbers)
	}
	a.Printf("\n")
	if len(s.Faults) == 0 {
		a.Printf("%s\n", a.Good("all is well"))
	}
	for _, f := range s.Faults {
		a.Printf("%s\n", a.Bad("wrong: ")+console.Clean(f))
	}
}

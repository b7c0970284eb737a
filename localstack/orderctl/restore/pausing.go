package restore

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/pause"
	"orderpipeline/localstack/orderctl/queue"
)

// pause stops both event source mappings. Whatever its error is, the pause must be ended.
func (s *store) pause(ctx context.Context, operation string) (*pause.Pause, error) {
	p := &pause.Pause{
		Lambda: s.Lambda, Notes: s.notes,
		Mappings: []string{s.Outputs["EventSourceMappingId"], s.Outputs["ReplayMappingId"]},
	}
	s.Hintf("stopping the event source mappings; orders wait in the queue\n")
	earlier, err := p.Begin(ctx, operation)
	if err != nil {
		return p, err
	}
	if earlier != nil {
		s.Hintf("going on after a %s that began %s and did not end\n",
			earlier.Operation, earlier.Began.Format(time.RFC3339))
	}
	return p, nil
}

// margin is what a batch may take beside the time limit of its function.
const margin = 10 * time.Second

// settle waits until no message is in work: none is in flight, or the functions that had begun have
// run out of time.
// What is still in flight then waits for its next attempt.
func (s *store) settle(ctx context.Context) error {
	limit, err := s.functionTimeout(ctx)
	if err != nil {
		return err
	}
	status := s.Status()
	defer status.Clear()
	replays := queue.Queue{Service: s.Orders.Service, URL: s.Outputs["ReplayQueueUrl"]}
	start := time.Now()
	for {
		var inFlight int64
		for _, q := range []queue.Queue{s.Orders, replays} {
			d, err := q.Depth(ctx)
			if err != nil {
				return err
			}
			inFlight += d.InFlight
		}
		if inFlight == 0 {
			return nil
		}
		if time.Since(start) > limit+margin {
			s.Hintf("%s messages stay in flight: they wait for their next attempt\n",
				console.Count(inFlight))
			return nil
		}
		status.Set("waiting for " + console.Count(inFlight) + " messages in flight")
		if !queue.Sleep(ctx, time.Second/2) {
			return ctx.Err()
		}
	}
}

// functionTimeout is the longer time limit of the two functions.
func (s *store) functionTimeout(ctx context.Context) (longest time.Duration, err error) {
	for _, output := range []string{"OrdersFunctionName", "ReplayFunctionName"} {
		name := s.Outputs[output]
		out, err := s.Lambda.GetFunctionConfiguration(
			ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name},
		)
		if err != nil {
			return 0, fmt.Errorf("read the time limit of the function %s: %w", name, err)
		}
		longest = max(longest, time.Duration(aws.ToInt32(out.Timeout))*time.Second)
	}
	return longest, nil
}

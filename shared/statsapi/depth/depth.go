// Package depth reads how many messages the queues hold.
package depth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderpipeline/shared/statsapi/answer"
)

// Client is the part of an SQS client that this package uses.
type Client interface {
	GetQueueAttributes(
		ctx context.Context, in *sqs.GetQueueAttributesInput, opts ...func(*sqs.Options),
	) (*sqs.GetQueueAttributesOutput, error)
}

// Of returns the depth of one queue.
func Of(ctx context.Context, client Client, queueURL string) (answer.Depth, error) {
	const (
		visible  = types.QueueAttributeNameApproximateNumberOfMessages
		inFlight = types.QueueAttributeNameApproximateNumberOfMessagesNotVisible
		delayed  = types.QueueAttributeNameApproximateNumberOfMessagesDelayed
	)
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl:       aws.String(queueURL),
		AttributeNames: []types.QueueAttributeName{visible, inFlight, delayed},
	})
	if err != nil {
		return answer.Depth{}, fmt.Errorf("read the depth of the queue: %w", err)
	}

	var d answer.Depth
	for name, to := range map[types.QueueAttributeName]*int64{
		visible: &d.Visible, inFlight: &d.InFlight, delayed: &d.Delayed,
	} {
		text := out.Attributes[string(name)]
		if *to, err = strconv.ParseInt(text, 10, 64); err != nil {
			return answer.Depth{}, fmt.Errorf("the queue's %s is %q, not a number", name, text)
		}
	}
	return d, nil
}

// Queues are the queues whose depth is shown.
type Queues struct {
	Client Client
	URLs   map[string]string // by name
}

// Depths reads all queues at once and returns them in the order of their names. Queues that could
// be read are returned beside the errors of the others.
func (q Queues) Depths(ctx context.Context) ([]answer.Queue, error) {
	var (
		mu     sync.Mutex
		depths []answer.Queue
		errs   []error
		group  sync.WaitGroup
	)
	for name, url := range q.URLs {
		group.Go(func() {
			d, err := Of(ctx, q.Client, url)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, fmt.Errorf("queue %s: %w", name, err))
				return
			}
			depths = append(depths, answer.Queue{Queue: name, Depth: d})
		})
	}
	group.Wait()

	slices.SortFunc(depths, func(a, b answer.Queue) int { return strings.Compare(a.Queue, b.Queue) })
	return depths, errors.Join(errs...)
}

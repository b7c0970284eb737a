package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderpipeline/shared/statsapi"
)

// queues asks SQS for the depth of queues, given as URLs by name.
type queues struct {
	client *sqs.Client
	urls   map[string]string
}

// Depths asks all queues at once. Those that answered are returned beside the errors of the others.
func (q queues) Depths(ctx context.Context) ([]statsapi.QueueDepth, error) {
	var mu sync.Mutex
	var depths []statsapi.QueueDepth
	var errs []error
	var group sync.WaitGroup
	for name, url := range q.urls {
		group.Go(func() {
			depth, err := q.depth(ctx, name, url)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, fmt.Errorf("depth of the queue %s: %w", name, err))
				return
			}
			depths = append(depths, depth)
		})
	}
	group.Wait()
	slices.SortFunc(depths, func(a, b statsapi.QueueDepth) int { return strings.Compare(a.Queue, b.Queue) })
	return depths, errors.Join(errs...)
}

func (q queues) depth(ctx context.Context, name, url string) (statsapi.QueueDepth, error) {
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}})
	if err != nil {
		return statsapi.QueueDepth{}, err
	}
	depth := statsapi.QueueDepth{Queue: name}
	for attribute, to := range map[types.QueueAttributeName]*int64{
		types.QueueAttributeNameApproximateNumberOfMessages:           &depth.Visible,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible: &depth.InFlight,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed:    &depth.Delayed,
	} {
		if *to, err = strconv.ParseInt(out.Attributes[string(attribute)], 10, 64); err != nil {
			return statsapi.QueueDepth{}, fmt.Errorf("%s: %w", attribute, err)
		}
	}
	return depth, nil
}

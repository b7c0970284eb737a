package queue

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Depth is how many messages a queue holds. On AWS the numbers are approximate: they can lag by a minute.
type Depth struct {
	Visible  int64 `json:"visible"`   // wait to be received
	InFlight int64 `json:"in_flight"` // received, neither deleted nor visible again
	Delayed  int64 `json:"delayed"`   // not yet to be received
}

// Total is the number of all messages.
func (d Depth) Total() int64 { return d.Visible + d.InFlight + d.Delayed }

// Attributes is the part of SQS that DepthOf needs.
type Attributes interface {
	GetQueueAttributes(ctx context.Context, in *sqs.GetQueueAttributesInput, opts ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
}

// DepthOf asks how many messages the queue holds.
func DepthOf(ctx context.Context, api Attributes, queueURL string) (Depth, error) {
	out, err := api.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(queueURL),
		AttributeNames: []types.QueueAttributeName{
			types.QueueAttributeNameApproximateNumberOfMessages,
			types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
			types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
		},
	})
	if err != nil {
		return Depth{}, fmt.Errorf("ask for the depth of the queue: %w", err)
	}
	var d Depth
	for name, to := range map[types.QueueAttributeName]*int64{
		types.QueueAttributeNameApproximateNumberOfMessages:           &d.Visible,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible: &d.InFlight,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed:    &d.Delayed,
	} {
		if *to, err = strconv.ParseInt(out.Attributes[string(name)], 10, 64); err != nil {
			return Depth{}, fmt.Errorf("the queue's %s is %q, not a number", name, out.Attributes[string(name)])
		}
	}
	return d, nil
}

// Name is the queue's name: the last part of its URL.
func Name(queueURL string) string { return queueURL[strings.LastIndexByte(queueURL, '/')+1:] }

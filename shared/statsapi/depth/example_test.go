package depth_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderpipeline/shared/statsapi/depth"
)

// oneQueue is an SQS in which every queue has the same depth.
type oneQueue struct{}

func (oneQueue) GetQueueAttributes(
	context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options),
) (*sqs.GetQueueAttributesOutput, error) {
	return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{
		"ApproximateNumberOfMessages":           "7",
		"ApproximateNumberOfMessagesNotVisible": "3",
		"ApproximateNumberOfMessagesDelayed":    "0",
	}}, nil
}

// The depths are in the order of the queues' names.
func ExampleQueues_Depths() {
	queues := depth.Queues{
		Client: oneQueue{},
		URLs: map[string]string{
			"orders-dlq": "https://sqs.example/orders-dlq",
			"orders":     "https://sqs.example/orders",
		},
	}
	depths, err := queues.Depths(context.Background())
	for _, q := range depths {
		fmt.Println(q.Queue, q.Visible, q.InFlight, q.Total())
	}
	fmt.Println(err)
	// Output:
	// orders 7 3 10
	// orders-dlq 7 3 10
	// <nil>
}

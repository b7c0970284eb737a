package queue

import (
	"context"
	"strings"

	"orderpipeline/shared/statsapi/answer"
	"orderpipeline/shared/statsapi/depth"
)

// Depth is how many messages a queue holds.
type Depth = answer.Depth

// Attributes is the part of SQS that DepthOf needs.
type Attributes = depth.Client

// DepthOf asks how many messages the queue holds.
func DepthOf(ctx context.Context, api Attributes, queueURL string) (Depth, error) {
	return depth.Of(ctx, api, queueURL)
}

// Name is the queue's name: the last part of its URL.
func Name(queueURL string) string { return queueURL[strings.LastIndexByte(queueURL, '/')+1:] }

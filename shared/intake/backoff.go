package intake

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderpipeline/shared/backoff"
)

// postpone sets the visibility timeout of failed messages, because partial batch responses switch
// off Lambda's own backoff. Best effort: on failure the queue's default visibility timeout applies.
func (b *batch) postpone(ctx context.Context, failed []int) {
	ctx, cancel := withReserve(ctx, answerTime)
	defer cancel()
	now := b.config.Now()
	b.changeVisibility(ctx, failed, func(i int) int32 {
		c, receives := b.config, b.entries[i].message.Receives
		return backoff.Visibility(now, c.FirstDelay, receives, c.MaxReceives, c.Jitter())
	}, func(int) {})
}

// changeVisibility sets visibility timeouts, and calls done for each message whose timeout was set.
// It calls seconds and done one at a time.
func (b *batch) changeVisibility(
	ctx context.Context, list []int, seconds func(i int) int32, done func(i int),
) {
	timeouts := make(map[int]int32, len(list))
	for _, i := range list {
		timeouts[i] = seconds(i)
	}
	var mu sync.Mutex
	concurrently(slices.Chunk(list, callEntries), func(some []int) {
		if ctx.Err() != nil {
			return
		}
		entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(some))
		for at, i := range some {
			entries[at] = types.ChangeMessageVisibilityBatchRequestEntry{
				Id:                aws.String(strconv.Itoa(i)),
				ReceiptHandle:     &b.entries[i].message.ReceiptHandle,
				VisibilityTimeout: timeouts[i],
			}
		}
		out, err := b.config.SQS.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{
			QueueUrl: &b.config.OrdersURL,
			Entries:  entries,
		})
		if err != nil {
			if !errors.Is(err, context.DeadlineExceeded) {
				b.config.Log.WarnContext(ctx, "visibility timeout not set", "messages", len(some), "error", err)
			}
			return
		}

		mu.Lock()
		defer mu.Unlock()
		refused := map[string]bool{}
		for _, entry := range out.Failed {
			refused[aws.ToString(entry.Id)] = true
		}
		for _, i := range some {
			if !refused[strconv.Itoa(i)] {
				done(i)
			}
		}
	})
}

// Limits of one batch call of SQS. AWS accepts 1 MiB a call today; 256 KiB, the older limit, is
// what every emulator accepts too.
const (
	callEntries = 10
	callBytes   = 256 << 10
	callsAtOnce = 8
)

// concurrently does all calls, callsAtOnce at a time.
func concurrently[T any](calls iter.Seq[T], do func(T)) {
	var group sync.WaitGroup
	slots := make(chan struct{}, callsAtOnce)
	for call := range calls {
		slots <- struct{}{}
		group.Go(func() {
			do(call)
			<-slots
		})
	}
	group.Wait()
}

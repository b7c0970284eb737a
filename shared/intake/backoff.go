package intake

import (
	"context"
	"errors"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// The delays between the receives of a message that fails. With a first delay of five seconds they
// are 5, 20, 80, 320 and then 420 s: an outage of seconds costs seconds, and after an outage of any
// length each message is received within nine minutes. 300 receives, the maxReceiveCount of the
// queue, take more than a day.
const (
	delayGrowth = 4
	maxDelay    = 7 * time.Minute
)

// Delay returns the visibility timeout after the n-th receive (n ≥ 1): first × 4^(n-1), at most
// seven minutes, with ±20 % jitter. jitter is in [0, 1).
func Delay(first time.Duration, receives int, jitter float64) time.Duration {
	delay := min(first, maxDelay)
	for range receives - 1 {
		delay = min(delay*delayGrowth, maxDelay)
		if delay == maxDelay {
			break
		}
	}
	return time.Duration(float64(delay) * (0.8 + 0.4*jitter))
}

// A delay of alignFrom or more ends at a full alignTo. So the messages that wait during an outage
// are received in a few large batches instead of one every second.
const (
	alignFrom = time.Minute
	alignTo   = 30 * time.Second
)

// VisibilitySeconds returns the visibility timeout that ends after a delay, in whole seconds.
func VisibilitySeconds(now time.Time, delay time.Duration) int32 {
	if delay >= alignFrom {
		end := now.Add(delay).Truncate(alignTo).Add(alignTo)
		delay = end.Sub(now)
	}
	return int32(math.Ceil(delay.Seconds()))
}

// postpone sets the visibility timeout of failed messages, because partial batch responses switch
// off Lambda's own backoff. Best effort: on failure the queue's default visibility timeout applies.
// The last receive is followed by the first delay only: after it the message goes to the
// dead-letter queue, and no delay is to end there without another attempt.
func (b *batch) postpone(ctx context.Context, failed []int) {
	ctx, cancel := withReserve(ctx, answerTime)
	defer cancel()
	now := b.config.Now()
	b.changeVisibility(ctx, failed, func(i int) int32 {
		receives := b.entries[i].message.Receives
		if receives >= b.config.MaxReceives {
			receives = 1
		}
		return VisibilitySeconds(now, Delay(b.config.FirstDelay, receives, b.config.Jitter()))
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
	eachCall(list, func(some []int) {
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

// eachCall divides a list into calls of callEntries, and does them concurrently.
func eachCall(list []int, do func(some []int)) {
	var calls [][]int
	for len(list) > 0 {
		size := min(callEntries, len(list))
		calls = append(calls, list[:size])
		list = list[size:]
	}
	concurrently(calls, do)
}

// concurrently does all calls, callsAtOnce at a time.
func concurrently[T any](calls []T, do func(T)) {
	var group sync.WaitGroup
	slots := make(chan struct{}, callsAtOnce)
	for _, call := range calls {
		slots <- struct{}{}
		group.Go(func() {
			do(call)
			<-slots
		})
	}
	group.Wait()
}

package statsapi

import (
	"bytes"
	"context"
	"errors"

	"orderpipeline/shared/metric"
	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

// What these routes answer does not depend on Redis alone: they are what people look at during an
// outage. So each reads Redis and the queues side by side, and answers with the one that it has.

func (a *API) health(ctx context.Context, _ *noQuery) (*body[answer.Health], error) {
	if err := a.config.Store.Ping(ctx); err != nil {
		return nil, err
	}
	return &body[answer.Health]{answer.Health{Status: "ok"}}, nil
}

func (a *API) messages(ctx context.Context, _ *noQuery) (*body[answer.Messages], error) {
	counts, queues, err := withQueues(ctx, a, func(ctx context.Context) (*answer.Counts, error) {
		counts, err := a.config.Store.Messages(ctx)
		return (*answer.Counts)(&counts), err
	})
	if err != nil {
		return nil, err
	}
	answered := answer.Messages{Counts: counts, RedisUp: counts != nil, Queues: queues}
	return &body[answer.Messages]{answered}, nil
}

// withQueues reads Redis and the queues. While Redis is away what was read is nil; the error is
// that of Redis when the queues are unknown too.
func withQueues[T any](
	ctx context.Context, a *API, read func(context.Context) (*T, error),
) (found *T, queues []answer.Queue, err error) {
	depths := a.readQueues(ctx)
	found, err = withReserve(ctx, a, read)
	queues = <-depths
	switch {
	case err == nil:
		return found, queues, nil
	case len(queues) == 0:
		return nil, nil, err
	}
	logCause(ctx, err)
	return nil, queues, nil
}

// metrics always answers: a scrape that fails exactly during an outage of Redis would hide it.
func (a *API) metrics(ctx context.Context, _ *noQuery) (*textAnswer, error) {
	queues := a.readQueues(ctx)
	samples, err := withReserve(ctx, a, a.samples)
	families := metric.Families()
	switch {
	case err != nil:
		logCause(ctx, err)
		samples, families = metric.Delta{}, metric.Independent()
		metric.RedisUp.Set(samples, 0)
	default:
		if a.config.EMF != nil {
			families = metric.WithoutRequests()
		}
		metric.RedisUp.Set(samples, 1)
	}

	for _, q := range <-queues {
		metric.QueueMessages.Set(samples, q.Visible, q.Queue, metric.StateVisible)
		metric.QueueMessages.Set(samples, q.InFlight, q.Queue, metric.StateInFlight)
		metric.QueueMessages.Set(samples, q.Delayed, q.Queue, metric.StateDelayed)
	}
	var text bytes.Buffer
	if err := metric.WriteText(&text, samples, families); err != nil {
		return nil, err
	}
	return &textAnswer{metric.ContentType, text.Bytes()}, nil
}

// samples reads everything that Redis holds: the shared counters and what the ledger's scripts
// count.
func (a *API) samples(ctx context.Context) (metric.Delta, error) {
	samples, err := a.config.Store.Counters(ctx)
	if err != nil {
		return nil, err
	}
	messages, err := a.config.Store.Messages(ctx)
	if err != nil {
		return nil, err
	}
	totals, err := a.config.Store.Global(ctx)
	if err != nil {
		return nil, err
	}

	metric.Messages.Add(samples, messages.Recorded, metric.OutcomeRecorded)
	metric.Messages.Add(samples, messages.Duplicate, metric.OutcomeDuplicate)
	metric.Messages.Add(samples, messages.Failed, metric.OutcomeFailed)
	for _, reason := range order.Reasons() {
		metric.Refused.Add(samples, messages.Refused[reason], string(reason))
	}
	metric.Mismatches.Add(samples, messages.Mismatch)
	metric.Healed.Add(samples, messages.Healed)
	metric.Recorded.Add(samples, totals.Orders)
	metric.Revenue.Add(samples, int64(totals.Revenue))
	return samples, nil
}

// withReserve gives Redis three quarters of the time for an answer, so that what is known without
// Redis can still be answered.
func withReserve[T any](
	ctx context.Context, a *API, read func(context.Context) (T, error),
) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, a.config.Limit*3/4)
	defer cancel()
	return read(ctx)
}

// readQueues reads the depths of the queues while the caller reads Redis. SQS being slow or away
// costs the depths, never the answer, and at most a quarter of its time.
func (a *API) readQueues(ctx context.Context) <-chan []answer.Queue {
	depths := make(chan []answer.Queue, 1)
	if a.config.Queues == nil {
		depths <- []answer.Queue{}
		return depths
	}

	ctx, cancel := context.WithTimeout(ctx, a.config.Limit/4)
	read := make(chan []answer.Queue, 1)
	go func() {
		queues, err := a.config.Queues.Depths(ctx)
		if err != nil && !errors.Is(err, context.Canceled) {
			a.config.Log.WarnContext(ctx, "queue depths are unknown", "error", err)
		}
		read <- queues
	}()
	go func() {
		defer cancel()
		queues := []answer.Queue{}
		select {
		case known := <-read:
			queues = append(queues, known...)
		case <-ctx.Done():
		}
		depths <- queues
	}()
	return depths
}

// Package inorder does work in parallel and keeps the order of its results.
package inorder

import (
	"context"
	"iter"
	"sync"
)

// Values yields the values of a list as Map takes them, without an error.
func Values[T any](list iter.Seq[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for value := range list {
			if !yield(value, nil) {
				return
			}
		}
	}
}

type result[R any] struct {
	value    R
	err      error
	panicked any
}

// Map calls do for every value of in, up to parallel calls at a time, and yields the results in the
// order of in. At most 2×parallel results wait to be taken. An error of in, of do or of ctx is
// yielded last. Every call of do has ended when the loop over Map ends. A panic of do reaches the
// loop, so that deferred calls of the caller run.
func Map[T, R any](
	ctx context.Context,
	parallel int,
	in iter.Seq2[T, error],
	do func(context.Context, T) (R, error),
) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		working, stop := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer stop()

		results := make(chan chan result[R], parallel)
		running.Go(func() {
			defer close(results)
			feed(working, parallel, in, do, results, &running)
		})

		for next := range results {
			r := <-next
			if r.panicked != nil {
				panic(r.panicked)
			}
			if !yield(r.value, r.err) || r.err != nil {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			var none R
			yield(none, err)
		}
	}
}

func feed[T, R any](
	ctx context.Context,
	parallel int,
	in iter.Seq2[T, error],
	do func(context.Context, T) (R, error),
	results chan<- chan result[R],
	running *sync.WaitGroup,
) {
	slots := make(chan struct{}, parallel)
	for value, err := range in {
		select {
		case <-ctx.Done():
			return
		case slots <- struct{}{}:
		}
		next := make(chan result[R], 1)
		if err != nil {
			next <- result[R]{err: err}
			<-slots
		} else {
			running.Go(func() {
				var r result[R]
				defer func() {
					r.panicked = recover()
					next <- r
					<-slots
				}()
				r.value, r.err = do(ctx, value)
			})
		}
		select {
		case <-ctx.Done():
			return
		case results <- next:
		}
		if err != nil {
			return
		}
	}
}

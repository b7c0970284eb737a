package inorder

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

func count(n int, last error) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
		if last != nil {
			yield(0, last)
		}
	}
}

func double(_ context.Context, i int) (int, error) {
	time.Sleep(time.Duration(i%7) * 100 * time.Microsecond)
	return 2 * i, nil
}

func collect(in iter.Seq2[int, error]) (got []int, err error) {
	for v, err := range in {
		if err != nil {
			return got, err
		}
		got = append(got, v)
	}
	return got, nil
}

func TestResultsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	for _, parallel := range []int{1, 3, 50} {
		got, err := collect(Map(t.Context(), parallel, count(100, nil), double))
		want := make([]int, 100)
		for i := range want {
			want[i] = 2 * i
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("with %d at a time: error %v, results %v", parallel, err, got)
		}
	}
}

func TestNoMoreCallsAtATimeThanAsked(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int64
	_, err := collect(
		Map(t.Context(), 4, count(200, nil), func(ctx context.Context, i int) (int, error) {
			n := now.Add(1)
			defer now.Add(-1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			return double(ctx, i)
		}),
	)
	if err != nil || most.Load() > 4 {
		t.Errorf("error %v, %d calls at a time; want at most 4", err, most.Load())
	}
}

func TestErrorsComeLast(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	t.Run("of the input", func(t *testing.T) {
		t.Parallel()
		if got, err := collect(Map(t.Context(), 3, count(10, broken), double)); !errors.Is(err, broken) ||
			len(got) != 10 {
			t.Errorf("error %v after %d results, want broken after 10", err, len(got))
		}
	})
	t.Run("of a call", func(t *testing.T) {
		t.Parallel()
		fail := func(ctx context.Context, i int) (int, error) {
			if i == 5 {
				return 0, broken
			}
			return double(ctx, i)
		}
		if got, err := collect(Map(t.Context(), 3, count(1000, nil), fail)); !errors.Is(err, broken) ||
			len(got) != 5 {
			t.Errorf("error %v after %d results, want broken after 5", err, len(got))
		}
	})
	t.Run("of the context", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		stopAt := func(_ context.Context, i int) (int, error) {
			if i == 20 {
				cancel()
			}
			return i, nil
		}
		if _, err := collect(Map(ctx, 3, count(1_000_000, nil), stopAt)); !errors.Is(
			err, context.Canceled,
		) {
			t.Errorf("error %v, want context.Canceled", err)
		}
	})
}

func TestCallsHaveEndedWithTheLoop(t *testing.T) {
	t.Parallel()
	var running atomic.Int64
	slow := func(ctx context.Context, i int) (int, error) {
		running.Add(1)
		defer running.Add(-1)
		return double(ctx, i)
	}
	for v := range Map(t.Context(), 8, count(1000, nil), slow) {
		if v == 20 {
			break
		}
	}
	if n := running.Load(); n != 0 {
		t.Errorf("%d calls are running after the loop", n)
	}
}

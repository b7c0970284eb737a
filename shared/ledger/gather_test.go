package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/redistest"
)

// trips stands in for Redis: it answers each ECHO with its text, and any other command with an error of Redis.
type trips struct {
	redis.Hook
	mu   sync.Mutex
	seen [][]redis.Cmder
	// before runs ahead of each round trip, counted from one. Its error is a connection's.
	before func(ctx context.Context, trip int) error
}

type saidNo string

func (e saidNo) Error() string { return string(e) }
func (saidNo) RedisError()     {}

func (f *trips) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (f *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (f *trips) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		f.mu.Lock()
		f.seen = append(f.seen, cmds)
		trip := len(f.seen)
		f.mu.Unlock()
		if f.before != nil {
			if err := f.before(ctx, trip); err != nil {
				for _, cmd := range cmds {
					cmd.SetErr(err)
				}
				return err
			}
		}
		var first error
		for _, cmd := range cmds {
			if echo, ok := cmd.(*redis.StringCmd); ok {
				echo.SetVal(echo.Args()[1].(string))
				echo.SetErr(nil)
				continue
			}
			cmd.SetErr(saidNo("WRONGTYPE"))
			if first == nil {
				first = cmd.Err()
			}
		}
		return first
	}
}

// sizes are the numbers of commands of each round trip.
func (f *trips) sizes() []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	var sizes []int
	for _, cmds := range f.seen {
		sizes = append(sizes, len(cmds))
	}
	return sizes
}

func (f *trips) gather(t *testing.T) *gather {
	t.Helper()
	client, err := Connect(Connection{URL: "redis://127.0.0.1:1"}) // never dialled
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	client.AddHook(f)
	return &gather{pipe: client.Pipeline}
}

// echo reads one text through g, and complains when the answer is another one.
func echo(ctx context.Context, t *testing.T, g *gather, text string) error {
	cmds, err := g.do(ctx, func(pipe redis.Pipeliner) { pipe.Echo(ctx, text) })
	if err != nil {
		return err
	}
	if got := cmds[0].(*redis.StringCmd).Val(); got != text {
		t.Errorf("asked for %q, got %q", text, got)
	}
	return nil
}

// In a bubble of synctest the clock stands still while anybody works, and a goroutine that is left behind fails the test.

func TestReadingsThatWaitShareARoundTrip(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		f := &trips{before: func(_ context.Context, trip int) error {
			if trip == 1 {
				<-release
			}
			return nil
		}}
		g := f.gather(t)
		var readers sync.WaitGroup
		read := func(text string) {
			readers.Go(func() {
				if err := echo(t.Context(), t, g, text); err != nil {
					t.Errorf("%s: %v", text, err)
				}
			})
			synctest.Wait()
		}
		read("first")
		for i := range tripReadings + 5 {
			read(fmt.Sprint(i))
		}
		close(release)
		readers.Wait()
		read("alone again")
		readers.Wait()
		want := []int{1, tripReadings, 5, 1}
		if got := f.sizes(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("commands of each round trip: %v, want %v", got, want)
		}
	})
}

// seen is what a reader saw.
type seen struct {
	err  error
	took time.Duration
}

func TestWhoAsksTheSameSharesTheAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &trips{before: func(context.Context, int) error { time.Sleep(patience / 2); return nil }}
		g := f.gather(t)
		var readers sync.WaitGroup
		read := func(ctx context.Context, text string) {
			readers.Go(func() {
				if err := echo(ctx, t, g, text); err != nil && ctx.Err() == nil {
					t.Errorf("%s: %v", text, err)
				}
			})
			synctest.Wait()
		}
		read(t.Context(), "a") // on its way: whoever comes later must see a later moment
		leaving, leave := context.WithCancel(t.Context())
		for _, text := range []string{"a", "b", "a", "b", "a"} {
			read(t.Context(), text)
			read(leaving, text)
			read(leaving, "c")
		}
		leave()
		readers.Wait()
		if sizes := f.sizes(); fmt.Sprint(sizes) != "[1 2]" {
			t.Errorf("commands of each round trip: %v, want a, and then a and b once each", sizes)
		}
	})
}

func TestAReadingEndsWithItsOwnContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hanging := func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }
		f := &trips{before: hanging}
		g := f.gather(t)
		var readers sync.WaitGroup
		results := map[string]*seen{}
		read := func(name string, ctx context.Context) {
			result := &seen{}
			results[name] = result
			readers.Go(func() {
				began := time.Now()
				result.err = echo(ctx, t, g, name)
				result.took = time.Since(began)
			})
			synctest.Wait()
		}
		limited := func(limit time.Duration) context.Context {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			t.Cleanup(cancel)
			return ctx
		}
		read("goes at once", limited(time.Second))
		read("waits, and leaves before anybody goes", limited(patience/2))
		read("is on a shared trip", limited(20*time.Millisecond))
		read("is on the same trip, with more time", limited(2*time.Second))
		gone, leave := context.WithCancel(limited(time.Minute))
		read("is called away", gone)
		time.Sleep(time.Second / 2)
		leave()
		readers.Wait()
		for name, want := range map[string]seen{
			"goes at once":                          {context.DeadlineExceeded, time.Second},
			"waits, and leaves before anybody goes": {context.DeadlineExceeded, patience / 2},
			"is on a shared trip":                   {context.DeadlineExceeded, 20 * time.Millisecond},
			"is on the same trip, with more time":   {context.DeadlineExceeded, 2 * time.Second},
			"is called away":                        {context.Canceled, time.Second / 2},
		} {
			if r := results[name]; !errors.Is(r.err, want.err) || r.took != want.took {
				t.Errorf("%s: error %v after %v, want %v after %v", name, r.err, r.took, want.err, want.took)
			}
		}
		time.Sleep(time.Minute) // the shared trip ends with its most patient reader's time, who is called away long before
		if sizes := f.sizes(); fmt.Sprint(sizes) != "[1 3]" {
			t.Errorf("commands of each round trip: %v, want one, and the three that were still waiting", sizes)
		}
	})
}

func TestASlowTripIsOvertaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &trips{before: func(_ context.Context, trip int) error {
			if trip <= 2 {
				time.Sleep(time.Hour)
			}
			return nil
		}}
		g := f.gather(t)
		var readers sync.WaitGroup
		defer readers.Wait()
		slow := func() {
			readers.Go(func() { _ = echo(t.Context(), t, g, "slow") })
			synctest.Wait()
		}
		slow() // alone
		slow() // waits for it, and then begins the second
		time.Sleep(patience)
		synctest.Wait()
		for range 3 {
			began := time.Now()
			if err := echo(t.Context(), t, g, "quick"); err != nil {
				t.Error(err)
			}
			if waited := time.Since(began); waited > patience {
				t.Errorf("a reading waited %v for others, want at most %v", waited, patience)
			}
		}
	})
}

func TestABadCommandFailsItsOwnReadingOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &trips{before: func(_ context.Context, trip int) error { time.Sleep(patience / 2); return nil }}
		g := f.gather(t)
		var readers sync.WaitGroup
		for i := range 9 {
			readers.Go(func() {
				if i%3 != 1 {
					if err := echo(t.Context(), t, g, fmt.Sprint(i)); err != nil {
						t.Errorf("a good reading fails: %v", err)
					}
					return
				}
				var said redis.Error
				_, err := g.do(t.Context(), func(pipe redis.Pipeliner) { pipe.HGetAll(t.Context(), fmt.Sprint(i)) })
				if !errors.As(err, &said) {
					t.Errorf("error %v, want that of Redis", err)
				}
			})
			synctest.Wait()
		}
		readers.Wait()
		if sizes := f.sizes(); fmt.Sprint(sizes) != "[1 8]" {
			t.Errorf("commands of each round trip: %v, want 1 and 8", sizes)
		}
	})
}

func TestASharedTripIsTriedOnceMoreWhenTheConnectionFails(t *testing.T) {
	t.Parallel()
	for failures, want := range map[int]error{1: nil, 2: io.EOF} {
		synctest.Test(t, func(t *testing.T) {
			f := &trips{before: func(_ context.Context, trip int) error {
				time.Sleep(patience / 10)
				if trip >= 2 && trip < 2+failures {
					return io.EOF
				}
				return nil
			}}
			g := f.gather(t)
			var readers sync.WaitGroup
			readers.Go(func() { _ = echo(t.Context(), t, g, "first") })
			synctest.Wait()
			for i := range 4 {
				readers.Go(func() {
					if err := echo(t.Context(), t, g, fmt.Sprint(i)); !errors.Is(err, want) {
						t.Errorf("after %d failures: error %v, want %v", failures, err, want)
					}
				})
			}
			readers.Wait()
			if sizes := f.sizes(); fmt.Sprint(sizes) != "[1 4 4]" {
				t.Errorf("commands of each round trip: %v, want the four twice", sizes)
			}
		})
	}
}

// Readers of a real server, some of which give up at any moment: for the race detector, and to see that nobody gets another's answer.
func TestReadersComeAndGo(t *testing.T) {
	t.Parallel()
	rdb := redistest.Client(t)
	for name, g := range map[string]*gather{"pipeline": {pipe: rdb.Pipeline}, "transaction": {pipe: rdb.TxPipeline}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var readers sync.WaitGroup
			for reader := range 16 {
				readers.Go(func() {
					random := rand.New(rand.NewPCG(1, uint64(reader)))
					for i := range 300 {
						ctx, cancel := context.WithCancel(t.Context())
						if random.IntN(3) == 0 {
							time.AfterFunc(time.Duration(random.IntN(300))*time.Microsecond, cancel)
						}
						if err := echo(ctx, t, g, fmt.Sprint(reader, i)); err != nil && ctx.Err() == nil {
							t.Error(err)
						}
						cancel()
					}
				})
			}
			readers.Wait()
		})
	}
}

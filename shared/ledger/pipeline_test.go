package ledger

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"orderpipeline/shared/order"
	"orderpipeline/shared/redistest"
)

// Every operation reports a login that Redis refuses, with the words of Redis.
func TestRefusedLogin(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--requirepass", "right")
	store := openStore(t, Connection{URL: server.URL(), Password: "wrong"})
	operations := readings(store)
	maps.Copy(operations, writings(store))
	for name, do := range operations {
		err := do(t.Context())
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: got %v, want ErrUnavailable", name, err)
		}
		if err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
			t.Errorf("%s: got %v, want WRONGPASS", name, err)
		}
	}
}

// All reading works while Redis accepts no writes, and writes say why they fail.
func TestReadingWithoutWriting(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	store := openStore(t, Connection{URL: server.URL()})
	m := newModel()
	orders := m.withoutConflicts(randomOrders(rand.New(rand.NewPCG(1, 1)), 300))
	if err := store.Record(t.Context(), orders, make([]Outcome, len(orders))); err != nil {
		t.Fatal(err)
	}

	replica := redistest.Start(t, "--replicaof", "127.0.0.1 "+strconv.Itoa(server.Port))
	if n, err := server.Client().Wait(t.Context(), 1, time.Minute).Result(); err != nil || n != 1 {
		t.Fatalf("the replica did not catch up: %d, %v", n, err)
	}
	if err := server.Client().ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, url, refusal string }{
		{"full", server.URL(), "OOM"},
		{"read-only", replica.URL(), "READONLY"},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := openStore(t, Connection{URL: c.url}) // a new process, which reads the layout
			m.check(t.Context(), t, store)
			for name, do := range readings(store) {
				if err := do(t.Context()); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			for name, do := range writings(store) {
				err := do(t.Context())
				if err == nil || !strings.Contains(err.Error(), c.refusal) {
					t.Errorf("%s: got %v, want %s", name, err, c.refusal)
				}
			}
			m.check(t.Context(), t, store)
		})
	}
}

type operation = func(context.Context) error

// writings is everything that a store writes.
func writings(store *Store) map[string]operation {
	orders := []order.Order{makeOrder("new 1", "U1", 100), makeOrder("new 2", "U2", 100)}
	outcomes := make([]Outcome, len(orders))
	refused := []RefusedMessage{{MessageID: "m1", Reason: order.InvalidJSON}}
	return map[string]operation{
		"record": func(ctx context.Context) error { return store.Record(ctx, orders, outcomes) },
		"replay": func(ctx context.Context) error {
			return store.Replay(ctx, time.Now(), Healing, orders, outcomes)
		},
		"count refused messages": func(ctx context.Context) error {
			return store.CountRefused(ctx, refused)
		},
		"add to the counters": func(ctx context.Context) error {
			return store.AddCounters(ctx, map[string]int64{"a": 1})
		},
		"clear": func(ctx context.Context) error {
			_, err := store.Clear(ctx)
			return err
		},
	}
}

// readings is everything that a store reads.
func readings(store *Store) map[string]operation {
	return map[string]operation{
		"ping":   store.Ping,
		"global": func(ctx context.Context) error { return errorOf(store.Global(ctx)) },
		"user":   func(ctx context.Context) error { return errorOf(store.User(ctx, "U1")) },
		"top":    func(ctx context.Context) error { return errorOf(store.Top(ctx, 10)) },
		"monthly": func(ctx context.Context) error {
			return errorOf(store.Monthly(ctx, month("2024-01"), month("2024-12")))
		},
		"months": func(ctx context.Context) error { return errorOf(store.Months(ctx)) },
		"daily": func(ctx context.Context) error {
			return errorOf(store.Daily(ctx, day("2024-01-01"), day("2024-12-31")))
		},
		"customers": func(ctx context.Context) error {
			_, _, err := store.Customers(ctx, "", 10)
			return err
		},
		"messages": func(ctx context.Context) error { return errorOf(store.Messages(ctx)) },
		"counters": func(ctx context.Context) error { return errorOf(store.Counters(ctx)) },
		"state":    func(ctx context.Context) error { return errorOf(store.State(ctx)) },
	}
}

func errorOf[T any](_ T, err error) error { return err }

// What timed out is not repeated at once, what met a dead connection is.
func TestRetry(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer  func(net.Conn)
		timeout time.Duration
		want    int64 // connections
	}{
		"no answer":         {func(net.Conn) {}, 2 * time.Second, 1},
		"closed connection": {func(conn net.Conn) { _ = conn.Close() }, time.Minute, attempts},
		"error reply": {func(conn net.Conn) {
			_, _ = conn.Write([]byte(strings.Repeat("-ERR no\r\n", 10))) // to each command
		}, time.Minute, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, connections := listen(t, c.answer)
			url := "redis://" + address
			store := openStore(t, Connection{URL: url, Timeout: c.timeout})
			store.checked.Store(true) // so that it begins with the script
			one := []order.Order{makeOrder("ORD1", "U1", 100)}

			err := store.Record(t.Context(), one, make([]Outcome, 1))
			if !errors.Is(err, ErrUnavailable) {
				t.Errorf("got %v, want ErrUnavailable", err)
			}
			if got := connections.Load(); got != c.want {
				t.Errorf("%d connections, want %d", got, c.want)
			}
		})
	}
}

// listen starts a server that answers the first bytes of each connection, and counts connections.
func listen(t *testing.T, answer func(net.Conn)) (address string, connections *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	connections = &atomic.Int64{}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			t.Cleanup(func() { _ = conn.Close() })
			go func() {
				_, _ = conn.Read(make([]byte, 1<<16))
				answer(conn)
			}()
		}
	}()
	return listener.Addr().String(), connections
}

func openStore(t *testing.T, c Connection) *Store {
	t.Helper()
	rdb, err := Connect(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	store, err := New(rdb, Options{Shards: 1, Retention: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

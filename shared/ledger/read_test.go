package ledger

import (
	"context"
	"errors"
	"net"
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
	for name, do := range operations(store) {
		t.Run(name, func(t *testing.T) {
			err := do(t.Context())
			if !errors.Is(err, ErrUnavailable) {
				t.Errorf("got %v, want ErrUnavailable", err)
			}
			if err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
				t.Errorf("got %v, want WRONGPASS", err)
			}
		})
	}
}

// operations is everything that a store does.
func operations(store *Store) map[string]func(context.Context) error {
	orders := []order.Order{makeOrder("ORD1", "U1", 100), makeOrder("ORD2", "U2", 100)}
	refused := []RefusedMessage{{MessageID: "m1", Reason: order.InvalidJSON}}
	return map[string]func(context.Context) error{
		"record": func(ctx context.Context) error {
			return store.Record(ctx, orders, make([]Outcome, len(orders)))
		},
		"count refused messages": func(ctx context.Context) error {
			return store.CountRefused(ctx, refused)
		},
		"add to the counters": func(ctx context.Context) error {
			return store.AddCounters(ctx, map[string]int64{"a": 1})
		},
		"ping": store.Ping,
		"global": func(ctx context.Context) error {
			_, err := store.Global(ctx)
			return err
		},
		"user": func(ctx context.Context) error {
			_, err := store.User(ctx, "U1")
			return err
		},
		"top": func(ctx context.Context) error {
			_, err := store.Top(ctx, 10)
			return err
		},
		"monthly": func(ctx context.Context) error {
			_, err := store.Monthly(ctx, month("2024-01"), month("2024-12"))
			return err
		},
		"messages": func(ctx context.Context) error {
			_, err := store.Messages(ctx)
			return err
		},
		"counters": func(ctx context.Context) error {
			_, err := store.Counters(ctx)
			return err
		},
	}
}

// What timed out is not repeated at once, what met a dead connection is.
func TestRetryOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(net.Conn)
		want   int64 // connections
	}{
		"no answer":         {func(net.Conn) {}, 1},
		"closed connection": {func(conn net.Conn) { _ = conn.Close() }, 2},
		"error reply":       {func(conn net.Conn) { _, _ = conn.Write([]byte("-ERR no\r\n")) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, connections := listen(t, c.answer)
			url := "redis://" + address
			store := openStore(t, Connection{URL: url, Timeout: 300 * time.Millisecond})
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

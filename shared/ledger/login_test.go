package ledger

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/order"
	"orderpipeline/shared/redistest"
)

// rotated are credentials whose secret a test changes; it is looked at again by Renew only.
type rotated struct {
	secret   atomic.Pointer[string]
	mu       sync.Mutex
	password string
	changes  int // of the password
	renewals int
}

func newRotated(password string) *rotated {
	r := &rotated{password: password}
	r.secret.Store(&password)
	return r
}

func (r *rotated) Credentials(context.Context) (string, string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return "worker", r.password, nil
}

func (r *rotated) Renew(_ context.Context, _, refused string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if refused != r.password {
		return true
	}
	r.renewals++
	if *r.secret.Load() == r.password {
		return false
	}
	r.password = *r.secret.Load()
	r.changes++
	return true
}

// setPassword gives the user one password and closes its connections, as a rotation that ends all
// sessions does.
func setPassword(t *testing.T, admin *redis.Client, password string) {
	t.Helper()
	_, err := admin.Pipelined(t.Context(), func(pipe redis.Pipeliner) error {
		pipe.Do(t.Context(), "acl", "setuser", "worker", "on", "resetpass", ">"+password, "~*", "+@all")
		pipe.Do(t.Context(), "client", "kill", "user", "worker")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Writers and readers go on through twenty rotations, and none of them sees an error.
func TestRotationUnderTraffic(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	admin := server.Client()
	setPassword(t, admin, "password 0")
	credentials := newRotated("password 0")
	store := openStore(t, Connection{URL: server.URL(), Credentials: credentials})

	var done [4]atomic.Int64 // the calls of three writers and one reader
	stopped := make(chan struct{})
	var group sync.WaitGroup
	traffic := func(caller int, do func(n int64) error) {
		group.Go(func() {
			for {
				select {
				case <-stopped:
					return
				default:
				}
				if err := do(done[caller].Load()); err != nil {
					t.Errorf("caller %d, call %d: %v", caller, done[caller].Load(), err)
					return
				}
				done[caller].Add(1)
			}
		})
	}
	for writer := range 3 {
		traffic(
			writer, func(n int64) error { return recordOne(store, fmt.Sprintf("O-%d-%d", writer, n)) },
		)
	}
	traffic(3, func(int64) error {
		_, err := store.Global(t.Context())
		return err
	})

	// Every caller gets two calls done between one rotation and the next, so that none is hit by two.
	settle := func() {
		for caller := range done {
			before := done[caller].Load()
			deadline := time.Now().Add(time.Minute)
			for done[caller].Load() < before+2 && !t.Failed() {
				if time.Now().After(deadline) {
					t.Fatalf("caller %d makes no progress", caller)
				}
				time.Sleep(time.Millisecond)
			}
		}
	}
	settle()
	for n := 1; n <= 20; n++ {
		password := fmt.Sprintf("password %d", n)
		credentials.secret.Store(&password)
		setPassword(t, admin, password)
		settle()
	}
	close(stopped)
	group.Wait()

	want := done[0].Load() + done[1].Load() + done[2].Load()
	if totals, err := store.Global(t.Context()); err != nil || totals.Orders != want {
		t.Errorf("%d orders, error %v, want %d", totals.Orders, err, want)
	}
	if credentials.changes != 20 {
		t.Errorf("%d renewals, want 20", credentials.changes)
	}
}

// recordOne counts one order. It is a duplicate where its first attempt lost its connection after
// Redis had counted it.
func recordOne(store *Store, id string) error {
	o := order.Order{ID: id, UserID: "U1", Placed: time.Unix(0, 0).UTC(), Value: 1}
	outcomes := make([]Outcome, 1)
	err := store.Record(context.Background(), []order.Order{o}, outcomes)
	if err == nil && outcomes[0] != Recorded && outcomes[0] != Duplicate {
		err = fmt.Errorf("outcome %v", outcomes[0])
	}
	return err
}

func TestRotationOnACluster(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, 3, false)
	rotate := func(password string) {
		for _, master := range cluster.Masters {
			setPassword(t, master.Client(), password)
		}
	}
	rotate("old")
	credentials := newRotated("old")
	store := openStore(t, Connection{
		URL: cluster.Masters[0].URL(), Cluster: true, Credentials: credentials,
	})
	for n, password := range []string{"old", "new", "newer"} {
		credentials.secret.Store(&password)
		rotate(password)
		// The ids differ, so that every master has something to do.
		for i := range 10 {
			if err := recordOne(store, fmt.Sprintf("O-%d-%d", n, i)); err != nil {
				t.Errorf("after %q: %v", password, err)
			}
		}
		_, err := store.rdb.TxPipelined(t.Context(), func(pipe redis.Pipeliner) error {
			pipe.HIncrBy(t.Context(), "{o0}test", "rotations", 1)
			return nil
		})
		if err != nil {
			t.Errorf("after %q: %v", password, err)
		}
	}
	// What is not idempotent is not repeated by the renewal of a login.
	if got := store.rdb.HGet(t.Context(), "{o0}test", "rotations").Val(); got != "3" {
		t.Errorf("three increments made %q", got)
	}
}

func TestRefusedLoginIsRetriedOnce(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	setPassword(t, server.Client(), "right")
	credentials := newRotated("wrong")
	store := openStore(t, Connection{URL: server.URL(), Credentials: credentials})

	if err := store.Ping(t.Context()); !redis.IsAuthError(err) {
		t.Errorf("error %v, want a refused login", err)
	}
	if credentials.renewals != 1 {
		t.Errorf("the credentials were renewed %d times, want 1", credentials.renewals)
	}
	right := "right"
	credentials.secret.Store(&right)
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("with the right secret: %v", err)
	}
}

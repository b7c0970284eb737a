package faults

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"orderpipeline/localstack/lab/labtest"
	"orderpipeline/localstack/lab/link"
	"orderpipeline/shared/redistest"
)

// routes need the store.
var routes = []string{
	"/health",
	"/stats/global",
	"/users/U1/stats",
	"/stats/top/10",
	"/stats/monthly",
	"/stats/messages",
	"/metrics",
}

// An edge is the stats function with a store that a test can take away.
type edge struct {
	*testing.T
	api   api
	redis *redistest.Server
	link  *link.Link
}

func newEdge(t *testing.T) *edge {
	t.Parallel()
	e := &edge{T: t, redis: redistest.Start(t)}
	e.link = labtest.Link(t, e.redis.Addr())
	e.api = startAPI(
		t, "REDIS_URL=redis://"+e.link.Addr(), "AWS_ENDPOINT_URL="+labtest.Queues(t, nil).Endpoint(),
		"LOG_LEVEL=warn",
	)
	e.recordOne()
	return e
}

// recordOne puts an order of the customer U1 into the store.
func (e *edge) recordOne() {
	e.Helper()
	r := &rig{T: e.T, cloud: newCloud(e.T), shards: 1}
	c := &consumer{Sandbox: startOrders(e.T, r.env(e.redis.URL())...)}
	r.orders.Send(
		`{"order_id":"ORD1","user_id":"U1","order_timestamp":"2024-05-01",` +
			`"items":[{"product_id":"P1","quantity":2,"price_per_unit":"20.005"}]}`,
	)
	for range attempts {
		r.deliver(c, r.orders.Receive(1))
		if len(r.orders.Messages()) == 0 {
			return
		}
		r.Advance(r.orders.Visibility)
	}
	e.Fatal("the first order was not recorded")
}

// attempts is how often a test does everything that it does while the API gives up a Redis that is
// there. On a busy machine Redis may take longer for an answer than the second that the API has.
const attempts = 5

// unlessSlow does something until the API never gave up a Redis that is there. Whatever else is
// wrong fails the test at once.
func (e *edge) unlessSlow(do func() (slow bool)) {
	e.Helper()
	for range attempts {
		if slow := do(); !slow || e.Failed() {
			return
		}
	}
	e.Errorf("a Redis that is there was given up in each of %d attempts", attempts)
}

// A request to the API may take this long in a test: far longer than the API's time limit, because
// the machine may be busy, and far shorter than a hang.
const patience = 8 * time.Second

// status requests a path. It is slow when the API gave up a Redis that is there.
func (e *edge) status(path string, want int) (body string, slow bool) {
	e.Helper()
	began := time.Now()
	got, body, err := e.api.get(path)
	slow = got == http.StatusServiceUnavailable && want == http.StatusOK
	if err != nil || got != want && !slow {
		e.Errorf("GET %s: got %d %v, want %d: %s", path, got, err, want, body)
	}
	if took := time.Since(began); took > patience {
		e.Errorf("GET %s took %v", path, took)
	}
	return body, slow
}

// ask requests every route while Redis is up or away. The metrics answer in either case.
func (e *edge) ask(up bool) (slow bool) {
	e.Helper()
	for _, path := range routes {
		want := http.StatusOK
		if !up && path != "/metrics" {
			want = http.StatusServiceUnavailable
		}
		body, gaveUp := e.status(path, want)
		if path == "/metrics" && strings.Contains(body, "orders_redis_up 0") == up {
			gaveUp = up
			if !up {
				e.Errorf("GET %s while Redis is away: %s", path, body)
			}
		}
		slow = slow || gaveUp
		leaks := strings.Contains(body, "127.0.0.1") ||
			path != "/metrics" && strings.Contains(body, "redis")
		if !up && leaks {
			e.Errorf("GET %s reveals what is behind it: %s", path, body)
		}
	}
	return slow
}

func TestAPIWithoutRedis(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ away, back func(*edge) }{
		"Redis down":   {func(e *edge) { e.redis.Kill() }, func(e *edge) { e.redis.Restart() }},
		"Redis frozen": {func(e *edge) { e.redis.Freeze() }, func(e *edge) { e.redis.Thaw() }},
		"network that swallows everything": {
			func(e *edge) { e.link.Watch(func(link.Chunk) link.Verdict { return link.Swallow(0) }) },
			func(e *edge) { e.link.Watch(nil) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t)
			e.unlessSlow(func() bool {
				slow := e.ask(true)
				c.away(e)
				e.ask(false)
				c.back(e)
				return e.ask(true) || slow
			})
			if e.api.Processes() != 1 {
				t.Errorf("the function was started %d times: it should recover by itself", e.api.Processes())
			}
		})
	}
}

// TestClosedConnectionCostsOneRetry closes the connection of a sandbox that is frozen: the function
// notices that only when it uses the connection, and makes a new one.
func TestClosedConnectionCostsOneRetry(t *testing.T) {
	t.Parallel()
	for _, path := range routes {
		t.Run(strings.Trim(path, "/"), func(t *testing.T) {
			e := newEdge(t)
			e.unlessSlow(func() bool {
				_, slowBefore := e.status(path, http.StatusOK)
				before := e.link.Connections()
				e.link.Drop()
				_, slow := e.status(path, http.StatusOK)
				if made := e.link.Connections() - before; made != 1 && !slow && !slowBefore {
					t.Errorf("new connections: got %d, want 1", made)
				}
				return slow || slowBefore
			})
		})
	}
	t.Run("orders", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, 1, setup{consumers: 1, messages: 20})
		r.withoutFailure()
		r.consumers[0].link.Drop()
		before := r.consumers[0].link.Connections()
		r.withoutFailure() // every message with one delivery
		if made := r.consumers[0].link.Connections() - before; made != 1 {
			t.Errorf("new connections: got %d, want 1", made)
		}
	})
}

// TestSilentConnectionCostsOneFailure lets the network forget the connection of a frozen sandbox:
// nothing says so, and nothing answers. That looks like a slow Redis, which a retry would make
// slower, so this request fails; the next one gets a new connection. (Connections that were idle
// for a minute are not used again, so this happens only in the first minute.)
func TestSilentConnectionCostsOneFailure(t *testing.T) {
	t.Parallel()
	t.Run("API", func(t *testing.T) {
		e := newEdge(t)
		e.unlessSlow(func() bool {
			_, slowBefore := e.status("/stats/global", http.StatusOK)
			e.link.Silence()
			e.status("/stats/global", http.StatusServiceUnavailable)
			_, slow := e.status("/stats/global", http.StatusOK)
			return slow || slowBefore
		})
	})
	t.Run("orders", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, 1, setup{consumers: 1, messages: 20})
		r.withoutFailure()
		r.consumers[0].link.Silence()
		r.fill()
		r.poll()
		r.drain()
		if want := 3 * r.messages; r.deliveries > want {
			t.Errorf("deliveries of %d messages: got %d, want at most %d", len(r.sent), r.deliveries, want)
		}
	})
}

// TestReadingWithoutWriting reads while Redis takes no writes: every route still answers.
func TestReadingWithoutWriting(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*edge){
		"Redis full": func(e *edge) {
			if err := e.redis.Client().ConfigSet(e.Context(), "maxmemory", "1").Err(); err != nil {
				e.Fatal(err)
			}
			err := e.redis.Client().Set(e.Context(), "one more", "key", 0).Err()
			if err == nil || !strings.HasPrefix(err.Error(), "OOM") {
				e.Fatalf("a write to a full Redis: got %v, want OOM", err)
			}
		},
		"Redis read-only": func(e *edge) {
			replica := redistest.Start(e, "--replicaof", "127.0.0.1 "+port(e.redis))
			client := replica.Client()
			deadline := time.Now().Add(30 * time.Second)
			for client.DBSize(e.Context()).Val() == 0 {
				if time.Now().After(deadline) {
					e.Fatal("the replica has no data after 30 s")
				}
				time.Sleep(10 * time.Millisecond)
			}
			err := client.Set(e.Context(), "one more", "key", 0).Err()
			if err == nil || !strings.HasPrefix(err.Error(), "READONLY") {
				e.Fatalf("a write to a replica: got %v, want READONLY", err)
			}
			e.link.Lead(replica.Addr())
			e.link.Drop()
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t)
			e.unlessSlow(func() bool { return e.ask(true) })
			stop(e)
			e.unlessSlow(func() bool { return e.ask(true) })
			if got := e.api.Processes(); got != 1 {
				t.Errorf("processes of the function: got %d, want 1", got)
			}
		})
	}
}

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
	"orderpipeline/shared/redistest/freeport"
)

// A route is one route of both APIs.
type route struct {
	name     string
	requests [][]byte
	baseline string // the baseline's route that it is compared with
}

// api measures each route over HTTP with many customers in the store, ours and the FastAPI baseline
// by turns.
func (b *benchmark) api(ctx context.Context) error {
	if err := b.buildFunctions(ctx); err != nil {
		return err
	}
	b.progress("API: filling two stores with %s customers", whole(float64(b.size.apiCustomers)))
	ours, err := b.statsServer(ctx)
	if err != nil {
		return err
	}
	defer ours.stop()
	python, err := b.fastAPI(ctx)
	if err != nil {
		return err
	}
	defer python.stop()

	users := make([][]byte, 5000)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range users {
		users[i] = get(fmt.Sprintf("/users/U%d/stats", random.IntN(b.size.apiCustomers)))
	}
	one := func(path string) [][]byte { return [][]byte{get(path)} }
	const global = "/stats/global"
	routes := []route{
		{"/users/{id}/stats", users, "/users/{id}/stats"},
		{global, one(global), global},
		{"/stats/top/10", one("/stats/top/10"), "/stats/top/10"},
		{"/stats/monthly", one("/stats/monthly"), global},
		{"/health", one("/health"), global},
		{"/metrics", one("/metrics"), "/metrics"},
	}
	requests := map[string][][]byte{}
	for _, r := range routes {
		requests[r.name] = r.requests
	}
	return b.apiRounds(ctx, routes, requests, ours.addr, python.addr)
}

// An apiLoad is one load on one server.
type apiLoad struct {
	route       string
	connections int
	addr        string
}

// An apiResult is what all rounds of a load measured, the times in ms.
type apiResult struct{ rate, p50, p99 sample }

var apiConnections = []int{1, 16, 64}

// apiRounds gives both servers the same loads by turns.
func (b *benchmark) apiRounds(
	ctx context.Context, routes []route, requests map[string][][]byte, ours, python string,
) error {
	results := map[apiLoad]*apiResult{}
	measure := func(path string, connections int, addr string) error {
		k := apiLoad{path, connections, addr}
		if results[k] == nil {
			results[k] = &apiResult{}
		}
		l := load{addr, requests[path], connections, b.size.apiTime / 4, b.size.apiTime}
		r, err := l.run(ctx)
		if err != nil {
			return fmt.Errorf("%s at %d connections: %w", path, connections, err)
		}
		m := results[k]
		m.rate = append(m.rate, r.rate)
		m.p50 = append(m.p50, millis(r.p50))
		m.p99 = append(m.p99, millis(r.p99))
		return nil
	}
	for round := range b.size.rounds {
		b.progress("API, round %d of %d", round+1, b.size.rounds)
		for _, n := range apiConnections {
			for _, r := range routes {
				if r.baseline == r.name {
					if err := measure(r.name, n, python); err != nil {
						return err
					}
				}
				if err := measure(r.name, n, ours); err != nil {
					return err
				}
			}
		}
	}
	b.reportAPI(routes, results, ours, python)
	return nil
}

func (b *benchmark) reportAPI(
	routes []route, results map[apiLoad]*apiResult, ours, python string,
) {
	s := b.section(
		"API over HTTP", "route", "connections", "requests/s", "p50 ms", "p99 ms", "FastAPI requests/s",
		"p50 ms", "p99 ms", "×",
	)
	s.note(
		"The stats function's binary as a plain server (LOG_LEVEL=warn) and one uvicorn process with "+
			"the FastAPI baseline (--log-level warning), as its first lines say, each with a separate "+
			"Redis that holds %s customers.",
		whole(float64(b.size.apiCustomers)),
	)
	s.note(
		"The load (a closed loop with kept connections), the server and Redis share the cores; the " +
			"load takes the larger share the faster the server is.",
	)
	s.note(
		"The baseline has no /stats/monthly and no /health: these are compared with its " +
			"/stats/global, its cheapest route. /metrics of the baseline covers its process only.",
	)
	for _, r := range routes {
		for _, n := range apiConnections {
			o, p := results[apiLoad{r.name, n, ours}], results[apiLoad{r.baseline, n, python}]
			x := ratio(o.rate, p.rate)
			s.row(
				r.name, strconv.Itoa(n), o.rate.text(whole), hundredths(o.p50.median()), o.p99.text(hundredths),
				p.rate.text(whole), hundredths(p.p50.median()), p.p99.text(hundredths), x.text(times),
			)
			if n == 16 && r.name != "/metrics" && r.name != "/health" {
				b.target("API, "+r.name+", 16 connections", "≥ 10 × FastAPI, p99 lower",
					fmt.Sprintf("%s, p99 %.2f against %.2f ms", x.text(times), o.p99.median(), p.p99.median()),
					x.median() >= 10 && o.p99.median() < p.p99.median(), "against "+r.baseline)
			}
		}
	}
}

// A webServer is an HTTP server under test with its Redis.
type webServer struct {
	addr    string
	redis   *server
	process *exec.Cmd
}

func (w *webServer) stop() {
	_ = w.process.Process.Kill()
	_ = w.process.Wait()
	w.redis.stop()
}

// statsServer starts the stats function's binary as a server over a filled store.
func (b *benchmark) statsServer(ctx context.Context) (*webServer, error) {
	redis, err := startRedis()
	if err != nil {
		return nil, err
	}
	store, err := redis.store(1)
	if err != nil {
		redis.stop()
		return nil, err
	}
	defer store.Close()
	orders, outcomes := make([]order.Order, 1000), make([]ledger.Outcome, 1000)
	for first := 0; first < b.size.apiCustomers; first += len(orders) {
		for i := range orders {
			n := first + i
			orders[i] = order.Order{
				ID:     fmt.Sprintf("O%d", n),
				UserID: fmt.Sprintf("U%d", n),
				Value:  spendOf(n),
				Placed: time.Date(2024, time.Month(1+n%12), 1, 0, 0, 0, 0, time.UTC),
			}
		}
		if err := store.Record(ctx, orders, outcomes); err != nil {
			redis.stop()
			return nil, err
		}
	}
	return serve(ctx, redis, b.functions["stats"], nil, func(addr string) []string {
		return statsSettings(redis.URL(), "LISTEN="+addr, "LOG_LEVEL=warn")
	})
}

// spendOf spreads what customers spent, in cents.
func spendOf(customer int) order.Cents { return order.Cents(500 + customer*7919%99_500) }

// fastAPI starts the baseline over a store that is filled with the keys that its worker would
// write.
func (b *benchmark) fastAPI(ctx context.Context) (*webServer, error) {
	redis, err := startRedis()
	if err != nil {
		return nil, err
	}
	if err := b.fillBaseline(ctx, redis); err != nil {
		redis.stop()
		return nil, err
	}
	python, err := filepath.Abs(b.python)
	if err != nil {
		redis.stop()
		return nil, err
	}
	args := []string{
		"-m", "uvicorn", "baseline_api:app", "--app-dir", here, "--host", "127.0.0.1",
		"--log-level", "warning", "--port",
	}
	return serve(ctx, redis, python, args, func(string) []string {
		return append(os.Environ(), "REDIS_URL="+redis.URL())
	})
}

func (b *benchmark) fillBaseline(ctx context.Context, redis *server) error {
	revenue := order.Cents(0)
	for first := 0; first < b.size.apiCustomers; first += 1000 {
		pipe := redis.client.Pipeline()
		for n := first; n < first+1000; n++ {
			user, spend := fmt.Sprintf("U%d", n), float64(spendOf(n))/100
			revenue += spendOf(n)
			pipe.HSet(ctx, "user:"+user, "order_count", 1, "total_spend", spend)
			pipe.ZIncrBy(ctx, "top", spend, user)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
	}
	totals := []any{"total_orders", b.size.apiCustomers, "total_revenue", float64(revenue) / 100}
	return redis.client.HSet(ctx, "global", totals...).Err()
}

// serve starts a server on a free port, which it takes as its last argument or from its
// environment, and waits until it answers.
func serve(
	ctx context.Context, redis *server, program string, args []string,
	environment func(addr string) []string,
) (*webServer, error) {
	port, err := freeport.Find()
	if err != nil {
		redis.stop()
		return nil, err
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if len(args) > 0 {
		args = append(args, strconv.Itoa(port))
	}
	w := &webServer{addr: addr, redis: redis, process: exec.Command(program, args...)}
	w.process.Env, w.process.Stderr = environment(addr), os.Stderr
	w.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := w.process.Start(); err != nil {
		redis.stop()
		return nil, err
	}
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		probe := load{
			addr:        addr,
			requests:    [][]byte{get("/stats/global")},
			connections: 1,
			duration:    time.Millisecond,
		}
		_, err := probe.run(ctx)
		if err == nil {
			return w, nil
		}
		if time.Since(begun) > 20*time.Second || ctx.Err() != nil {
			w.stop()
			return nil, fmt.Errorf("%s does not answer on %s: %w", program, addr, err)
		}
	}
}

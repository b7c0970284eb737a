package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/shared/order"
	"orderpipeline/shared/redistest/freeport"
)

// A route is one route of our API.
type route struct {
	name     string
	requests [][]byte
	baseline string // the route of the baseline that it is compared with
	asked    [][]byte
}

// An apiRound is what one round measured with one route and one number of connections.
type apiRound struct{ ours, python loadResult }

// api measures each route over HTTP with many customers in the store, ours and the FastAPI baseline
// by turns.
func (b *benchmark) api(ctx context.Context) error {
	b.progress("API: filling two stores with %s customers", console.Count(b.size.apiCustomers))
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

	routes := b.apiRoutes()
	var cases []turn[apiRound]
	for _, r := range routes {
		for _, n := range apiConnections {
			cases = append(cases, func(ctx context.Context) (both apiRound, err error) {
				l := load{python.addr, r.asked, n, b.size.apiTime / 4, b.size.apiTime}
				if both.python, err = l.run(ctx); err == nil {
					l.addr, l.requests = ours.addr, r.requests
					both.ours, err = l.run(ctx)
				}
				if err != nil {
					err = fmt.Errorf("%s at %d connections: %w", r.name, n, err)
				}
				return both, err
			})
		}
	}
	results, err := byTurns(ctx, b, "API", usualRounds, cases...)
	if err != nil {
		return err
	}
	b.reportAPI(routes, results)
	return nil
}

// apiConnections are the numbers of connections with which each route is measured.
var apiConnections = []int{1, 16, 64}

func (b *benchmark) apiRoutes() []route {
	users := make([][]byte, 5000)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range users {
		users[i] = get(fmt.Sprintf("/users/U%d/stats", random.IntN(b.size.apiCustomers)))
	}
	one := func(path, baseline string) route {
		return route{path, [][]byte{get(path)}, baseline, [][]byte{get(baseline)}}
	}
	return []route{
		{"/users/{id}/stats", users, "/users/{id}/stats", users},
		one("/stats/global", "/stats/global"),
		one("/stats/top/10", "/stats/top/10"),
		one("/stats/monthly", "/stats/global"),
		one("/health", "/stats/global"),
		one("/metrics", "/metrics"),
	}
}

// reportAPI writes the results, which are those of the first route with each number of connections,
// then those of the next route.
func (b *benchmark) reportAPI(routes []route, results [][]apiRound) {
	s := b.section(
		"API over HTTP", "route", "connections", "requests/s", "p50 ms", "p99 ms", "FastAPI requests/s",
		"p50 ms", "p99 ms", "×",
	)
	s.note(
		"The stats function's binary as a plain server (LOG_LEVEL=warn) and one uvicorn process with "+
			"the FastAPI baseline (--log-level warning), as its first lines say, each with a separate "+
			"Redis that holds %s customers.",
		console.Count(b.size.apiCustomers),
	)
	s.note(
		"The load (a closed loop with kept connections), the server and Redis share the cores; the " +
			"load takes the larger share the faster the server is.",
	)
	s.note(
		"The baseline has no /stats/monthly and no /health: these are compared with its " +
			"/stats/global, its cheapest route. /metrics of the baseline covers its process only.",
	)
	rate := func(r loadResult) float64 { return r.rate }
	p50 := func(r loadResult) float64 { return r.p50 }
	p99 := func(r loadResult) float64 { return r.p99 }
	for i, rounds := range results {
		r, n := routes[i/len(apiConnections)], apiConnections[i%len(apiConnections)]
		ours := func(figure func(loadResult) float64) sample {
			return each(rounds, func(both apiRound) float64 { return figure(both.ours) })
		}
		python := func(figure func(loadResult) float64) sample {
			return each(rounds, func(both apiRound) float64 { return figure(both.python) })
		}
		x := ratio(ours(rate), python(rate))
		slow, pythonSlow := ours(p99), python(p99)
		s.row(
			r.name, strconv.Itoa(n), ours(rate).text(whole), hundredths(ours(p50).median()),
			slow.text(hundredths), python(rate).text(whole), hundredths(python(p50).median()),
			pythonSlow.text(hundredths), x.text(times),
		)
		if n == 16 && r.name != "/metrics" && r.name != "/health" {
			b.target("API, "+r.name+", 16 connections", "≥ 10 × FastAPI, p99 lower",
				fmt.Sprintf("%s, p99 %.2f against %.2f ms", x.text(times), slow.median(), pythonSlow.median()),
				x.median() >= 10 && slow.median() < pythonSlow.median(), "against "+r.baseline)
		}
	}
}

// A webServer is an HTTP server under test with its Redis.
type webServer struct {
	addr    string
	redis   *server
	process *exec.Cmd // nil before it is started
}

// startWebServer starts a Redis, fills it, starts a server over it and waits until it answers.
func startWebServer(
	ctx context.Context, fill func(*server) error, command func(port, redisURL string) *exec.Cmd,
) (*webServer, error) {
	port, err := freeport.Find()
	if err != nil {
		return nil, err
	}
	redis, err := startRedis()
	if err != nil {
		return nil, err
	}
	w := &webServer{addr: fmt.Sprintf("127.0.0.1:%d", port), redis: redis}
	if err = fill(redis); err == nil {
		err = w.serve(ctx, command(strconv.Itoa(port), redis.URL()))
	}
	if err != nil {
		w.stop()
		return nil, err
	}
	return w, nil
}

func (w *webServer) stop() {
	if w.process != nil {
		_ = w.process.Process.Kill()
		_ = w.process.Wait()
	}
	w.redis.stop()
}

// serve starts the server and waits until it answers.
func (w *webServer) serve(ctx context.Context, command *exec.Cmd) error {
	command.Stderr = os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		return err
	}
	w.process = command
	probe := load{
		addr:        w.addr,
		requests:    [][]byte{get("/stats/global")},
		connections: 1,
		duration:    time.Millisecond,
	}
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		_, err := probe.run(ctx)
		if err == nil {
			return nil
		}
		if time.Since(begun) > 20*time.Second || ctx.Err() != nil {
			return fmt.Errorf("%s does not answer on %s: %w", command.Path, w.addr, err)
		}
	}
}

// statsServer starts the stats function's binary as a server over a store with one order of each
// customer.
func (b *benchmark) statsServer(ctx context.Context) (*webServer, error) {
	return startWebServer(ctx, func(redis *server) error {
		store, err := openStore(redis.URL(), 1, patience)
		if err != nil {
			return err
		}
		defer store.Close()
		return fill(ctx, store, 0, b.size.apiCustomers, func(n int) int { return n })
	}, func(port, redisURL string) *exec.Cmd {
		command := exec.Command(b.functions["stats"])
		command.Env = statsSettings(redisURL, "LISTEN=127.0.0.1:"+port, "LOG_LEVEL=warn")
		return command
	})
}

// fastAPI starts the baseline over a store that is filled with the keys that its worker would
// write.
func (b *benchmark) fastAPI(ctx context.Context) (*webServer, error) {
	return startWebServer(ctx, func(redis *server) error {
		return b.fillBaseline(ctx, redis)
	}, func(port, redisURL string) *exec.Cmd {
		command := exec.Command(baselinePython, "-m", "uvicorn", "baseline_api:app", "--app-dir", here,
			"--host", "127.0.0.1", "--port", port, "--log-level", "warning")
		command.Env = append(os.Environ(), "REDIS_URL="+redisURL)
		return command
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

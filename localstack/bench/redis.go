package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/config"
	"orderpipeline/shared/ledger"
	"orderpipeline/shared/redistest/redisserver"
)

// A server is an empty redis-server for one measurement. Both sides of a comparison get the same
// settings; by default nothing is written to disk.
type server struct {
	*redisserver.Server
	client *redis.Client
}

func startRedis(args ...string) (*server, error) {
	core, err := redisserver.Start(append([]string{"--appendonly", "no"}, args...)...)
	if err != nil {
		return nil, err
	}
	return &server{core, core.Client()}, nil
}

// stop ends the server and deletes its data.
func (s *server) stop() { _ = s.Close() } // a folder that is left in /tmp changes no measurement

// patience is how long a measurement waits for Redis.
const patience = 30 * time.Second

// openStore opens the ledger as the functions do. A call of Redis may take as long as timeout.
func openStore(url string, shards int, timeout time.Duration) (*ledger.Store, error) {
	rdb, err := ledger.Connect(ledger.Connection{URL: url, Timeout: timeout})
	if err != nil {
		return nil, err
	}
	return ledger.New(rdb, ledger.Options{Shards: shards, Retention: retention})
}

// retention is the functions' default.
const retention = config.DefaultRetentionDays * 24 * time.Hour

// info returns the fields of INFO.
func (s *server) info(ctx context.Context) (map[string]string, error) {
	text, err := s.client.Info(ctx, "everything").Result()
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), ":"); found {
			fields[name] = value
		}
	}
	return fields, nil
}

// A usage is what Redis has used so far.
type usage struct {
	memory float64       // bytes, allocated for data and its own needs
	cpu    time.Duration // processor time
}

func (s *server) used(ctx context.Context) (usage, error) {
	fields, err := s.info(ctx)
	if err != nil {
		return usage{}, err
	}
	var numbers [3]float64
	for i, name := range []string{"used_memory", "used_cpu_user", "used_cpu_sys"} {
		if numbers[i], err = strconv.ParseFloat(fields[name], 64); err != nil {
			return usage{}, err
		}
	}
	seconds := numbers[1] + numbers[2]
	return usage{numbers[0], time.Duration(seconds * float64(time.Second))}, nil
}

// measure returns what it takes to record a number of orders.
func (s *server) measure(ctx context.Context, orders int, record func() error) (cost, error) {
	before, err := s.used(ctx)
	if err != nil {
		return cost{}, err
	}
	goBefore, begun := processorTime(), time.Now()
	if err := record(); err != nil {
		return cost{}, err
	}
	c := cost{
		orders: float64(orders), elapsed: time.Since(begun), ours: processorTime() - goBefore,
	}
	after, err := s.used(ctx)
	c.redis, c.memory = after.cpu-before.cpu, after.memory-before.memory
	return c, err
}

// processorTime is what this process has used on all cores.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// setRealTimePriority keeps other programs from interrupting the server, where the user may do so.
// Otherwise the server is stopped in the middle of a script now and then, for 4 ms at a time, when
// there are fewer cores than busy programs.
func (s *server) setRealTimePriority() {
	chrt := exec.Command("chrt", "--fifo", "--pid", "1", strconv.Itoa(s.PID()))
	_ = chrt.Run() // without it, figures are higher
}

// watchScripts lets Redis note every command of a millisecond and more from now on.
func (s *server) watchScripts(ctx context.Context) error {
	settings := [][2]string{{"slowlog-log-slower-than", "1000"}, {"slowlog-max-len", "100000"}}
	for _, setting := range settings {
		if err := s.client.ConfigSet(ctx, setting[0], setting[1]).Err(); err != nil {
			return err
		}
	}
	return s.client.SlowLogReset(ctx).Err()
}

// A scriptTimes says how long scripts ran, in ms: half of them, 99.9 % of them, and the longest.
type scriptTimes struct{ usual, p999, longest float64 }

// scripts returns the times of all scripts since watchScripts.
func (s *server) scripts(ctx context.Context) (scriptTimes, error) {
	fields, err := s.info(ctx)
	if err != nil {
		return scriptTimes{}, err
	}
	var p50, p99, p999 float64 // in µs
	percentiles := fields["latency_percentiles_usec_evalsha"]
	if _, err := fmt.Sscanf(percentiles, "p50=%f,p99=%f,p99.9=%f", &p50, &p99, &p999); err != nil {
		return scriptTimes{}, fmt.Errorf("INFO tells %q of EVALSHA: %w", percentiles, err)
	}
	entries, err := s.client.SlowLogGet(ctx, -1).Result()
	if err != nil {
		return scriptTimes{}, err
	}
	times := scriptTimes{usual: p50 / 1000, p999: p999 / 1000, longest: p999 / 1000}
	for _, entry := range entries {
		if len(entry.Args) > 0 && strings.HasPrefix(strings.ToLower(entry.Args[0]), "eval") {
			times.longest = max(times.longest, millis(entry.Duration))
		}
	}
	return times, nil
}

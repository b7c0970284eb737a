package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
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

// store opens the ledger on the server, as the functions do.
func (s *server) store(shards int) (*ledger.Store, error) {
	rdb, err := ledger.Connect(ledger.Connection{URL: s.URL(), Timeout: 30 * time.Second})
	if err != nil {
		return nil, err
	}
	return ledger.New(rdb, ledger.Options{Shards: shards, Retention: retention})
}

// retention is the functions' default.
const retention = config.DefaultRetentionDays * 24 * time.Hour

// info returns one section of INFO.
func (s *server) info(ctx context.Context, section string) (map[string]string, error) {
	text, err := s.client.Info(ctx, section).Result()
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

func (s *server) number(ctx context.Context, section, field string) (float64, error) {
	fields, err := s.info(ctx, section)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(fields[field], 64)
}

// memory is what Redis has allocated for data and its own needs, in bytes.
func (s *server) memory(ctx context.Context) (float64, error) {
	return s.number(ctx, "memory", "used_memory")
}

// cpu is the processor time that Redis has used.
func (s *server) cpu(ctx context.Context) (time.Duration, error) {
	fields, err := s.info(ctx, "cpu")
	if err != nil {
		return 0, err
	}
	user, err := strconv.ParseFloat(fields["used_cpu_user"], 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseFloat(fields["used_cpu_sys"], 64)
	return time.Duration((user + system) * float64(time.Second)), err
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

// scripts says, in milliseconds, how long a script usually ran, what one in a thousand passed, and
// what the longest took since watchScripts.
func (s *server) scripts(ctx context.Context) (usual, p999, longest float64, err error) {
	if usual, err = s.scriptPercentile(ctx, "p50"); err != nil {
		return 0, 0, 0, err
	}
	if p999, err = s.scriptPercentile(ctx, "p99.9"); err != nil {
		return 0, 0, 0, err
	}
	entries, err := s.client.SlowLogGet(ctx, -1).Result()
	if err != nil {
		return 0, 0, 0, err
	}
	longest = p999
	for _, entry := range entries {
		if len(entry.Args) > 0 && strings.HasPrefix(strings.ToLower(entry.Args[0]), "eval") {
			longest = max(longest, millis(entry.Duration))
		}
	}
	return usual, p999, longest, nil
}

// scriptPercentile is what a share of all scripts since the server's start did not exceed, in
// milliseconds; share is p50, p99 or p99.9.
func (s *server) scriptPercentile(ctx context.Context, share string) (float64, error) {
	fields, err := s.info(ctx, "latencystats")
	if err != nil {
		return 0, err
	}
	for entry := range strings.SplitSeq(fields["latency_percentiles_usec_evalsha"], ",") {
		if value, found := strings.CutPrefix(entry, share+"="); found {
			micros, err := strconv.ParseFloat(value, 64)
			return micros / 1000, err
		}
	}
	return 0, fmt.Errorf("INFO latencystats knows no %s of EVALSHA", share)
}

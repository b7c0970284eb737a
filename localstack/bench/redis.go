package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/redistest/freeport"
)

// A server is a redis-server of the benchmark's own: empty, on a free loopback port, in a folder of its own. Both sides of a
// comparison get the same settings; without a word to the contrary nothing is written to disk.
type server struct {
	addr    string
	dir     string
	process *exec.Cmd
	client  *redis.Client
}

func startRedis(ctx context.Context, args ...string) (*server, error) {
	dir, err := os.MkdirTemp("", "bench-redis-")
	if err != nil {
		return nil, err
	}
	port, err := freeport.Find()
	if err != nil {
		return nil, err
	}
	s := &server{addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), dir: dir}
	s.process = exec.Command("redis-server", append([]string{
		"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--logfile", "log",
		"--appendonly", "no", "--save", "", "--daemonize", "no",
	}, args...)...)
	s.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.process.Start(); err != nil {
		return nil, fmt.Errorf("start redis-server (on Debian: apt-get install redis-server): %w", err)
	}
	s.client = redis.NewClient(&redis.Options{Addr: s.addr, Protocol: 2, DisableIdentity: true, MaxRetries: -1})
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if err = s.client.Ping(ctx).Err(); err == nil {
			return s, nil
		}
		if time.Since(begun) > 10*time.Second || ctx.Err() != nil {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			s.stop()
			return nil, fmt.Errorf("redis-server does not answer on %s: %w\n%s", s.addr, err, log)
		}
	}
}

// stop ends the server and removes what it left.
func (s *server) stop() {
	_ = s.client.Close()
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
	_ = os.RemoveAll(s.dir)
}

func (s *server) url() string { return "redis://" + s.addr + "/0" }

// store opens the product's own store on the server, as its functions do.
func (s *server) store(shards int) (*ledger.Store, error) {
	rdb, err := ledger.Connect(ledger.Connection{URL: s.url(), Timeout: 30 * time.Second})
	if err != nil {
		return nil, err
	}
	return ledger.New(rdb, ledger.Options{Shards: shards, Retention: retention})
}

// retention is the functions' default.
const retention = 35 * 24 * time.Hour

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

// favour lets nothing else have the processor that the server runs on, where the user may do so. Otherwise the server is stopped in
// the middle of a script now and then, for 4 ms at a time, when the cores are fewer than what wants to run.
func (s *server) favour() {
	_ = exec.Command("chrt", "--fifo", "--pid", "1", strconv.Itoa(s.process.Process.Pid)).Run() // without it, figures are higher
}

// watchScripts lets Redis note every command of a millisecond and more from now on.
func (s *server) watchScripts(ctx context.Context) error {
	for _, setting := range [][2]string{{"slowlog-log-slower-than", "1000"}, {"slowlog-max-len", "100000"}} {
		if err := s.client.ConfigSet(ctx, setting[0], setting[1]).Err(); err != nil {
			return err
		}
	}
	return s.client.SlowLogReset(ctx).Err()
}

// scripts says, in milliseconds, how long a script usually ran, what one in a thousand passed, and what the longest took since
// watchScripts.
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

// scriptPercentile is what a share of all scripts since the server's start did not exceed, in milliseconds; share is p50, p99 or p99.9.
func (s *server) scriptPercentile(ctx context.Context, share string) (float64, error) {
	fields, err := s.info(ctx, "latencystats")
	if err != nil {
		return 0, err
	}
	for part := range strings.SplitSeq(fields["latency_percentiles_usec_evalsha"], ",") {
		if value, found := strings.CutPrefix(part, share+"="); found {
			micros, err := strconv.ParseFloat(value, 64)
			return micros / 1000, err
		}
	}
	return 0, fmt.Errorf("INFO latencystats knows no %s of EVALSHA", share)
}

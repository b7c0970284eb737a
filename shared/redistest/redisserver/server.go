// Package redisserver starts real redis-server processes, alone or as a Redis Cluster, each on a
// free loopback port with its own data folder. Package redistest is the helper for tests above it;
// the benchmarks use it directly.
package redisserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/redistest/freeport"
	"orderpipeline/shared/redistest/freeze"
)

// ErrNotRunning means that the server was killed and not restarted.
var ErrNotRunning = errors.New("the redis-server is not running")

// A Server is one redis-server process. It may be killed, frozen and restarted; it keeps its port
// and its data. Close must be called when it is not needed any more.
type Server struct {
	Port int
	Dir  string // for its data

	clustered bool // whether it is a node of a cluster
	bus       int  // its port for the other nodes; zero: none
	args      []string
	clients   clients

	mu      sync.Mutex
	process *exec.Cmd

	once   sync.Once
	client *redis.Client // used by this package
}

// Start starts a server with an append-only file. The arguments are passed to redis-server after
// the package's own, so they override them.
func Start(args ...string) (*Server, error) {
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return nil, err
	}
	return start(&Server{Dir: dir, args: args})
}

// StartInMemory does the same with a data folder in memory where there is room. A redis-server that
// waits for its disk answers no client: while other packages are built and tested, an fsync may
// take longer than the functions wait for an answer. Nothing is lost in memory either, because
// tests end processes and not the machine.
func StartInMemory(args ...string) (*Server, error) {
	dir, err := makeFolder()
	if err != nil {
		return nil, err
	}
	return start(&Server{Dir: dir, args: args})
}

func start(s *Server) (*Server, error) {
	var err error
	// A program that does not use freeport can take a port before the server does: then others are
	// tried.
	for range 5 {
		if err = s.findPorts(); err == nil {
			err = s.Restart()
		}
		if err == nil {
			return s, nil
		}
		s.releasePorts()
	}
	err = fmt.Errorf("start redis-server (on Debian: apt-get install redis-server): %w", err)
	return nil, errors.Join(err, os.RemoveAll(s.Dir))
}

func (s *Server) findPorts() (err error) {
	if s.Port, err = freeport.Find(); err == nil && s.clustered {
		s.bus, err = freeport.Find()
	}
	return err
}

func (s *Server) releasePorts() {
	freeport.Release(s.Port)
	freeport.Release(s.bus)
}

// Close kills the server, closes its clients and deletes its data.
func (s *Server) Close() error {
	s.clients.close()
	s.Kill()
	s.releasePorts()
	return os.RemoveAll(s.Dir)
}

// Addr is host:port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// URL is the address as REDIS_URL takes it.
func (s *Server) URL() string { return "redis://" + s.Addr() + "/0" }

// patience is how long clients of tests wait for an answer: on a busy machine a server may get no
// processor time for seconds, and a command that go-redis repeats after a timeout is done twice.
const patience = time.Minute

// Client returns a new client of the server. Close closes it.
func (s *Server) Client() *redis.Client {
	client := redis.NewClient(&redis.Options{
		Addr: s.Addr(), Protocol: 2, DisableIdentity: true, ReadTimeout: patience,
	})
	s.clients.add(client)
	return client
}

// clients are closed with their server.
type clients struct {
	mu   sync.Mutex
	open []io.Closer
}

func (c *clients) add(client io.Closer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = append(c.open, client)
}

func (c *clients) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, client := range c.open {
		_ = client.Close() // one that the caller has closed already
	}
	c.open = nil
}

// control is the client through which this package configures the server.
func (s *Server) control() *redis.Client {
	s.once.Do(func() { s.client = s.Client() })
	return s.client
}

// PID is the process id of the running server, zero when it was killed.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.Process.Pid
}

// Kill ends the server at once, as a crash does, and waits until it is gone.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return
	}
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
	s.process = nil
}

// Freeze stops the process without ending it: connections stay open, and nothing answers.
func (s *Server) Freeze() error { return s.withProcess(freeze.Stop) }

// Thaw lets a frozen server continue.
func (s *Server) Thaw() error {
	return s.withProcess(func(p *os.Process) error { return p.Signal(syscall.SIGCONT) })
}

func (s *Server) withProcess(do func(*os.Process) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return ErrNotRunning
	}
	return do(s.process.Process)
}

// Restart starts a killed server again, with its data, on its port.
func (s *Server) Restart() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	args := append([]string{
		"--port", strconv.Itoa(s.Port), "--bind", "127.0.0.1", "--dir", s.Dir, "--logfile", "log",
		"--appendonly", "yes", "--save", "", "--daemonize", "no",
	}, s.args...)
	if s.clustered {
		bus := strconv.Itoa(s.bus)
		args = append(args, "--cluster-port", bus, "--cluster-announce-bus-port", bus)
	}
	process := exec.Command("redis-server", args...)
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := process.Start(); err != nil {
		return err
	}
	if err := s.waitReady(); err != nil {
		_ = process.Process.Kill()
		_ = process.Wait()
		log, _ := os.ReadFile(filepath.Join(s.Dir, "log"))
		return fmt.Errorf("%w\n%s", err, log)
	}
	s.process = process
	return nil
}

// waitReady waits until the server executes commands, which it does not while it loads its file.
// A server that requires a password or TLS is ready when its port is open.
func (s *Server) waitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client := redis.NewClient(&redis.Options{
		Addr: s.Addr(), MaxRetries: -1, Protocol: 2, DisableIdentity: true, DialTimeout: time.Second,
	})
	defer func() { _ = client.Close() }()
	var err error
	ended := poll(ctx, func() bool {
		err = client.Ping(ctx).Err()
		var reply redis.Error
		if err == nil || errors.As(err, &reply) && !redis.IsLoadingError(err) {
			return true
		}
		if slices.Contains(s.args, "--tls-port") {
			if conn, err := net.DialTimeout("tcp", s.Addr(), time.Second); err == nil {
				return conn.Close() == nil
			}
		}
		return false
	})
	if ended != nil {
		return fmt.Errorf("redis-server does not answer on %s: %w", s.Addr(), err)
	}
	return nil
}

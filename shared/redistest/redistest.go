// Package redistest starts real redis-server processes for tests: each on a free loopback port with a folder of its own,
// ended by its process id when the test ends. Only tests import it.
package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/redistest/freeport"
)

// A Server is one redis-server process. A test may kill, freeze and restart it; it keeps its port and its data.
type Server struct {
	t    testing.TB
	Port int
	dir  string
	args []string

	mu      sync.Mutex
	process *exec.Cmd

	once   sync.Once
	client *redis.Client // of this package's own
}

// Start starts a server with an append-only file. More arguments are given to redis-server as they are, after its own.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir(), args: args}
	// Another process can take a free port before the server does: then the next one is tried.
	var err error
	for range 5 {
		if s.Port, err = freeport.Find(); err == nil {
			if err = s.start(); err == nil {
				break
			}
		}
	}
	if err != nil {
		t.Fatalf("start redis-server (on Debian: apt-get install redis-server): %v", err)
	}
	t.Cleanup(s.Kill)
	return s
}

// Client starts a server and returns a client of it, closed when the test ends.
func Client(t testing.TB) *redis.Client {
	t.Helper()
	return Start(t).Client()
}

// Addr is host:port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// URL is the address as REDIS_URL takes it.
func (s *Server) URL() string { return "redis://" + s.Addr() + "/0" }

// Dir is the server's folder.
func (s *Server) Dir() string { return s.dir }

// Client returns a new client of the server, closed when the test ends.
func (s *Server) Client() *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: s.Addr(), Protocol: 2, DisableIdentity: true})
	s.t.Cleanup(func() { _ = client.Close() })
	return client
}

// control is the client with which this package itself gives orders to the server.
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

// Freeze stops the process without ending it: connections stay open, and nothing answers. Thaw lets it go on.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal syscall.Signal) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		s.t.Fatal("the redis-server is not running")
	}
	if err := s.process.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
}

// Restart starts a killed server again, with its data, on its port.
func (s *Server) Restart() {
	s.t.Helper()
	if err := s.start(); err != nil {
		s.t.Fatalf("restart redis-server: %v", err)
	}
}

func (s *Server) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	args := append([]string{
		"--port", strconv.Itoa(s.Port), "--bind", "127.0.0.1", "--dir", s.dir, "--logfile", "log",
		"--appendonly", "yes", "--save", "", "--daemonize", "no",
	}, s.args...)
	process := exec.Command("redis-server", args...)
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := process.Start(); err != nil {
		return err
	}
	if err := s.answering(); err != nil {
		_ = process.Process.Kill()
		_ = process.Wait()
		log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		return fmt.Errorf("%w\n%s", err, log)
	}
	s.process = process
	return nil
}

// answering waits until the server takes commands: not while it still loads its file. A server that wants a password or TLS
// counts as answering when its port is open.
func (s *Server) answering() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client := redis.NewClient(&redis.Options{Addr: s.Addr(), MaxRetries: -1, Protocol: 2, DisableIdentity: true, DialTimeout: time.Second})
	defer func() { _ = client.Close() }()
	for {
		err := client.Ping(ctx).Err()
		var said redis.Error
		if err == nil || errors.As(err, &said) && !redis.IsLoadingError(err) {
			return nil
		}
		if s.hasTLSPort() {
			if conn, err := net.DialTimeout("tcp", s.Addr(), time.Second); err == nil {
				return conn.Close()
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("redis-server does not answer on %s: %w", s.Addr(), err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (s *Server) hasTLSPort() bool {
	for _, arg := range s.args {
		if arg == "--tls-port" {
			return true
		}
	}
	return false
}

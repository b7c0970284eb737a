// Package redistest starts real redis-server processes that end with the test. It turns the errors
// of package redisserver into failures of the test. Only tests import it.
package redistest

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/redistest/redisserver"
)

// A Server is a redis-server whose failures are failures of the test.
type Server struct {
	*redisserver.Server
	t testing.TB
}

// Start starts a server that is closed when the test ends. Its arguments are those of
// redisserver.StartInMemory.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	core, err := redisserver.StartInMemory(args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = core.Close() }) // a data folder that is left harms no test
	return &Server{core, t}
}

// Client starts a server and returns a client of it.
func Client(t testing.TB) *redis.Client {
	t.Helper()
	return Start(t).Client()
}

// Freeze stops the process without ending it: connections stay open, and nothing answers.
func (s *Server) Freeze() {
	s.t.Helper()
	s.check(s.Server.Freeze())
}

// Thaw lets a frozen server continue.
func (s *Server) Thaw() {
	s.t.Helper()
	s.check(s.Server.Thaw())
}

// Restart starts a killed server again, with its data, on its port.
func (s *Server) Restart() {
	s.t.Helper()
	s.check(s.Server.Restart())
}

func (s *Server) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// StartCluster starts a cluster that is closed when the test ends.
func StartCluster(t testing.TB, masters int, withReplicas bool) *redisserver.Cluster {
	t.Helper()
	c, err := redisserver.StartCluster(t.Context(), masters, withReplicas)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // a data folder that is left harms no test
	return c
}

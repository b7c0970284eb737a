// Package redistest starts real redis-server processes that end with the test. It turns the errors
// of package redisserver into failures of the test. Only tests import it.
package redistest

import (
	"context"
	"fmt"
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

// A Cluster is a Redis Cluster that is closed when the test ends.
type Cluster struct {
	*redisserver.Cluster
	Masters  []*Server
	Replicas []*Server // Replicas[i] follows Masters[i]; empty when there are none
}

// StartCluster starts a cluster with the slots spread evenly over its masters.
func StartCluster(t testing.TB, masters int, withReplicas bool) *Cluster {
	t.Helper()
	core, err := redisserver.StartCluster(t.Context(), masters, withReplicas)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = core.Close() }) // a data folder that is left harms no test
	c := &Cluster{Cluster: core}
	for _, node := range core.Masters {
		c.Masters = append(c.Masters, &Server{node, t})
	}
	for _, node := range core.Replicas {
		c.Replicas = append(c.Replicas, &Server{node, t})
	}
	return c
}

// Owner returns the master that serves a key now.
func (c *Cluster) Owner(ctx context.Context, key string) (*Server, error) {
	owner, err := c.Cluster.Owner(ctx, key)
	if err != nil {
		return nil, err
	}
	for _, nodes := range [][]*Server{c.Masters, c.Replicas} {
		for _, node := range nodes {
			if node.Server == owner {
				return node, nil
			}
		}
	}
	return nil, fmt.Errorf("%s is not a node of the cluster", owner.Addr())
}

// MoveSlot moves the slot of a key to another master, as redisserver.Cluster.MoveSlot does.
func (c *Cluster) MoveSlot(ctx context.Context, key string, to *Server, between func()) error {
	return c.Cluster.MoveSlot(ctx, key, to.Server, between)
}

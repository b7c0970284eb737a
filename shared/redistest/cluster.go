package redistest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/redistest/freeport"
)

// slots is the number of hash slots of Redis Cluster.
const slots = 16384

// A Cluster is a Redis Cluster of masters, each a server of its own, perhaps followed by one replica each.
type Cluster struct {
	t        testing.TB
	Masters  []*Server
	Replicas []*Server // Replicas[i] follows Masters[i]; empty when there are none
}

// StartCluster starts a cluster of so many masters, with the slots spread evenly.
func StartCluster(t testing.TB, masters int, withReplicas bool) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	for range masters {
		c.Masters = append(c.Masters, startNode(t))
		if withReplicas {
			c.Replicas = append(c.Replicas, startNode(t))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := c.join(ctx); err != nil {
		t.Fatalf("form a Redis Cluster: %v", err)
	}
	return c
}

func startNode(t testing.TB) *Server {
	t.Helper()
	bus, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	return Start(t, "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "2000",
		"--cluster-port", strconv.Itoa(bus), "--cluster-announce-bus-port", strconv.Itoa(bus))
}

// Addrs lists the addresses of all nodes.
func (c *Cluster) Addrs() []string {
	var addrs []string
	for _, node := range c.nodes() {
		addrs = append(addrs, node.Addr())
	}
	return addrs
}

// URL is the address as REDIS_URL takes it together with REDIS_CLUSTER=true.
func (c *Cluster) URL() string {
	addrs := c.Addrs()
	url := "redis://" + addrs[0] + "?"
	for _, addr := range addrs[1:] {
		url += "addr=" + addr + "&"
	}
	return url[:len(url)-1]
}

// Client returns a new client of the cluster, closed when the test ends.
func (c *Cluster) Client() *redis.ClusterClient {
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addrs(), Protocol: 2, DisableIdentity: true})
	c.t.Cleanup(func() { _ = client.Close() })
	return client
}

func (c *Cluster) nodes() []*Server { return append(append([]*Server{}, c.Masters...), c.Replicas...) }

func (c *Cluster) join(ctx context.Context) error {
	first := c.Masters[0].Client()
	for i, node := range c.Masters {
		client := node.Client()
		if err := client.ClusterAddSlotsRange(ctx, i*slots/len(c.Masters), (i+1)*slots/len(c.Masters)-1).Err(); err != nil {
			return fmt.Errorf("give slots to node %d: %w", i, err)
		}
		// Configuration epochs that differ from the start spare the nodes a dispute about them.
		if err := client.Do(ctx, "cluster", "set-config-epoch", i+1).Err(); err != nil {
			return fmt.Errorf("set the epoch of node %d: %w", i, err)
		}
	}
	for _, node := range c.nodes()[1:] {
		bus, err := node.Client().ConfigGet(ctx, "cluster-port").Result()
		if err != nil {
			return fmt.Errorf("read the bus port: %w", err)
		}
		if err := first.Do(ctx, "cluster", "meet", "127.0.0.1", node.Port, bus["cluster-port"]).Err(); err != nil {
			return fmt.Errorf("let the nodes meet: %w", err)
		}
	}
	if err := c.until(ctx, func(node *redis.Client) bool {
		info, err := node.ClusterInfo(ctx).Result()
		return err == nil && field(info, "cluster_known_nodes") == strconv.Itoa(len(c.nodes()))
	}); err != nil {
		return err
	}
	for i, replica := range c.Replicas {
		id, err := c.Masters[i].Client().ClusterMyID(ctx).Result()
		if err != nil {
			return fmt.Errorf("read a node's id: %w", err)
		}
		if err := replica.Client().ClusterReplicate(ctx, id).Err(); err != nil {
			return fmt.Errorf("make a replica: %w", err)
		}
	}
	return c.WaitOK(ctx)
}

// WaitOK waits until every running node says that all slots are served.
func (c *Cluster) WaitOK(ctx context.Context) error {
	return c.until(ctx, func(node *redis.Client) bool {
		info, err := node.ClusterInfo(ctx).Result()
		return err == nil && field(info, "cluster_state") == "ok"
	})
}

func (c *Cluster) until(ctx context.Context, holds func(*redis.Client) bool) error {
	for _, node := range c.nodes() {
		if node.PID() == 0 {
			continue
		}
		client := node.control()
		for !holds(client) {
			select {
			case <-ctx.Done():
				return fmt.Errorf("the cluster's nodes do not agree: %w", ctx.Err())
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return nil
}

// field finds a line name:value of an INFO answer.
func field(info, name string) string {
	for line := range strings.Lines(info) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

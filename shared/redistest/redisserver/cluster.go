package redisserver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/redistest/freeport"
)

// slots is the number of hash slots of Redis Cluster.
const slots = 16384

// Values of cluster-node-timeout, in milliseconds: nodes take one that is silent for that time for
// dead. A replica whose election failed tries again after four times as much, so that the time is
// short during a failover.
const (
	patientNodes = "15000"
	hastyNodes   = "2000"
)

// A Cluster is a Redis Cluster of masters with at most one replica each. Close must be called when
// it is not needed any more.
type Cluster struct {
	Masters  []*Server
	Replicas []*Server // Replicas[i] follows Masters[i]; empty when there are none

	mu      sync.Mutex
	clients []*redis.ClusterClient
}

// StartCluster starts a cluster with the slots spread evenly over its masters.
func StartCluster(ctx context.Context, masters int, withReplicas bool) (*Cluster, error) {
	c := &Cluster{}
	for range masters {
		if err := c.startNode(&c.Masters); err != nil {
			return nil, errors.Join(err, c.Close())
		}
		if !withReplicas {
			continue
		}
		if err := c.startNode(&c.Replicas); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := c.join(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("form a Redis Cluster: %w", err), c.Close())
	}
	return c, nil
}

// startNode starts a node. A node that gets no processor time for seconds is not down: replicas
// take over when a test says so and not by themselves, which could lose what was acknowledged.
func (c *Cluster) startNode(nodes *[]*Server) error {
	var errs []error
	for range 3 { // a program that does not use freeport can take the bus port first
		bus, err := freeport.Find()
		if err != nil {
			return err
		}
		node, err := StartInMemory(
			"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
			"--cluster-node-timeout", patientNodes, "--cluster-replica-no-failover", "yes",
			"--cluster-port", strconv.Itoa(bus), "--cluster-announce-bus-port", strconv.Itoa(bus))
		if err == nil {
			node.bus = bus
			*nodes = append(*nodes, node)
			return nil
		}
		freeport.Release(bus)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Close kills all nodes, closes the clients and deletes the data.
func (c *Cluster) Close() error {
	c.mu.Lock()
	clients := c.clients
	c.clients = nil
	c.mu.Unlock()
	for _, client := range clients {
		_ = client.Close() // a client that the caller has closed already
	}
	var errs []error
	for _, node := range c.nodes() {
		errs = append(errs, node.Close())
	}
	return errors.Join(errs...)
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

// Client returns a new client of the cluster. Close closes it.
func (c *Cluster) Client() *redis.ClusterClient {
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: c.Addrs(), Protocol: 2, DisableIdentity: true, ReadTimeout: patience,
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clients = append(c.clients, client)
	return client
}

func (c *Cluster) nodes() []*Server { return slices.Concat(c.Masters, c.Replicas) }

func (c *Cluster) join(ctx context.Context) error {
	first := c.Masters[0].Client()
	for i, node := range c.Masters {
		client := node.Client()
		first := i * slots / len(c.Masters)
		last := (i+1)*slots/len(c.Masters) - 1
		if err := client.ClusterAddSlotsRange(ctx, first, last).Err(); err != nil {
			return fmt.Errorf("assign slots to node %d: %w", i, err)
		}
		// With different configuration epochs from the start the nodes need not negotiate them.
		if err := client.Do(ctx, "cluster", "set-config-epoch", i+1).Err(); err != nil {
			return fmt.Errorf("set the epoch of node %d: %w", i, err)
		}
	}
	for _, node := range c.nodes()[1:] {
		meet := first.Do(ctx, "cluster", "meet", "127.0.0.1", node.Port, node.bus)
		if err := meet.Err(); err != nil {
			return fmt.Errorf("introduce the nodes to each other: %w", err)
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
	return c.waitOK(ctx)
}

// waitOK waits until every running node says that all slots are served.
func (c *Cluster) waitOK(ctx context.Context) error {
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
		if err := poll(ctx, func() bool { return holds(node.control()) }); err != nil {
			return fmt.Errorf("the nodes of the cluster do not agree: %w", err)
		}
	}
	return nil
}

// poll waits until a condition holds.
func poll(ctx context.Context, holds func() bool) error {
	for !holds() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
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

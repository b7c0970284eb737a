package redisserver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
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

	clients clients
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
	dir, err := makeFolder()
	if err != nil {
		return err
	}
	node, err := start(&Server{Dir: dir, clustered: true, args: []string{
		"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
		"--cluster-node-timeout", patientNodes, "--cluster-replica-no-failover", "yes",
	}})
	if err != nil {
		return err
	}
	*nodes = append(*nodes, node)
	return nil
}

// Close kills all nodes, closes the clients and deletes the data.
func (c *Cluster) Close() error {
	c.clients.close()
	var errs []error
	for _, node := range c.nodes() {
		errs = append(errs, node.Close())
	}
	return errors.Join(errs...)
}

// addrs lists the addresses of all nodes.
func (c *Cluster) addrs() []string {
	var addrs []string
	for _, node := range c.nodes() {
		addrs = append(addrs, node.Addr())
	}
	return addrs
}

// URL is the address as REDIS_URL takes it together with REDIS_CLUSTER=true.
func (c *Cluster) URL() string {
	addrs := c.addrs()
	return "redis://" + addrs[0] + "?addr=" + strings.Join(addrs[1:], "&addr=")
}

// Client returns a new client of the cluster. Close closes it.
func (c *Cluster) Client() *redis.ClusterClient {
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: c.addrs(), Protocol: 2, DisableIdentity: true, ReadTimeout: patience,
	})
	c.clients.add(client)
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
	if err := c.agree(ctx, fmt.Sprintf("cluster_known_nodes:%d\r\n", len(c.nodes()))); err != nil {
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
	return c.agree(ctx, "cluster_state:ok\r\n")
}

// agree waits until the CLUSTER INFO of every running node has a line.
func (c *Cluster) agree(ctx context.Context, line string) error {
	return c.until(ctx, func(node *redis.Client) bool {
		info, err := node.ClusterInfo(ctx).Result()
		return err == nil && strings.Contains(info, line)
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

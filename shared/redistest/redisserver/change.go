package redisserver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Owner returns the master that serves a key now.
func (c *Cluster) Owner(ctx context.Context, key string) (*Server, error) {
	slot, err := c.slot(ctx, key)
	if err != nil {
		return nil, err
	}
	addr, err := ownerOf(ctx, c.Masters[0].control(), slot)
	if err != nil {
		return nil, err
	}
	return c.byAddr(addr)
}

// slot returns the slot of a key.
func (c *Cluster) slot(ctx context.Context, key string) (int, error) {
	slot, err := c.Masters[0].control().ClusterKeySlot(ctx, key).Result()
	return int(slot), err
}

func (c *Cluster) byAddr(addr string) (*Server, error) {
	for _, node := range c.nodes() {
		if node.Addr() == addr {
			return node, nil
		}
	}
	return nil, fmt.Errorf("%s is no node of the cluster", addr)
}

// Failover makes the replica of a pair the master, as a planned failover does: no write is lost.
// When they have changed places before, the first one becomes the master again. It returns when all
// slots are served.
func (c *Cluster) Failover(ctx context.Context, pair int) error {
	if err := c.setNodeTimeout(ctx, hastyNodes); err != nil {
		return err
	}
	err := c.failover(ctx, pair)
	return errors.Join(err, c.setNodeTimeout(ctx, patientNodes))
}

func (c *Cluster) setNodeTimeout(ctx context.Context, milliseconds string) error {
	for _, node := range c.nodes() {
		err := node.control().ConfigSet(ctx, "cluster-node-timeout", milliseconds).Err()
		if err != nil {
			return fmt.Errorf("set the node timeout: %w", err)
		}
	}
	return nil
}

func (c *Cluster) failover(ctx context.Context, pair int) error {
	first, second := c.Masters[pair], c.Replicas[pair]
	to, from := second, first
	if is, err := second.isMaster(ctx); err != nil {
		return err
	} else if is {
		to, from = first, second
	}
	var asked time.Time
	err := poll(ctx, func() bool {
		// An election fails while the nodes do not agree about the one before: then it is repeated.
		if time.Since(asked) > 6*time.Second {
			_ = to.control().ClusterFailover(ctx).Err()
			asked = time.Now()
		}
		master, err := to.isMaster(ctx)
		still, other := from.isMaster(ctx)
		return err == nil && other == nil && master && !still
	})
	if err != nil {
		return fmt.Errorf("the replica did not become the master: %w", err)
	}
	return c.waitOK(ctx)
}

// TakeOver makes the replica of a killed master the master.
func (c *Cluster) TakeOver(ctx context.Context, pair int) error {
	replica := c.Replicas[pair]
	err := replica.control().Do(ctx, "cluster", "failover", "takeover").Err()
	if err == nil {
		err = poll(ctx, func() bool {
			master, err := replica.isMaster(ctx)
			return err == nil && master
		})
	}
	if err != nil {
		return fmt.Errorf("promote the replica of a dead master: %w", err)
	}
	return c.waitOK(ctx)
}

func (s *Server) isMaster(ctx context.Context) (bool, error) {
	info, err := s.control().Info(ctx, "replication").Result()
	return strings.Contains(info, "role:master"), err
}

// MoveSlot moves the slot of a key to another master while the cluster serves it.
// between is called when half of the slot's keys have moved, and again when all of them have moved
// and only the two masters know it.
func (c *Cluster) MoveSlot(ctx context.Context, key string, to *Server, between func()) error {
	slot, err := c.slot(ctx, key)
	if err != nil {
		return err
	}
	from, err := c.Owner(ctx, key)
	if err != nil {
		return err
	}
	source, target := from.control(), to.control()
	sourceID, err := source.ClusterMyID(ctx).Result()
	if err != nil {
		return err
	}
	targetID, err := target.ClusterMyID(ctx).Result()
	if err != nil || targetID == sourceID {
		return err
	}
	if err := target.Do(ctx, "cluster", "setslot", slot, "importing", sourceID).Err(); err != nil {
		return fmt.Errorf("prepare the new owner: %w", err)
	}
	if err := source.Do(ctx, "cluster", "setslot", slot, "migrating", targetID).Err(); err != nil {
		return fmt.Errorf("prepare the old owner: %w", err)
	}
	for step := 0; ; step++ {
		count := 1000
		if step == 0 {
			held, err := source.ClusterCountKeysInSlot(ctx, slot).Result()
			if err != nil {
				return err
			}
			count = int(held+1) / 2
		}
		keys, err := source.ClusterGetKeysInSlot(ctx, slot, max(1, count)).Result()
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			break
		}
		args := []any{"migrate", "127.0.0.1", to.Port, "", 0, 10_000, "keys"}
		for _, key := range keys {
			args = append(args, key)
		}
		if err := source.Do(ctx, args...).Err(); err != nil {
			return fmt.Errorf("move %d keys: %w", len(keys), err)
		}
		between()
	}
	for _, client := range []*redis.Client{target, source} {
		if err := client.Do(ctx, "cluster", "setslot", slot, "node", targetID).Err(); err != nil {
			return fmt.Errorf("make the new owner known: %w", err)
		}
	}
	// The others learn it from the new owner. A slot that is moved again before that can end with
	// two owners.
	return c.until(ctx, func(node *redis.Client) bool {
		addr, err := ownerOf(ctx, node, slot)
		return err == nil && addr == to.Addr()
	})
}

// ownerOf asks one node for the master that serves a slot.
func ownerOf(ctx context.Context, node *redis.Client, slot int) (addr string, err error) {
	ranges, err := node.ClusterSlots(ctx).Result()
	for _, r := range ranges {
		if r.Start <= slot && slot <= r.End && len(r.Nodes) > 0 {
			return r.Nodes[0].Addr, nil
		}
	}
	return "", err
}

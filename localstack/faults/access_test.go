package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/redistest"
)

// aclFile holds the rules for the functions' Redis users, without passwords.
const aclFile = "../acl/users.acl"

const password = "a password for tests"

// rules reads the rules of one user: the words after its name.
func rules(t *testing.T, user string) []string {
	t.Helper()
	text, err := os.ReadFile(aclFile)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		found, isUser := strings.CutPrefix(strings.TrimSpace(line), "user "+user+" ")
		if !isUser {
			continue
		}
		plain, selector, _ := strings.Cut(found, " (")
		words := strings.Fields(plain)
		if selector != "" {
			words = append(words, "("+selector) // one word
		}
		return words
	}
	t.Fatalf("%s has no rules for %s", aclFile, user)
	return nil
}

// A place is a Redis whose users a test sets.
type place struct {
	*testing.T
	url     string
	cluster bool
	moving  func(do func() error) error // does something while a slot moves; nil on one server
	nodes   []*redis.Client
	admin   redis.UniversalClient
}

func onOneServer(t *testing.T) *place {
	s := redistest.Start(t)
	client := s.Client()
	return &place{T: t, url: s.Addr(), nodes: []*redis.Client{client}, admin: client}
}

func onCluster(t *testing.T) *place {
	c := redistest.StartCluster(t, 3, false)
	p := &place{T: t, url: c.Masters[0].Addr(), cluster: true, admin: c.Client()}
	p.moving = func(do func() error) error {
		const key = "{o0}totals"
		owner, err := c.Owner(t.Context(), key)
		if err != nil {
			return err
		}
		to := c.Masters[0]
		if owner == to {
			to = c.Masters[1]
		}
		var done error
		err = c.MoveSlot(t.Context(), key, to, func() { done = errors.Join(done, do()) })
		return errors.Join(err, done)
	}
	for _, s := range c.Masters {
		p.nodes = append(p.nodes, s.Client())
	}
	return p
}

func onEveryMaster(
	ctx context.Context, client redis.UniversalClient, do func(redis.Cmdable) error,
) error {
	if cluster, ok := client.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(
			ctx, func(_ context.Context, node *redis.Client) error { return do(node) },
		)
	}
	return do(client)
}

// try does everything as a user of these rules, each time with one shard and with three.
func (p *place) try(user string, rules []string, uses []use) error {
	ctx := p.Context()
	for _, shards := range []int{1, 3} {
		for _, u := range uses {
			for _, node := range p.nodes {
				args := []any{"acl", "setuser", user}
				for _, rule := range append(slices.Clone(rules), ">"+password) {
					args = append(args, rule)
				}
				if err := errors.Join(node.FlushAll(ctx).Err(), node.Do(ctx, args...).Err()); err != nil {
					p.Fatal(err)
				}
			}
			if user == "stats" { // there must be something to read
				filled, err := ledger.New(p.admin, ledger.Options{Shards: shards, Retention: time.Hour})
				if err == nil {
					err = record(ctx, filled, someOrders(20), ledger.Recorded)
				}
				if err != nil {
					p.Fatal(err)
				}
			}
			rdb, err := ledger.Connect(ledger.Connection{
				URL: "redis://" + user + "@" + p.url, Cluster: p.cluster, Password: password,
				Timeout: time.Minute, // slowness is no refusal
			})
			if err != nil {
				p.Fatal(err)
			}
			store, err := ledger.New(rdb, ledger.Options{Shards: shards, Retention: time.Hour})
			if err == nil {
				err = u.do(ctx, store, p.admin)
			}
			if err == nil && user == "stats" && p.moving != nil {
				err = p.moving(func() error {
					err := u.do(ctx, store, p.admin)
					if err != nil && strings.Contains(err.Error(), "TRYAGAIN") {
						return nil // keys in two places cannot be read together
					}
					return err
				})
			}
			_ = rdb.Close()
			if err != nil {
				return fmt.Errorf("%s, %d shards: %w", u.name, shards, err)
			}
		}
	}
	return nil
}

// TestACLIsEnoughAndNotMore checks that each user can do what its function does, and that every
// command that its rules allow is needed for that.
func TestACLIsEnoughAndNotMore(t *testing.T) {
	t.Parallel()
	for user, uses := range map[string][]use{"orders": writing, "stats": reading} {
		places := map[string]func(*testing.T) *place{"server": onOneServer, "cluster": onCluster}
		for where, start := range places {
			t.Run(user+" on a "+where, func(t *testing.T) {
				t.Parallel()
				p, all := start(t), rules(t, user)
				if err := p.try(user, all, uses); err != nil {
					t.Fatalf("with the rules of %s: %v", aclFile, err)
				}
				for _, rule := range all {
					forCluster := rule == "+cluster|slots" || rule == "+asking"
					if !strings.HasPrefix(rule, "+") || forCluster != p.cluster ||
						rule == "+asking" && user == "orders" {
						continue // needed elsewhere; orders asks only when every key of a script has moved
					}
					without := slices.DeleteFunc(slices.Clone(all), func(r string) bool { return r == rule })
					err := p.try(user, without, uses)
					if err == nil {
						t.Errorf("%s is not needed: everything works without it", rule)
					} else if !forbidden(err) {
						t.Errorf("without %s: %v, want a refusal for lack of permission", rule, err)
					}
				}
			})
		}
	}
}

// forbidden reports whether an error is caused by a missing permission. Without ASKING a node
// answers MOVED for a key that has just moved to it.
func forbidden(err error) bool {
	words := []string{"NOPERM", "no permissions", "can't run this command", "EXECABORT", "MOVED"}
	return errors.Is(err, errNotRolledBack) || slices.ContainsFunc(words, func(word string) bool {
		return strings.Contains(err.Error(), word)
	})
}

// TestACLForbids tries what a stolen password must not open.
func TestACLForbids(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--aclfile", absolute(t, aclFile))
	client := server.Client()
	shared := []string{
		"keys *",
		"scan 0",
		"flushall",
		"flushdb",
		"config get *",
		"acl list",
		"script flush",
		"debug object {o}counters",
		"info",
		"monitor",
		"shutdown",
		"replicaof no one",
		"save",
		"swapdb 0 1",
		"rename {o0}top x",
		"expire {o0}top 1",
		"subscribe a",
		"publish a b",
		"client kill a",
		"get elsewhere",
		"hget elsewhere a",
		"zscore elsewhere a",
		"hincrby elsewhere a 1",
		"migrate h 1 {o}counters 0 1",
		"function load x",
	}
	for user, commands := range map[string][]string{
		"orders": append(slices.Clone(shared),
			"set elsewhere 1", "del elsewhere", "eval return 1 elsewhere",
			"hgetall {o}counters", "zrevrange {o0}top 0 -1"),
		"stats": append(slices.Clone(shared),
			"set {o0}x 1", "del {o0}top", "eval return 0",
			"hincrby {o0}totals orders 1", "zincrby {o0}top 1 a", "hset {o0}totals a 1"),
	} {
		for _, command := range commands {
			args := []any{"acl", "dryrun", user}
			for word := range strings.FieldsSeq(command) {
				args = append(args, word)
			}
			if command == "eval return 1 elsewhere" {
				args = []any{"acl", "dryrun", user, "eval", "return 1", 1, "elsewhere"}
			}
			answer, err := client.Do(t.Context(), args...).Text()
			if err != nil || !strings.Contains(answer, "no permissions") {
				t.Errorf("%s may %s: %q %v", user, command, answer, err)
			}
		}
	}
}

// TestACLAllowsCounters shows that the dry runs of TestACLForbids are refused for their commands.
func TestACLAllowsCounters(t *testing.T) {
	t.Parallel()
	client := redistest.Start(t, "--aclfile", absolute(t, aclFile)).Client()
	for _, user := range []string{"orders", "stats"} {
		args := []any{"acl", "dryrun", user, "hincrby", "{o}counters", "a", "1"}
		if got, err := client.Do(t.Context(), args...).Text(); err != nil || got != "OK" {
			t.Errorf("%v: got %q (%v), want OK", args, got, err)
		}
	}
}

// TestACLFileSetsNoPassword logs in before the operator has set a password.
func TestACLFileSetsNoPassword(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--aclfile", absolute(t, aclFile))
	for _, user := range []string{"orders", "stats"} {
		client := redis.NewClient(&redis.Options{
			Addr:            server.Addr(),
			Username:        user,
			Password:        "x",
			Protocol:        2,
			DisableIdentity: true,
		})
		err := client.Ping(t.Context()).Err()
		if err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
			t.Errorf("login as %s: got %v, want WRONGPASS", user, err)
		}
		_ = client.Close()
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

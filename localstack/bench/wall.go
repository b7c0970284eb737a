package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
)

// wall is the most orders a second that one Redis could record: an order can't do with less than
// one SET NX EX, one HINCRBY and one ZINCRBY, and each of them has the rate that redis-benchmark
// reaches with it alone, in pipelines of 100.
func wall(ctx context.Context, n int) (ordersPerSecond float64, each []float64, err error) {
	server, err := startRedis()
	if err != nil {
		return 0, nil, err
	}
	defer server.stop()
	host, port, err := net.SplitHostPort(server.Addr())
	if err != nil {
		return 0, nil, err
	}
	perOrder := 0.0 // seconds
	lifetime := strconv.Itoa(int(retention.Seconds()))
	for _, command := range []struct {
		random int // different keys, fields or members
		words  []string
	}{
		{
			1_000_000_000,
			[]string{"SET", "seen:__rand_int__", "1234567890123456789", "NX", "EX", lifetime},
		},
		{10_000, []string{"HINCRBY", "orders", "U__rand_int__", "1"}},
		{10_000, []string{"ZINCRBY", "spend", "9999", "U__rand_int__"}},
	} {
		args := append([]string{
			"-h", host, "-p", port, "-n", strconv.Itoa(n), "-P", "100",
			"-r", strconv.Itoa(command.random), "--csv",
		}, command.words...)
		out, err := exec.CommandContext(ctx, "redis-benchmark", args...).Output()
		if err != nil {
			return 0, nil, fmt.Errorf("redis-benchmark (on Debian: apt-get install redis-tools): %w", err)
		}
		rows, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
		if err != nil || len(rows) < 2 || len(rows[1]) < 2 {
			return 0, nil, fmt.Errorf("redis-benchmark answered %q: %w", out, err)
		}
		rate, err := strconv.ParseFloat(rows[1][1], 64)
		if err != nil {
			return 0, nil, err
		}
		each = append(each, rate)
		perOrder += 1 / rate
	}
	return 1 / perOrder, each, nil
}

package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// wallRates are the rates that redis-benchmark reaches with one command alone, in pipelines of 100.
type wallRates struct{ set, hincrby, zincrby float64 }

// orders is the most orders a second that one Redis could record: an order can't do with less than
// one SET NX EX, one HINCRBY and one ZINCRBY.
func (w wallRates) orders() float64 { return 1 / (1/w.set + 1/w.hincrby + 1/w.zincrby) }

// wall measures the commands, n times each.
func wall(ctx context.Context, n int) (rates wallRates, err error) {
	server, err := startRedis()
	if err != nil {
		return rates, err
	}
	defer server.stop()
	lifetime := strconv.Itoa(int(retention.Seconds()))
	for _, command := range []struct {
		rate   *float64
		random int // different keys, fields or members
		words  []string
	}{
		{
			&rates.set, 1_000_000_000,
			[]string{"SET", "seen:__rand_int__", "1234567890123456789", "NX", "EX", lifetime},
		},
		{&rates.hincrby, 10_000, []string{"HINCRBY", "orders", "U__rand_int__", "1"}},
		{&rates.zincrby, 10_000, []string{"ZINCRBY", "spend", "9999", "U__rand_int__"}},
	} {
		args := append([]string{
			"-p", strconv.Itoa(server.Port), "-n", strconv.Itoa(n), "-P", "100",
			"-r", strconv.Itoa(command.random), "--csv",
		}, command.words...)
		out, err := exec.CommandContext(ctx, "redis-benchmark", args...).Output()
		if err != nil {
			return rates, fmt.Errorf("redis-benchmark (on Debian: apt-get install redis-tools): %w", err)
		}
		rows, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
		if err != nil || len(rows) < 2 || len(rows[1]) < 2 {
			return rates, fmt.Errorf("redis-benchmark answered %q: %w", out, err)
		}
		if *command.rate, err = strconv.ParseFloat(rows[1][1], 64); err != nil {
			return rates, err
		}
	}
	return rates, nil
}

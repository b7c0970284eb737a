package faults

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"orderpipeline/localstack/lab"
)

// binaries are the functions' bootstraps.
var binaries struct{ orders, stats, replay string }

// template holds the settings of the queues and functions.
var template *lab.Template

// forced is the number of shards of every run; zero: one or three, by the seed.
var forced uint64

// seeds are the seeds that every fault is tried with.
var seeds []uint64

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	count, err := number("SEEDS", 2)
	if err != nil {
		return 1, err
	}
	first, err := number("SEED", rand.Uint64N(1_000_000))
	if err != nil {
		return 1, err
	}
	for i := range count {
		seeds = append(seeds, first+i)
	}
	if forced, err = number("SHARDS", 0); err != nil {
		return 1, err
	}
	folder, err := os.MkdirTemp("", "faults")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	for logicalID, path := range map[string]*string{
		"OrdersFunction": &binaries.orders,
		"StatsFunction":  &binaries.stats,
		"ReplayFunction": &binaries.replay,
	} {
		if *path, err = lab.Build(context.Background(), folder, logicalID); err != nil {
			return 1, err
		}
	}
	if template, err = lab.ReadTemplate(); err != nil {
		return 1, err
	}

	// Most of the time is spent waiting for time limits: more parallel runs than processors.
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		return 1, err
	}
	code = m.Run()
	table := results.table()
	write := os.Getenv("WRITE_RESULTS") == "1"
	if testing.Verbose() || write {
		fmt.Print("\n", table)
	}
	if write {
		err = results.write("RESULTS.md", table)
	}
	return code, err
}

func number(variable string, fallback uint64) (uint64, error) {
	text := os.Getenv(variable)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%s is %q: write a whole number", variable, text)
	}
	return n, nil
}

// TestSourcesAreNoticed reads the sources that this package builds and does not import, so that the
// go command never shows a cached result for older sources.
func TestSourcesAreNoticed(t *testing.T) {
	for _, root := range []string{
		"../../functions", "../../shared", "../../Makefile", "../../template.yaml", "../acl",
	} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			_, err = os.Stat(path)
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	for _, variable := range []string{"SEEDS", "SEED", "WRITE_RESULTS"} {
		_ = os.Getenv(variable) // a cached result depends on it
	}
}

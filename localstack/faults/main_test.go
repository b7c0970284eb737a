package faults

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

// binaries are the functions' bootstraps.
var binaries struct{ orders, stats string }

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
	folder, err := os.MkdirTemp("", "faults")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	for name, path := range map[string]*string{"orders": &binaries.orders, "stats": &binaries.stats} {
		if *path, err = build(folder, name); err != nil {
			return 1, err
		}
	}

	// Most of the time is spent waiting for time limits: more runs at once than processors.
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

// build builds a function as the template's build does, and returns its bootstrap.
func build(folder, name string) (string, error) {
	artifacts := filepath.Join(folder, name)
	if err := os.Mkdir(artifacts, 0o755); err != nil {
		return "", err
	}
	target := map[string]string{"orders": "build-OrdersFunction", "stats": "build-StatsFunction"}[name]
	command := exec.Command("make", "--no-print-directory", target, "ARTIFACTS_DIR="+artifacts, "FUNCTION_ARCH="+runtime.GOARCH)
	command.Dir = filepath.Join("..", "..")
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the function %s: %w\n%s", name, err, out)
	}
	return filepath.Join(artifacts, "bootstrap"), nil
}

// What this package tests, it builds and does not import: the go command must not take an earlier result for it.
// Looking at the sources makes them a part of what a kept result depends on.
func TestSourcesAreNoticed(t *testing.T) {
	for _, root := range []string{"../../functions", "../../shared", "../../Makefile", "../acl"} {
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
		_ = os.Getenv(variable) // noticed too
	}
}

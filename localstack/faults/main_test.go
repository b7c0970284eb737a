package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// binaries are the functions' bootstraps, built as the template's build does.
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
	count, first := 2, rand.Uint64N(1_000_000)
	for name, to := range map[string]func(uint64){
		"SEEDS": func(n uint64) { count = int(n) }, "SEED": func(n uint64) { first = n },
	} {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.ParseUint(text, 10, 32)
			if err != nil {
				return 1, fmt.Errorf("%s is %q: write a whole number", name, text)
			}
			to(n)
		}
	}
	for i := range count {
		seeds = append(seeds, first+uint64(i))
	}

	folder, err := os.MkdirTemp("", "faults")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	for name, path := range map[string]*string{"orders": &binaries.orders, "stats": &binaries.stats} {
		*path = filepath.Join(folder, name, "bootstrap")
		build := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", *path, "./functions/"+name)
		build.Dir = filepath.Join("..", "..")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return 1, fmt.Errorf("build the function %s: %w\n%s", name, err, out)
		}
	}

	code = m.Run()
	table := results.table()
	if testing.Verbose() || strings.EqualFold(os.Getenv("WRITE_RESULTS"), "1") {
		fmt.Print("\n", table)
	}
	if os.Getenv("WRITE_RESULTS") == "1" {
		if err := results.write("RESULTS.md", table); err != nil {
			return max(code, 1), err
		}
	}
	return code, nil
}

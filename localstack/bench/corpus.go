package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
)

// A corpus is a file of orders as orders.py writes it, one a line.
type corpus struct {
	users int
	// data is the file, mapped: a batch costs the consumer a copy, as a message does, and the garbage
	// collector does not see the file.
	data  []byte
	ends  []int                    // of each line
	known map[[2]int]ledger.Totals // by the first order and the end
}

// digests are the SHA-256 of the files, by orders and users: every machine measures with the same
// orders.
var digests = map[[2]int]string{
	{100_000, 10_000}:      "27ea15734e012e7c6458c576541af54eb543055ea30757af13978c0dcc886f0e",
	{100_000, 1_000_000}:   "e6a239f311ad4c48078f7f9f2e58b1be7a81b9cae59b9a40d9cdf3a95150074b",
	{1_000_000, 10_000}:    "34a78a018bf5583b722867af83ff59115bde52ef7f21b44fe15a836eaea10137",
	{1_000_000, 1_000_000}: "ba22efb7b0c8be116dc428029439489207080617b1c7fb217fcc29c71bdf42f9",
}

// openCorpus opens a file of orders, and has orders.py write it where it isn't there yet.
func openCorpus(ctx context.Context, orders, users int) (*corpus, error) {
	path := filepath.Join(workDir, fmt.Sprintf("orders-%d-%d.ndjson", orders, users))
	want := digests[[2]int{orders, users}]
	if digestOf(path) != want {
		if err := generate(ctx, path, orders, users); err != nil {
			return nil, fmt.Errorf("write %s with orders.py: %w", path, err)
		}
		if got := digestOf(path); got != want {
			return nil, fmt.Errorf(
				"%s has the digest %s instead of %s: orders.py was changed, or this Python has another random",
				path, got, want,
			)
		}
	}
	c, err := mapFile(path)
	if err == nil {
		c.users = users
	}
	return c, err
}

func mapFile(path string) (*corpus, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	facts, err := file.Stat()
	if err != nil {
		return nil, err
	}
	c := &corpus{known: map[[2]int]ledger.Totals{}}
	c.data, err = syscall.Mmap(
		int(file.Fd()), 0, int(facts.Size()), syscall.PROT_READ, syscall.MAP_PRIVATE|syscall.MAP_POPULATE,
	)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", path, err)
	}
	for start := 0; start < len(c.data); {
		end := start + bytes.IndexByte(c.data[start:], '\n')
		c.ends = append(c.ends, end)
		start = end + 1
	}
	return c, nil
}

// digestOf is the SHA-256 of a file, empty when it cannot be read.
func digestOf(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return ""
	}
	return hex.EncodeToString(hash.Sum(nil))
}

func generate(ctx context.Context, path string, orders, users int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, baselinePython, filepath.Join(here, "orders.py"),
		strconv.Itoa(orders), strconv.Itoa(users))
	command.Stdout, command.Stderr = file, os.Stderr
	return errors.Join(command.Run(), file.Close())
}

// bodies copies the lines from … to, as messages carry them.
func (c *corpus) bodies(to []string, from, end int) []string {
	start := 0
	if from > 0 {
		start = c.ends[from-1] + 1
	}
	for _, at := range c.ends[from:end] {
		to = append(to, string(c.data[start:at]))
		start = at + 1
	}
	return to
}

// slice writes the first n orders to a separate file, for a side that reads a file whole.
func (c *corpus) slice(dir string, n int) (path string, err error) {
	path = filepath.Join(dir, fmt.Sprintf("slice-%d-%d.ndjson", n, c.users))
	return path, os.WriteFile(path, c.data[:c.ends[n-1]+1], 0o600)
}

// totals are the figures of the orders from … to. They are calculated once, outside of any clock.
func (c *corpus) totals(from, end int) (ledger.Totals, error) {
	orders := [2]int{from, end}
	if want, known := c.known[orders]; known {
		return want, nil
	}
	var want ledger.Totals
	var line []string
	for i := from; i < end; i++ {
		line = c.bodies(line[:0], i, i+1)
		o, err := order.Parse(line[0])
		if err != nil {
			return want, err
		}
		want.Orders++
		want.Revenue += o.Value
	}
	c.known[orders] = want
	return want, nil
}

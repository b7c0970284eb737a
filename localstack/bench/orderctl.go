package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"orderpipeline/localstack/deployment"
	"orderpipeline/localstack/orderctl/console"
)

// importOrders is how many orders are imported and checked at most.
const importOrders = 200_000

// check measures orderctl check on the first orders of the file.
func (b *benchmark) check(ctx context.Context) error {
	n := min(importOrders, len(b.few.ends))
	file, err := b.few.slice(workDir, n)
	if err != nil {
		return err
	}
	results, err := byTurns(ctx, b, "orderctl check", usualRounds,
		func(ctx context.Context) (programRun, error) {
			return timed(exec.CommandContext(ctx, "bin/orderctl", "check", file))
		})
	if err != nil {
		return err
	}
	took := each(results[0], func(r programRun) float64 { return r.taken.Seconds() })
	memory := each(results[0], func(r programRun) float64 { return r.peak })
	s := b.section("Checking a file", "what", "seconds", "orders/s", "peak MB")
	s.note("orderctl check over the first %s orders of the file of 10,000 customers, from the start "+
		"of the process to its end.", console.Count(n))
	s.row(console.Count(n)+" orders", took.text(hundredths),
		whole(float64(n)/took.median()), memory.text(whole))
	limit := 1.5 * float64(n) / importOrders
	b.target("orderctl check, "+console.Count(n)+" orders", "≤ "+hundredths(limit)+" s",
		took.text(hundredths)+" s", took.median() <= limit, "")
	return nil
}

// A programRun is one run of a program to its end.
type programRun struct {
	taken time.Duration
	peak  float64 // the most memory that it used, in MB
}

// timed runs a program.
func timed(command *exec.Cmd) (programRun, error) {
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	begun := time.Now()
	if err := command.Start(); err != nil {
		return programRun{}, fmt.Errorf("%v: %w", command.Args, err)
	}

	ended := make(chan struct{})
	peak := make(chan float64)
	go func() { peak <- peakMemory(command.Process.Pid, ended) }()
	err := command.Wait()
	taken := time.Since(begun)
	close(ended)
	if err != nil {
		err = fmt.Errorf("%v: %w\n%s", command.Args, err, out.Bytes())
	}
	return programRun{taken, <-peak}, err
}

// peakMemory returns the most memory that a process used until it ended, in MB, but for what it
// added in its last milliseconds. Linux's resource usage of a child says something else: it begins
// at the memory of the process that started the child.
func peakMemory(pid int, ended <-chan struct{}) (peak float64) {
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for {
		text := strings.TrimSuffix(fact(fmt.Sprintf("/proc/%d/status", pid), "VmHWM"), " kB")
		if kB, err := strconv.ParseFloat(text, 64); err == nil { // none at the end
			peak = kB * 1024 / 1e6
		}
		select {
		case <-ended:
			return peak
		case <-ticker.C:
		}
	}
}

// importing measures orderctl import and orderctl archive verify, for each file on a deployment
// without orders. Verify asks for the customers page by page, so their number counts as well.
func (b *benchmark) importing(ctx context.Context) error {
	s := b.section("Import and verify on LocalStack", "what", "seconds", "orders/s", "peak MB")
	s.note("orderctl import until every order is counted and the sums are compared; orderctl " +
		"archive verify reads the whole archive and compares every figure of the API, 1,000 " +
		"customers a request. One run each.")
	for _, file := range []*corpus{b.few, b.many} {
		if err := b.importAndVerify(ctx, s, file); err != nil {
			return err
		}
	}
	return nil
}

func (b *benchmark) importAndVerify(ctx context.Context, s *section, file *corpus) (err error) {
	customers := "file of " + console.Count(file.users) + " customers"
	b.progress("LocalStack: starting and deploying for the %s", customers)
	d, err := deployment.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Stop(context.WithoutCancel(ctx))) }()
	run := func(what string, n int, args ...string) (programRun, error) {
		b.progress("LocalStack: %s of %s orders", what, console.Count(n))
		return timed(d.Command(ctx, "bin/orderctl", args...))
	}
	report := func(what string, n int, r programRun) {
		s.row(what+" of "+console.Count(n)+" orders, "+customers, hundredths(r.taken.Seconds()),
			whole(float64(n)/r.taken.Seconds()), whole(r.peak))
	}

	first, all := min(importOrders, len(file.ends)), len(file.ends)
	for _, n := range slices.Compact([]int{first, all}) { // the second imports what is missing
		path, err := file.slice(workDir, n)
		if err != nil {
			return err
		}
		r, err := run("import", n, "import", path)
		if err != nil {
			return err
		}
		if n == first {
			report("import", n, r)
			b.target("orderctl import, "+console.Count(n)+" orders", "≤ 30 s until all are counted",
				hundredths(r.taken.Seconds())+" s", r.taken <= 30*time.Second,
				"on LocalStack; "+customers)
		}
	}
	r, err := run("verify", all, "archive", "verify")
	if err != nil {
		return err
	}
	report("verify", all, r)
	b.target("orderctl archive verify, "+console.Count(all)+" orders", "≤ 20 s, ≤ 500 MB",
		hundredths(r.taken.Seconds())+" s, "+whole(r.peak)+" MB",
		r.taken <= 20*time.Second && r.peak <= 500, "on LocalStack; "+customers)
	return nil
}

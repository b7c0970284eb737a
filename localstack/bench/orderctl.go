package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"orderpipeline/localstack/deployment"
)

// importOrders is how many orders are imported and checked at most.
const importOrders = 200_000

// check measures orderctl check on the first orders of the file.
func (b *benchmark) check(ctx context.Context) error {
	n := min(importOrders, len(b.few.ends))
	file, err := b.few.slice(b.dir, n)
	if err != nil {
		return err
	}
	var took, memory sample
	for round := range b.size.rounds {
		b.progress("orderctl check, round %d of %d", round+1, b.size.rounds)
		taken, peak, err := timed(exec.CommandContext(ctx, "bin/orderctl", "check", file))
		if err != nil {
			return err
		}
		took, memory = append(took, taken.Seconds()), append(memory, peak)
	}
	s := b.section("Checking a file", "what", "seconds", "orders/s", "peak MB")
	s.note("orderctl check over the first %s orders of the file of 10,000 customers, from the start "+
		"of the process to its end.", whole(float64(n)))
	s.row(whole(float64(n))+" orders", took.text(hundredths),
		whole(float64(n)/took.median()), memory.text(whole))
	limit := 1.5 * float64(n) / importOrders
	b.target("orderctl check, "+whole(float64(n))+" orders", "≤ "+hundredths(limit)+" s",
		took.text(hundredths)+" s", took.median() <= limit, "")
	return nil
}

// timed runs a program to its end, and returns how long it took and the most memory it used in MB.
func timed(command *exec.Cmd) (time.Duration, float64, error) {
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	begun := time.Now()
	if err := command.Start(); err != nil {
		return 0, 0, fmt.Errorf("%v: %w", command.Args, err)
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
	return taken, <-peak, err
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

// importAndVerify measures orderctl import and orderctl archive verify on a deployment that has no
// orders of the file yet. The file of the most customers gives verify the most figures to compare.
func (b *benchmark) importAndVerify(ctx context.Context, d *deployment.Deployment) error {
	n := min(importOrders, len(b.many.ends))
	file, err := b.absoluteSlice(b.many, n)
	if err != nil {
		return err
	}
	b.progress("LocalStack: importing %s orders", whole(float64(n)))
	imported, importMemory, err := timed(d.Command(ctx, "bin/orderctl", "import", file))
	if err != nil {
		return err
	}

	all := len(b.many.ends)
	rest, err := b.absoluteSlice(b.many, all)
	if err != nil {
		return err
	}
	if all > n {
		b.progress("LocalStack: importing the rest of %s orders", whole(float64(all)))
		if _, _, err := timed(d.Command(ctx, "bin/orderctl", "import", rest)); err != nil {
			return err
		}
	}
	b.progress("LocalStack: verifying %s orders", whole(float64(all)))
	verified, verifyMemory, err := timed(d.Command(ctx, "bin/orderctl", "archive", "verify"))
	if err != nil {
		return err
	}

	s := b.section("Import and verify on LocalStack", "what", "seconds", "orders/s", "peak MB")
	s.note("orderctl import until every order is counted and the sums are compared; orderctl archive "+
		"verify reads the whole archive and compares every figure of the API. The orders are of the "+
		"file of %s customers; one run each.", whole(float64(b.many.users)))
	s.row("import of "+whole(float64(n))+" orders", hundredths(imported.Seconds()),
		whole(float64(n)/imported.Seconds()), whole(importMemory))
	s.row("verify of "+whole(float64(all))+" orders and more", hundredths(verified.Seconds()),
		whole(float64(all)/verified.Seconds()), whole(verifyMemory))
	b.target("orderctl import, "+whole(float64(n))+" orders", "≤ 30 s until all are counted",
		hundredths(imported.Seconds())+" s", imported <= 30*time.Second, "on LocalStack")
	b.target("orderctl archive verify, "+whole(float64(all))+" orders", "≤ 20 s, ≤ 500 MB",
		hundredths(verified.Seconds())+" s, "+whole(verifyMemory)+" MB",
		verified <= 20*time.Second && verifyMemory <= 500, "on LocalStack")
	return nil
}

// absoluteSlice writes the first orders of a file to a file, and returns its absolute path.
func (b *benchmark) absoluteSlice(file *corpus, n int) (string, error) {
	path, err := file.slice(b.dir, n)
	if err != nil {
		return "", err
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", err
	}
	_, err = os.Stat(path)
	return path, err
}

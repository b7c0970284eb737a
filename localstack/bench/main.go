// The benchmarks: the pipeline against the Python baseline in this folder and against what Redis
// can do at most, all in one run on one machine, the sides taking turns. It prints a report in
// Markdown; a full run is also kept in RESULTS.md.
//
//	BENCH=full   (default) all sizes, under 20 minutes
//	BENCH=quick  small sizes, under 3 minutes, not kept
//
// Run it from the repository's root with `make bench`, which installs what it needs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"orderpipeline/localstack/orderctl/console"
)

// Paths from the repository's root.
const (
	here           = "localstack/bench"           // this folder
	workDir        = ".local/bench"               // what is kept between runs
	baselinePython = ".local/baseline/bin/python" // Python with the baseline's packages
)

// usualRounds is how often a figure is measured, where nothing else is said.
const usualRounds = 5

// A size is how much one run measures.
type size struct {
	orders        int // of the files
	wallCommands  int // of each kind
	pythonOrders  int // a round
	gridOrders    int // of one batch size, and of the whole function
	apiCustomers  int
	apiTime       time.Duration // of one measurement
	starts        int           // of each program
	archiveOrders int
	growth        []int // store sizes, in orders
	growthWindow  int   // orders of one measurement at a size
	callerOrders  int
	callerRounds  int
	localOrders   int
}

var sizes = map[string]size{
	"full": {
		orders:        1_000_000,
		wallCommands:  1_000_000,
		pythonOrders:  5_000,
		gridOrders:    100_000,
		apiCustomers:  1_000_000,
		apiTime:       800 * time.Millisecond,
		starts:        21,
		archiveOrders: 200_000,
		growth:        []int{10_000, 100_000, 1_000_000, 10_000_000},
		growthWindow:  20_000,
		callerOrders:  800_000,
		callerRounds:  3,
		localOrders:   10_000,
	},
	"quick": {
		orders:        100_000,
		wallCommands:  200_000,
		pythonOrders:  1_000,
		gridOrders:    20_000,
		apiCustomers:  100_000,
		apiTime:       120 * time.Millisecond,
		starts:        11,
		archiveOrders: 50_000,
		growth:        []int{10_000, 100_000},
		growthWindow:  5_000,
		callerOrders:  400_000,
		callerRounds:  1,
		localOrders:   1_000,
	},
}

// A benchmark is one run.
type benchmark struct {
	size      size
	begun     time.Time
	few, many *corpus           // of 10,000 and of 1,000,000 customers
	functions map[string]string // paths of the built functions
	report    report
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "stopped:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	name := os.Getenv("BENCH")
	if name == "" {
		name = "full"
	}
	b := &benchmark{begun: time.Now()}
	only := flag.String("only", "", "measure only these, separated by commas: "+
		"path, lambda, archive, api, start, growth, callers, check, local, import")
	flag.Parse()
	var known bool
	if b.size, known = sizes[name]; !known {
		return fmt.Errorf("BENCH=%s: write full or quick", name)
	}
	if _, err := os.Stat(here); err != nil {
		return errors.New("run this from the repository's root, with: make bench")
	}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	for _, m := range []struct {
		name    string
		measure func(context.Context) error
	}{
		{"path", b.orderPath},
		{"lambda", b.lambda},
		{"archive", b.archived},
		{"api", b.api},
		{"start", b.start},
		{"growth", b.growth},
		{"callers", b.callers},
		{"check", b.check},
		{"local", b.local},
		{"import", b.importing},
	} {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), m.name) {
			continue
		}
		if err := m.measure(ctx); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	b.report.title = fmt.Sprintf("%s, %s run of %s",
		b.begun.UTC().Format("2006-01-02 15:04 MST"), name, time.Since(b.begun).Round(time.Second))
	text := b.report.markdown()
	fmt.Print(text)
	if name == "full" && *only == "" {
		return keep(filepath.Join(here, "RESULTS.md"), text)
	}
	return nil
}

// prepare makes what the measurements need.
func (b *benchmark) prepare(ctx context.Context) (err error) {
	if err := os.MkdirAll(workDir, 0o755); err != nil {
		return err
	}
	if b.report.machine, err = machine(ctx); err != nil {
		return err
	}
	b.progress("building the functions")
	if b.functions, err = buildFunctions(ctx); err != nil {
		return err
	}
	b.progress("files of %s orders", console.Count(b.size.orders))
	if b.few, err = openCorpus(ctx, b.size.orders, 10_000); err != nil {
		return err
	}
	b.many, err = openCorpus(ctx, b.size.orders, 1_000_000)
	return err
}

// progress says on the error output what comes now.
func (b *benchmark) progress(format string, args ...any) {
	fmt.Fprintf(
		os.Stderr, "%4.0f s  %s\n", time.Since(b.begun).Seconds(), fmt.Sprintf(format, args...),
	)
}

// section begins a table of the report.
func (b *benchmark) section(title string, head ...string) *section {
	s := &section{title: title, head: head}
	b.report.sections = append(b.report.sections, s)
	return s
}

func (b *benchmark) target(what, wanted, measured string, met bool, note string) {
	b.report.targets = append(b.report.targets, target{what, wanted, measured, met, note})
}

// keep puts a run at the top of the file of results.
func keep(path, text string) error {
	file, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, []byte(withRun(string(file), text)), 0o644)
}

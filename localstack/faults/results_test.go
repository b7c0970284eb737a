package faults

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// results collects the results of all runs.
var results = &report{}

type report struct {
	mu      sync.Mutex
	rows    []*row
	without []string // lines about runs without a replay
}

// A row is one fault, over all its runs.
type row struct {
	fault      string
	runs       int
	messages   int
	deliveries int
	failed     int // invocations
	lost       int // messages
	twice      int // orders
	wrong      int // runs
}

// about returns the row of a fault. Rows have the order in which they are first asked for.
func (p *report) about(fault string) *row {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.rows {
		if r.fault == fault {
			return r
		}
	}
	r := &row{fault: fault}
	p.rows = append(p.rows, r)
	return r
}

// add adds one run to a row.
func (p *report) add(to *row, r *rig, v verdict) {
	p.mu.Lock()
	defer p.mu.Unlock()
	to.runs++
	to.messages += len(r.sent)
	to.deliveries += r.deliveries
	to.failed += r.failed
	to.lost += v.lost
	to.twice += v.twice
	if len(v.problems) > 0 {
		to.wrong++
	}
}

// withoutReplay notes what a fault loses when the archive is not replayed.
func (p *report) withoutReplay(fault string, lost, messages int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.without = append(p.without, fmt.Sprintf("| %s | %d | %d |\n", fault, messages, lost))
}

// table writes the results as Markdown.
func (p *report) table() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	b.WriteString(
		"| fault | runs | messages | deliveries | failed invocations | lost | counted twice | wrong " +
			"in any way |\n",
	)
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|\n")
	total := row{fault: "**all**"}
	line := func(r *row) {
		fmt.Fprintf(
			&b, "| %s | %d | %d | %d | %d | %d | %d | %d |\n", r.fault, r.runs, r.messages, r.deliveries,
			r.failed, r.lost, r.twice, r.wrong,
		)
	}
	for _, r := range p.rows {
		if r.runs == 0 {
			continue
		}
		line(r)
		total.runs += r.runs
		total.messages += r.messages
		total.deliveries += r.deliveries
		total.failed += r.failed
		total.lost += r.lost
		total.twice += r.twice
		total.wrong += r.wrong
	}
	line(&total)
	if len(p.without) > 0 {
		b.WriteString(
			"\nThe same faults without a replay of the archive, one run each: without the archive\n" +
				"the rows above would fail.\n\n| fault | messages | lost |\n|---|--:|--:|\n",
		)
		slices.Sort(p.without)
		b.WriteString(strings.Join(p.without, ""))
	}
	return b.String()
}

const resultsHead = `# Results of the tests under faults

Written by the run itself (` + "`make test-faults`" + `), never by hand. Each run injects one fault
into the functions' real binaries while they process random messages: new orders written in many
ways, duplicates, contradicting orders under one id, and messages that must be refused. Afterwards
the figures of the store, the queues and the archive must equal an independent model, to the cent
and to the message.

- *deliveries*: messages passed to the order function, over all receives
- *failed invocations*: those that ended with an error, a time-out or a dead process. This and the
  number of deliveries show that the fault happened.
- *lost*: orders that are counted nowhere, refusals that are in no queue, and acknowledged messages
  that have no line in the archive
- *counted twice*: orders counted more than once
- *wrong in any way*: runs in which any figure, refusal, queue or archive line was wrong

Redis ran with ` + "`appendonly yes`, `appendfsync always` and `noeviction`" + `.
The cluster's nodes, which are not killed here, ran with ` + "`everysec`" + `. Seeds %s.

`

// write writes the table to a file.
func (p *report) write(path, table string) error {
	span := fmt.Sprintf("%d to %d", seeds[0], seeds[len(seeds)-1])
	if err := os.WriteFile(path, []byte(fmt.Sprintf(resultsHead, span)+table), 0o644); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}

// A fault is one way to break things.
type fault struct {
	name string
	setup
	// run sets up the fault, sends and drains. The rig is finished and judged afterwards.
	run func(*rig)
	// harmless is true where there is nothing to inject.
	harmless bool
}

// runAll tries every fault with every seed.
func runAll(t *testing.T, faults []fault) {
	rows := make([]*row, len(faults))
	for i, f := range faults {
		rows[i] = results.about(f.name)
	}
	t.Parallel()
	for i, f := range faults {
		about := rows[i]
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for _, seed := range seeds {
				t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
					r := newRig(t, seed, f.setup)
					v := verdict{problems: []string{"the run was not finished"}}
					defer func() { results.add(about, r, v) }()
					f.run(r)
					v = r.finish()
					t.Log(r.describe())
					if len(v.problems) > 0 {
						slices.Sort(v.problems)
						t.Errorf("%d lost, %d counted twice\n%s", v.lost, v.twice, shorten(v.problems))
					}
					if r.injected == 0 && !f.harmless {
						v.problem("the fault did not happen: this run shows nothing")
						t.Error(v.problems)
					}
				})
			}
		})
	}
}

package main

import (
	"fmt"
	"slices"
	"strings"
)

// A report is one run: what was measured of the targets, and the sections behind it.
type report struct {
	title    string
	machine  []string
	targets  []target
	sections []*section
}

// A target is one line of the table that a reader looks at first.
type target struct {
	what     string
	wanted   string
	measured string
	met      bool
	note     string
}

// A section is one group of measurements: a table, and what must be known to read it.
type section struct {
	title string
	notes []string
	head  []string
	rows  [][]string
}

func (s *section) row(cells ...string) { s.rows = append(s.rows, cells) }

func (s *section) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// markdown writes the report as one section of a Markdown file.
func (r *report) markdown() string {
	var text strings.Builder
	fmt.Fprintf(&text, "## %s\n\n", r.title)
	for _, line := range r.machine {
		fmt.Fprintf(&text, "- %s\n", line)
	}
	if len(r.targets) > 0 {
		text.WriteString("\n### Targets\n\n")
		rows := make([][]string, len(r.targets))
		for i, t := range r.targets {
			met := "met"
			if !t.met {
				met = "**missed**"
			}
			rows[i] = []string{t.what, t.wanted, t.measured, met, t.note}
		}
		writeTable(&text, []string{"what", "target", "measured", "", "how"}, rows)
	}
	for _, s := range r.sections {
		fmt.Fprintf(&text, "\n### %s\n\n", s.title)
		if len(s.notes) > 0 {
			text.WriteString(strings.Join(s.notes, " ") + "\n\n")
		}
		writeTable(&text, s.head, s.rows)
	}
	return text.String()
}

func writeTable(text *strings.Builder, head []string, rows [][]string) {
	rule := slices.Repeat([]string{"---:"}, len(head))
	rule[0] = "---"
	for _, cells := range slices.Concat([][]string{head, rule}, rows) {
		text.WriteString("|")
		for _, cell := range cells {
			text.WriteString(" " + strings.ReplaceAll(cell, "|", `\|`) + " |")
		}
		text.WriteString("\n")
	}
}

// intro begins the file of results.
const intro = `# Results

Written by ` + "`make bench`" + `, the newest run first. Medians of the rounds, with the lowest and
the highest in brackets. Ratios are medians of the rounds' ratios, because the two sides of a
round ran directly after one another. The first lines of each section and the program beside this
file say how each figure is measured.
`

// withRun returns the file of results with a further run at its top.
func withRun(file, run string) string {
	_, earlier, found := strings.Cut(file, "\n## ")
	text := intro + "\n" + run
	if found {
		text += "\n## " + earlier
	}
	return text
}

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReportAsMarkdown(t *testing.T) {
	t.Parallel()
	r := report{
		title:   "2026-01-02",
		machine: []string{"two cores"},
		targets: []target{
			{"speed", "≥ 2 ×", "3 ×", true, "one run"},
			{"size", "≤ 1 MB", "2 MB", false, ""},
		},
		sections: []*section{
			{
				title: "Speed",
				notes: []string{"A.", "B."},
				head:  []string{"case", "rate"},
				rows:  [][]string{{"a|b", "1"}},
			},
		},
	}
	want := `## 2026-01-02

- two cores

### Targets

| what | target | measured |  | how |
| --- | ---: | ---: | ---: | ---: |
| speed | ≥ 2 × | 3 × | met | one run |
| size | ≤ 1 MB | 2 MB | **missed** |  |

### Speed

A. B.

| case | rate |
| --- | ---: |
| a\|b | 1 |
`
	if diff := cmp.Diff(want, r.markdown()); diff != "" {
		t.Errorf("markdown (-want +got):\n%s", diff)
	}
}

func TestNewestRunComesFirst(t *testing.T) {
	t.Parallel()
	file := withRun("", "## first\n\nfirst's text\n")
	file = withRun(file, "## second\n\nsecond's text\n")
	want := intro + "\n## second\n\nsecond's text\n\n## first\n\nfirst's text\n"
	if diff := cmp.Diff(want, file); diff != "" {
		t.Errorf("file (-want +got):\n%s", diff)
	}
}

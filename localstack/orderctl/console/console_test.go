package console

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"
)

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"U1 ä 日本 💶":            "U1 ä 日本 💶",
		"\x1b[31mred\x1b[0m":   `\x1b[31mred\x1b[0m`,
		"two\nlines\tand\r":    `two\nlines\tand\r`,
		"right\u202eto left":   `right\u202eto left`,
		"\xff":                 "\ufffd",
		"<img src=x onerror=>": "<img src=x onerror=>",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{
		{"customer", 0, "customer"}, {"customer", 8, "customer"},
		{"customer", 5, "cust…"}, {"customer", 1, "…"},
		{"日本語", 6, "日本語"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"}, {"👩‍👩‍👧x", 2, "…"},
	} {
		if got := Cut(c.in, c.width); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.in, c.width, got, c.want)
		}
	}
}

func TestNamesThatBeginAlikeStayApart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{
		{"orders", 8, "orders"}, {"orders-dlq", 8, "ord…-dlq"}, {"orders-rejected", 8, "ord…cted"},
		{"ORD-1-0000041", 9, "ORD-…0041"}, {"日本語日本語", 7, "日…本語"}, {"orders", 0, "orders"},
		{"orders", 1, "…"}, {"orders", 2, "…s"},
	} {
		if got := cutName(c.in, c.width); got != c.want {
			t.Errorf("cutName(%q, %d) = %q, want %q", c.in, c.width, got, c.want)
		}
	}
}

func TestGroup(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"0.00":        "0.00",
		"999":         "999",
		"1000":        "1,000",
		"-1234567.89": "-1,234,567.89",
		"100000":      "100,000",
	} {
		if got := group(in); got != want {
			t.Errorf("group(%s) = %s, want %s", in, got, want)
		}
	}
}

func TestAgo(t *testing.T) {
	t.Parallel()
	for in, want := range map[time.Duration]string{
		-time.Second:      "0s",
		59 * time.Second:  "59s",
		250 * time.Second: "4m10s",
		125 * time.Minute: "2h5m",
		76 * time.Hour:    "3d4h",
	} {
		if got := Ago(in); got != want {
			t.Errorf("Ago(%v) = %s, want %s", in, got, want)
		}
	}
}

func TestTablesFitTheWidth(t *testing.T) {
	t.Parallel()
	columns := []Column{
		{Title: "ID"},
		{Title: "AGE", Right: true},
		{Title: "FIELD", Flex: true},
		{Title: "DETAIL", Flex: true},
	}
	rows := [][]any{
		{
			"8bec1bc9",
			"3m1s",
			"items[0].quantity",
			"The quantity is not a whole number from 1 to 1,000,000.",
		},
		{"f49a53a3", "1s", "日本語日本語日本語", "two\nlines"},
	}
	for _, width := range []int{0, 200, 80, 60, 45} {
		var out bytes.Buffer
		c := New(
			strings.NewReader(""), &out, &out, environment(map[string]string{"COLUMNS": fmt.Sprint(width)}),
		)
		c.Table(columns, rows)
		lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
		if len(lines) != 3 {
			t.Fatalf("width %d: %d lines, want 3:\n%s", width, len(lines), &out)
		}
		for _, line := range lines {
			if w := uniseg.StringWidth(line); width > 0 && w > width {
				t.Errorf("width %d: a line of %d columns: %q", width, w, line)
			}
		}
		if cut := strings.Contains(
			out.String(), "…",
		); cut != (width == 60 || width == 45 || width == 80) {
			t.Errorf("width %d: cut is %v:\n%s", width, cut, &out)
		}
	}
}

func TestATableLooksLikeThis(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	New(strings.NewReader(""), &out, &out, environment(nil)).Table(
		[]Column{
			{Title: "CUSTOMER", Flex: true},
			{Title: "SPEND", Right: true},
		}, [][]any{{"U1", "1,059.97"}, {"U22", "9.00"}})
	want := "CUSTOMER     SPEND\nU1        1,059.97\nU22           9.00\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestProgressInLinesWhereThereIsNoTerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out, errs bytes.Buffer
		c := New(strings.NewReader(""), &out, &errs, environment(nil))
		known, unknown := c.Progress("sending", "orders", 10000), c.Progress("reading", "orders", -1)
		for range 3 {
			time.Sleep(linesEvery / 2)
			known.Add(1000)
			unknown.Add(5)
		}
		known.Finish()
		want := "sending: 2,000 of 10,000 orders, 20 %, 400/s, 20s left\nreading: 10 orders, 2/s\n"
		if diff := cmp.Diff(want, errs.String()); diff != "" {
			t.Errorf("lines (-want +got):\n%s", diff)
		}
		if out.Len() > 0 {
			t.Errorf("progress must not be among the results: %q", &out)
		}
	})
}

func TestJSONIsNotMixedWithProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out, errs bytes.Buffer
		c := New(strings.NewReader(""), &out, &errs, environment(nil))
		c.JSON = true
		p, s := c.Progress("sending", "orders", 10), c.Status()
		time.Sleep(time.Hour)
		p.Add(5)
		s.Set("waiting")
		if out.Len()+errs.Len() > 0 {
			t.Errorf("written: %q %q", &out, &errs)
		}
	})
}

func TestNoColoursWithoutATerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := New(
		strings.NewReader(""), &out, &out, environment(map[string]string{"TERM": "xterm-256color"}),
	)
	if got := c.Bad("x") + c.Good("y"); got != "xy" {
		t.Errorf("%q, want no escape sequences", got)
	}
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	var errs bytes.Buffer
	c := New(strings.NewReader("y\n"), &errs, &errs, environment(nil))
	if err := c.Confirm("Delete?"); !errors.Is(err, ErrNotConfirmed) ||
		!strings.Contains(err.Error(), "--yes") {
		t.Errorf("a piped yes: error %v, want ErrNotConfirmed that names --yes", err)
	}
	c.inTTY, c.errTTY = true, true
	for answer, want := range map[string]error{
		"y\n":   nil,
		"YES\n": nil,
		"\n":    ErrNotConfirmed,
		"n\n":   ErrNotConfirmed,
		"":      ErrNotConfirmed,
	} {
		c.In = strings.NewReader(answer)
		if err := c.Confirm("Delete?"); !errors.Is(err, want) {
			t.Errorf("answer %q: error %v, want %v", answer, err, want)
		}
	}
	c.In, c.Yes = strings.NewReader(""), true
	if err := c.Confirm("Delete?"); err != nil {
		t.Errorf("--yes: error %v", err)
	}
}

func TestListsBreakAtTheWidth(t *testing.T) {
	t.Parallel()
	for width, want := range map[string]string{
		"":   "refused      invalid_json 4, missing_field 5, total_overflow 6\n",
		"48": "refused      invalid_json 4, missing_field 5,\n             total_overflow 6\n",
		"10": "refused      invalid_json 4,\n             missing_field 5,\n" +
			"             total_overflow 6\n",
	} {
		var out bytes.Buffer
		New(
			strings.NewReader(""), &out, &out, environment(map[string]string{"COLUMNS": width}),
		).List("refused", "invalid_json 4", "missing_field 5", "total_overflow 6")
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("width %q (-want +got):\n%s", width, diff)
		}
	}
}

func TestDisarm(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"U1": "U1", "": "", "a=b": "a=b", "ä": "ä",
		"=HYPERLINK(1)": "'=HYPERLINK(1)", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)",
		"\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1", "＝1": "'＝1",
	} {
		if got := Disarm(in); got != want {
			t.Errorf("Disarm(%q) = %q, want %q", in, got, want)
		}
	}
}

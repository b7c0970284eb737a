package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderpipeline/localstack/orderctl/audit"
	"orderpipeline/localstack/orderctl/objects"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/archive"
	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

func TestVerifyOfEqualFigures(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.several(42)
	s, out, _ := c.open()
	if err := s.verify(t.Context(), false, defaultShown); err != nil {
		t.Errorf("error %v\n%s", err, out)
	}
	if text := out.String(); !strings.Contains(text, "equal: all figures") || !strings.Contains(text, "42 orders") {
		t.Errorf("output:\n%s", text)
	}
	if c.stops > 0 {
		t.Error("a mapping was stopped without --pause")
	}
}

func TestVerifyNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*cloud)
		want   []string // in the output
	}{
		{"a lost order", func(c *cloud) { delete(c.orders, "O7") },
			[]string{"total", "2024-08", "2024-08-15", "customer", "U1", "lost", "orderctl archive replay"}},
		{"an order that is not in the archive", func(c *cloud) {
			c.orders["new"], _ = newOrder("new", "U9", "2062-01-01", 1)
		}, []string{"2062-01-01", "U9", "not in the archive", "orderctl rebuild"}},
		{"a changed total", func(c *cloud) { c.wrong = func(o *answer.Overview) { o.Figures.Totals.Revenue++ } },
			[]string{"total", "1 of "}},
		{"a broken object", func(c *cloud) { c.s3.Store(testBucket, c.archive(false), []byte("broken")) },
			[]string{"fault in the archive"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			c.several(42)
			test.change(c)
			s, out, _ := c.open()
			if err := s.verify(t.Context(), false, defaultShown); !errors.Is(err, session.ErrCheck) {
				t.Errorf("error %v, want ErrCheck", err)
			}
			for _, want := range test.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is not in the output:\n%s", want, out)
				}
			}
		})
	}
}

func TestVerifyWithAPause(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.several(10)
	c.inFlight = 3
	s, _, _ := c.open()
	s.JSON = true
	if err := s.verify(t.Context(), true, defaultShown); err != nil {
		t.Error(err)
	}
	if c.stops != 2 || !c.mappings["orders-mapping"] || !c.mappings["replay-mapping"] {
		t.Errorf("%d mappings were stopped, mappings %v; want both stopped and started again", c.stops, c.mappings)
	}
	if c.s3.Object(testBucket, noteKey) != nil {
		t.Error("the note is left")
	}
}

func TestAnInterruptedVerifyStartsTheMappings(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.several(10)
	s, _, _ := c.open()
	ctx, cancel := context.WithCancel(t.Context())
	c.wrong = func(*answer.Overview) { cancel() } // while the API is read
	if err := s.verify(ctx, true, defaultShown); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if c.stops != 2 || !c.mappings["orders-mapping"] || !c.mappings["replay-mapping"] || c.s3.Object(testBucket, noteKey) != nil {
		t.Errorf("%d mappings were stopped, mappings %v", c.stops, c.mappings)
	}
}

func TestReplayCountsWhatWasLost(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.several(42)
	delete(c.orders, "O7")
	delete(c.orders, "O20")
	s, out, _ := c.open()
	if err := s.replayWindow(t.Context(), objects.Window{}, 3); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "2 orders were missing and are counted now, worth 2.27") || len(c.orders) != 42 {
		t.Errorf("%d orders, output:\n%s", len(c.orders), out)
	}
}

func TestReplayGoesOnAfterADamagedObject(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.several(10)
	c.s3.Store(testBucket, c.archive(false), []byte("broken"))
	o, _ := newOrder("last", "U1", "2024-05-05", 100)
	c.archive(true, o)
	s, out, _ := c.open()
	err := s.replayWindow(t.Context(), objects.Window{}, 1)
	if !errors.Is(err, session.ErrCheck) || len(c.orders) != 11 || !strings.Contains(out.String(), "not replayed: ") {
		t.Errorf("error %v, %d orders, output:\n%s", err, len(c.orders), out)
	}
}

func TestRebuild(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.several(42)
	c.orders["wrong"], _ = newOrder("wrong", "U1", "2024-05-05", 5)
	delete(c.orders, "O3")
	s, out, _ := c.open()
	if err := s.rebuild(t.Context(), 3); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, there := c.orders["wrong"]; there || len(c.orders) != 42 || c.begins < 2 {
		t.Errorf("%d orders after the rebuild, %d calls to clear", len(c.orders), c.begins)
	}
	if !c.mappings["orders-mapping"] || c.s3.Object(testBucket, noteKey) != nil {
		t.Errorf("mappings %v, or the note is left", c.mappings)
	}
	if !strings.Contains(out.String(), "42 orders counted") || !strings.Contains(out.String(), "equal: all figures") {
		t.Errorf("output:\n%s", out)
	}
}

// A rebuild is interrupted at each of its calls in turn. The next run must always end with the figures of the archive.
func TestARebuildThatIsInterruptedGoesOn(t *testing.T) {
	t.Parallel()
	for at := 1; ; at++ {
		c := newCloud(t)
		c.several(12)
		c.orders["wrong"], _ = newOrder("wrong", "U1", "2024-05-05", 5)
		ctx, cancel := context.WithCancel(t.Context())
		calls, interrupted := 0, false
		c.fail = func(string, string) error {
			if calls++; calls == at {
				interrupted = true
				cancel()
				return ctx.Err()
			}
			return nil
		}
		s, out, _ := c.open()
		err := s.rebuild(ctx, 1)
		cancel()
		if !interrupted {
			if err != nil || at < 5 {
				t.Errorf("error %v after %d calls", err, calls)
			}
			return
		}
		if !errors.Is(err, context.Canceled) || !c.mappings["orders-mapping"] || !c.mappings["replay-mapping"] {
			t.Fatalf("interrupted at call %d: error %v, mappings %v", at, err, c.mappings)
		}
		if err := s.rebuild(t.Context(), 1); err != nil {
			t.Fatalf("after an interruption at call %d: %v\n%s", at, err, out)
		}
		if len(c.orders) != 12 || c.s3.Object(testBucket, noteKey) != nil {
			t.Fatalf("after an interruption at call %d: %d orders", at, len(c.orders))
		}
	}
}

func TestRebuildDoesNotClearAgainWhatItHasFilled(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.several(12)
	ctx, cancel := context.WithCancel(t.Context())
	c.fail = func(kind, _ string) error {
		if kind == "replay rebuild" && len(c.replays) == 2 {
			cancel()
		}
		return ctx.Err()
	}
	s, _, _ := c.open()
	if err := s.rebuild(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	c.fail = func(string, string) error { return nil }
	begins := c.begins
	if err := s.rebuild(t.Context(), 1); err != nil || c.begins != begins {
		t.Errorf("error %v, cleared again: %v", err, c.begins != begins)
	}
}

func TestOfTwoOrdersWithOneIDTheOneWithAMessageCounts(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	_, body := newOrder("O1", "U2", "2024-02-02", 900)
	importOrders(t, c, body+"\n") // first in time: its object is older
	first, _ := newOrder("O1", "U1", "2024-01-01", 100)
	c.archive(false, first)
	s, out, _ := c.open()
	if err := s.rebuild(t.Context(), 4); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if c.orders["O1"].Value != 100 || !strings.Contains(out.String(), "two different orders with the id O1") {
		t.Errorf("%v counts, output:\n%s", c.orders["O1"], out)
	}
}

// importOrders imports a file without conditions.
func importOrders(t *testing.T, c *cloud, content string) {
	t.Helper()
	if err, out := tryImport(t, t.Context(), c, content, importFlags{parallel: 2}); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func tryImport(t *testing.T, ctx context.Context, c *cloud, content string, f importFlags) (error, string) { //nolint:revive // a test
	t.Helper()
	name := filepath.Join(t.TempDir(), "orders.ndjson")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	s, out, errOut := c.open()
	err := importFile(ctx, s.Env, f, name, func(context.Context) (*store, error) { return s, nil })
	return err, out.String() + errOut.String()
}

func manyBodies(n int) string {
	var b strings.Builder
	for i := range n {
		_, body := newOrder(fmt.Sprint("I", i), fmt.Sprint("U", i%7), fmt.Sprintf("2024-%02d-%02d", 1+i%12, 1+i%28), order.Cents(i+1))
		b.WriteString(body + "\n")
	}
	return b.String()
}

func TestImport(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	const n = 2*chunkEntries + 5
	err, out := tryImport(t, t.Context(), c, manyBodies(n), importFlags{parallel: 3})
	if err != nil || len(c.orders) != n {
		t.Fatalf("error %v, %d orders\n%s", err, len(c.orders), out)
	}
	for _, want := range []string{"equal, to the cent", "imported 40,005 orders", "8,002,200.15"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in the output:\n%s", want, out)
		}
	}
	if keys := c.s3.Keys(testBucket); len(keys) != 3 || !strings.HasPrefix(keys[0], archive.ImportsPrefix) {
		t.Errorf("objects %v, want three imports", keys)
	}
	s, _, _ := c.open()
	if err := s.verify(t.Context(), false, defaultShown); err != nil {
		t.Errorf("verify after the import: %v", err)
	}
}

func TestImportAgainCountsNothingAndStoresNothing(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	importOrders(t, c, manyBodies(50))
	puts := c.s3.Puts()
	err, out := tryImport(t, t.Context(), c, manyBodies(50), importFlags{parallel: 1})
	if err != nil || c.s3.Puts() != puts || !strings.Contains(out, "this file was imported on") || !strings.Contains(out, "0 counted now, 50 counted before") {
		t.Errorf("error %v, %d more puts, output:\n%s", err, c.s3.Puts()-puts, out)
	}
}

func TestImportGoesOnAfterAnInterruption(t *testing.T) {
	t.Parallel()
	content := manyBodies(2*chunkEntries + 5)
	for _, stage := range []string{"before counting the second object", "before storing the second object"} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			ctx, cancel := context.WithCancel(t.Context())
			c.fail = func(string, string) error {
				if len(c.replays) == 1 && strings.Contains(stage, "counting") {
					cancel()
				}
				return ctx.Err()
			}
			if strings.Contains(stage, "storing") {
				c.fail = func(string, string) error {
					if len(c.replays) == 0 {
						defer cancel()
					}
					return nil
				}
			}
			if err, out := tryImport(t, ctx, c, content, importFlags{parallel: 1}); !errors.Is(err, context.Canceled) {
				t.Fatalf("error %v\n%s", err, out)
			}
			c.fail = func(string, string) error { return nil }
			err, out := tryImport(t, t.Context(), c, content, importFlags{parallel: 1})
			if err != nil || len(c.orders) != 2*chunkEntries+5 {
				t.Errorf("error %v, %d orders\n%s", err, len(c.orders), out)
			}
		})
	}
}

func TestImportOfOrdersThatWereCountedBefore(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	known, knownBody := newOrder("K1", "U1", "2024-01-01", 100)
	c.archive(false, known)
	_, newBody := newOrder("K2", "U1", "2024-01-01", 250)
	err, out := tryImport(t, t.Context(), c, knownBody+"\n"+newBody+"\n", importFlags{parallel: 1})
	if err != nil || !strings.Contains(out, "1 counted now, 1 counted before") || !strings.Contains(out, "2.50") {
		t.Errorf("error %v, output:\n%s", err, out)
	}
}

func TestImportOfAnOrderThatContradictsAnEarlierOne(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	known, _ := newOrder("K1", "U1", "2024-01-01", 100)
	c.archive(false, known)
	_, other := newOrder("K1", "U1", "2024-01-01", 999)
	err, out := tryImport(t, t.Context(), c, other+"\n", importFlags{parallel: 1})
	if !errors.Is(err, session.ErrCheck) || !strings.Contains(out, "1 orders are refused: another order with their order_id") {
		t.Errorf("error %v, output:\n%s", err, out)
	}
}

func TestImportWithRefusedOrders(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	content := manyBodies(3) + "{\"order_id\":\"x\"}\nno json\n" + manyBodies(4)
	err, out := tryImport(t, t.Context(), c, content, importFlags{parallel: 1})
	if !errors.Is(err, session.ErrCheck) || len(c.s3.Keys(testBucket)) != 0 || !strings.Contains(out, "nothing was imported") {
		t.Errorf("without --invalid: error %v, %d objects\n%s", err, len(c.s3.Keys(testBucket)), out)
	}

	aside := filepath.Join(t.TempDir(), "aside.ndjson")
	err, out = tryImport(t, t.Context(), c, content, importFlags{parallel: 1, invalid: aside})
	if err != nil || len(c.orders) != 4 {
		t.Fatalf("with --invalid: error %v, %d orders\n%s", err, len(c.orders), out)
	}
	text, err := os.ReadFile(aside)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"line":4,"reason":"missing_field","field":"user_id",` + "\n" + `{"line":5,"reason":"invalid_json",`
	var starts []string
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		start, _, _ := strings.Cut(line, `"detail"`)
		starts = append(starts, start)
	}
	if diff := cmp.Diff(want, strings.Join(starts, "\n")); diff != "" || !strings.Contains(string(text), `"body":"no json"`) {
		t.Errorf("the file of refused orders (-want +got):\n%s\n%s", diff, text)
	}
	if err, _ := tryImport(t, t.Context(), c, content, importFlags{parallel: 1, invalid: aside}); !errors.Is(err, session.ErrUsage) {
		t.Errorf("an existing file: error %v, want ErrUsage", err)
	}
}

func TestAFileThatCannotBeReadLeavesNoFileOfRefusedOrders(t *testing.T) {
	t.Parallel()
	aside := filepath.Join(t.TempDir(), "aside.ndjson")
	if err, _ := tryImport(t, t.Context(), newCloud(t), "a,b\n1,2\n", importFlags{parallel: 1, invalid: aside}); err == nil {
		t.Error("a CSV was imported")
	}
	if _, err := os.Stat(aside); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file of refused orders: %v, want that there is none", err)
	}
}

func TestShowAndList(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.several(12)
	importOrders(t, c, manyBodies(3))
	s, out, _ := c.open()
	if err := s.list(t.Context(), objects.Window{}, false); err != nil || !strings.Contains(out.String(), "2026-03-01") {
		t.Errorf("list: %v\n%s", err, out)
	}
	for _, id := range []string{"O7", "m-O7"} {
		s, out, _ := c.open()
		s.JSON = true
		var got struct{ Lines []hit }
		if err := errors.Join(s.show(t.Context(), objects.Window{}, id), json.Unmarshal(out.Bytes(), &got)); err != nil {
			t.Fatal(err)
		}
		if len(got.Lines) != 1 || got.Lines[0].Line != 3 || got.Lines[0].outcome() != "recorded" {
			t.Errorf("%s: %+v", id, got)
		}
	}
	if err := s.show(t.Context(), objects.Window{}, "O"); err == nil {
		t.Error("an id that is only the beginning of others was found")
	}
}

func TestFaultsAreCountedInTheVerification(t *testing.T) {
	t.Parallel()
	v := &verification{Faults: []audit.Fault{{Object: "o", Line: 3, Text: "broken"}}, FaultCount: 1}
	c := newCloud(t)
	s, out, _ := c.open()
	if err := s.report(v, 5); !errors.Is(err, session.ErrCheck) || !strings.Contains(out.String(), "o line 3: broken") {
		t.Errorf("error %v\n%s", err, out)
	}
}

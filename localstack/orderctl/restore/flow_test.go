package restore

import (
	"context"
	"errors"
	"strings"
	"testing"

	"orderpipeline/localstack/orderctl/objects"
	"orderpipeline/localstack/orderctl/pause"
	"orderpipeline/localstack/orderctl/session"
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
	if text := out.String(); !strings.Contains(text, "equal: all figures") ||
		!strings.Contains(text, "42 orders") {
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
		{"two orders with one id that were both counted", func(c *cloud) {
			other, _ := newOrder("O7", "U9", "2062-01-01", 1)
			c.archive(true, other)
			c.orders["another shard's O7"] = other // its claim was lost: see the ledger's package comment
		}, []string{"two different orders with the id O7", "U9", "not in the archive", "rebuild"}},
		{"a changed total", func(c *cloud) {
			c.wrong = func(o *answer.Overview) { o.Figures.Totals.Revenue++ }
		}, []string{"total", "1 of "}},
		{"a broken object", func(c *cloud) { c.s3.Write(c.archive(false), []byte("broken")) },
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
		t.Errorf(
			"%d mappings were stopped, mappings %v; want both stopped and started again",
			c.stops,
			c.mappings,
		)
	}
	if c.s3.Content(pause.NoteKey) != nil {
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
	if c.stops != 2 || !c.mappings["orders-mapping"] || !c.mappings["replay-mapping"] ||
		c.s3.Content(pause.NoteKey) != nil {
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
	if !strings.Contains(out.String(), "2 orders were missing and are counted now, worth 2.27") ||
		len(c.orders) != 42 {
		t.Errorf("%d orders, output:\n%s", len(c.orders), out)
	}
}

func TestReplayGoesOnAfterADamagedObject(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.several(10)
	c.s3.Write(c.archive(false), []byte("broken"))
	o, _ := newOrder("last", "U1", "2024-05-05", 100)
	c.archive(true, o)
	s, out, _ := c.open()
	err := s.replayWindow(t.Context(), objects.Window{}, 1)
	if !errors.Is(err, session.ErrCheck) || len(c.orders) != 11 ||
		!strings.Contains(out.String(), "not replayed: ") {
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
	if err := s.rebuild(t.Context(), rebuildFlags{parallel: 3}); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, there := c.orders["wrong"]; there || len(c.orders) != 42 || c.begins < 2 {
		t.Errorf("%d orders after the rebuild, %d calls to clear", len(c.orders), c.begins)
	}
	if !c.mappings["orders-mapping"] || c.s3.Content(pause.NoteKey) != nil {
		t.Errorf("mappings %v, or the note is left", c.mappings)
	}
	if !strings.Contains(out.String(), "42 orders counted") ||
		!strings.Contains(out.String(), "equal: all figures") {
		t.Errorf("output:\n%s", out)
	}
}

// The local archive is gone after make down, and Redis keeps its figures.
func TestRebuildRefusesToLoseOrders(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		prepare  func(*cloud)
		accept   bool
		refused  bool
		orders   int // afterwards
		inOutput string
	}{
		{name: "an empty archive", prepare: func(c *cloud) {}, refused: true, orders: 3},
		{
			name: "an archive with one order less", refused: true, orders: 3,
			prepare: func(c *cloud) { c.archive(true, c.orders["A"], c.orders["B"]) },
		},
		{
			name: "the loss is accepted", accept: true, orders: 1,
			prepare:  func(c *cloud) { c.archive(true, c.orders["A"]) },
			inOutput: "1 orders counted",
		},
		{
			name: "the missing message was not acknowledged", orders: 2,
			prepare: func(c *cloud) {
				c.archive(true, c.orders["A"], c.orders["B"])
				c.dead = 1
			},
			inOutput: "2 orders counted",
		},
		{
			name: "two orders with one id were both counted", orders: 3,
			prepare: func(c *cloud) {
				other, _ := newOrder("A", "U2", "2024-06-06", 200)
				c.archive(true, c.orders["A"], c.orders["B"], c.orders["C"], other)
				c.orders["another shard's A"] = other
			},
			inOutput: "two different orders with the id A",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			for _, id := range []string{"A", "B", "C"} {
				c.orders[id], _ = newOrder(id, "U1", "2024-05-05", 100)
			}
			test.prepare(c)
			s, out, _ := c.open()
			err := s.rebuild(t.Context(), rebuildFlags{parallel: 1, acceptFewer: test.accept})
			if got := errors.Is(err, errFewer); got != test.refused {
				t.Errorf("refused: got %v, want %v; error %v", got, test.refused, err)
			}
			if test.refused && !strings.Contains(err.Error(), "--accept-fewer") {
				t.Errorf("the error does not name the flag: %v", err)
			}
			if got := c.begins > 0; got == test.refused {
				t.Errorf("the store was cleared: got %v, want %v", got, !test.refused)
			}
			if got := len(c.orders); got != test.orders {
				t.Errorf("orders: got %d, want %d", got, test.orders)
			}
			if !strings.Contains(out.String(), test.inOutput) {
				t.Errorf("%q is not in the output:\n%s", test.inOutput, out)
			}
			if !c.mappings["orders-mapping"] || !c.mappings["replay-mapping"] {
				t.Errorf("mappings: got %v, want both enabled", c.mappings)
			}
			if c.s3.Content(pause.NoteKey) != nil {
				t.Error("the note is left")
			}
		})
	}
}

// An import beside a rebuild adds objects after the archive was read.
func TestRebuildReadsTheArchiveAgainWhenItGrew(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.several(5)
	added := false
	c.fail = func(kind, _ string) error {
		if kind == "replay rebuild" && !added {
			added = true
			c.mu.Unlock()
			defer c.mu.Lock()
			o, _ := newOrder("new", "U9", "2024-05-05", 700)
			c.archive(false, o)
		}
		return nil
	}
	s, out, _ := c.open()
	if err := s.rebuild(t.Context(), rebuildFlags{parallel: 1}); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if got := len(c.orders); got != 6 {
		t.Errorf("orders: got %d, want 6", got)
	}
}

// A rebuild is interrupted at each of its calls in turn. The next run must always end with the
// figures of the archive.
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
		err := s.rebuild(ctx, rebuildFlags{parallel: 1, acceptFewer: true})
		cancel()
		if !interrupted {
			if err != nil || at < 5 {
				t.Errorf("error %v after %d calls", err, calls)
			}
			return
		}
		if !errors.Is(err, context.Canceled) || !c.mappings["orders-mapping"] ||
			!c.mappings["replay-mapping"] {
			t.Fatalf("interrupted at call %d: error %v, mappings %v", at, err, c.mappings)
		}
		if err := s.rebuild(t.Context(), rebuildFlags{parallel: 1, acceptFewer: true}); err != nil {
			t.Fatalf("after an interruption at call %d: %v\n%s", at, err, out)
		}
		if len(c.orders) != 12 || c.s3.Content(pause.NoteKey) != nil {
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
	if err := s.rebuild(ctx, rebuildFlags{parallel: 1}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	c.fail = func(string, string) error { return nil }
	begins := c.begins
	if err := s.rebuild(t.Context(), rebuildFlags{parallel: 1}); err != nil || c.begins != begins {
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
	if err := s.rebuild(t.Context(), rebuildFlags{parallel: 4}); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if c.orders["O1"].Value != 100 ||
		!strings.Contains(out.String(), "two different orders with the id O1") {
		t.Errorf("%v counts, output:\n%s", c.orders["O1"], out)
	}
}

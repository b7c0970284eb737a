package order_test

import (
	"testing"
	"time"

	"orderpipeline/shared/order"
)

// Fingerprints are stored for weeks. If this test fails, orders that are sent again across a
// release would be refused as conflicts: mend the code, not the numbers. They were worked out
// without it, with hashlib of Python.
func TestFingerprintNeverChanges(t *testing.T) {
	t.Parallel()
	moment := time.Date(2024, 12, 13, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		order order.Order
		want  uint64
	}{
		{order.Order{ID: "ORD1", UserID: "U1", Placed: moment, Value: 4000}, 7946507221419987115},
		{
			order.Order{ID: "ORD1", UserID: "käufer-😀", Placed: moment.Add(time.Nanosecond), Value: 0},
			8909968519945057795,
		},
		{
			order.Order{ID: "ORD1", UserID: zeros(128), Placed: time.Unix(0, 0), Value: order.MaxValue},
			6095146533294421489,
		},
	} {
		if got := c.order.Fingerprint(); got != c.want {
			t.Errorf("fingerprint of %+v = %d, want %d", c.order, got, c.want)
		}
	}
}

func TestFingerprintIsTheContent(t *testing.T) {
	t.Parallel()
	base := accept(t, with()).Fingerprint()
	for name, body := range map[string]string{
		"another order_id":         with("order_id", `"ORD2"`),
		"another form of the time": with("order_timestamp", `"2024-12-13 12:00:00.000+02:00"`),
		"another stated value":     with("order_value", "1"),
		"other items, same value":  withItem(`"P2"`, "1", "40.001"),
		"encoded twice":            encode(with()),
		"an escaped customer":      with("user_id", `"\u00551"`),
	} {
		if got := accept(t, body).Fingerprint(); got != base {
			t.Errorf("%s: fingerprint = %d, want the same as before, %d", name, got, base)
		}
	}
	met := map[uint64]string{base: "the sample"}
	for name, body := range map[string]string{
		"another customer":      with("user_id", `"U2"`),
		"a longer customer":     with("user_id", `"U11"`),
		"another case":          with("user_id", `"u1"`),
		"a second later":        with("order_timestamp", `"2024-12-13T10:00:01Z"`),
		"a nanosecond later":    with("order_timestamp", `"2024-12-13T10:00:00.000000001Z"`),
		"the same clock abroad": with("order_timestamp", `"2024-12-13T10:00:00+01:00"`),
		"a cent more":           withItem(`"P"`, "1", "40.01"),
	} {
		got := accept(t, body).Fingerprint()
		if other, known := met[got]; known {
			t.Errorf("%s has the fingerprint of %s", name, other)
		}
		met[got] = name
	}
	for f := range met {
		if f >= 1<<63 {
			t.Errorf("fingerprint %d does not fit 63 bits", f)
		}
	}
}

func TestFingerprintDoesNotAllocate(t *testing.T) {
	o := order.Order{UserID: zeros(4 * order.MaxIDLength)}
	if n := testing.AllocsPerRun(100, func() { o.Fingerprint() }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

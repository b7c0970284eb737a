package filecheck

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"orderpipeline/localstack/orderctl/orderfile"
	"orderpipeline/shared/order"
)

func line(id, user, price string) string {
	return fmt.Sprintf(
		`{"order_id":%q,"user_id":%q,"order_timestamp":"2024-12-13T10:00:00Z",`+
			`"items":[{"product_id":"P","quantity":1,"price_per_unit":%s}]}`,
		id,
		user,
		price,
	)
}

func open(t *testing.T, text string) *orderfile.Reader {
	t.Helper()
	r, err := orderfile.NewReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A finding is what a test looks at of a verdict that is not simply valid.
type finding struct {
	Line   int
	Reason order.Reason
	Field  string
	First  int
}

// judgeAll adds up all entries, and calls each with every verdict.
func judgeAll(ctx context.Context, r *orderfile.Reader, each func(*Verdict)) (*Sums, error) {
	sums := NewSums()
	for v, err := range All(ctx, r) {
		if err != nil {
			return sums, err
		}
		sums.Add(v)
		each(v)
	}
	return sums, nil
}

func check(t *testing.T, text string) (*Sums, []finding, error) {
	t.Helper()
	var found []finding
	sums, err := judgeAll(t.Context(), open(t, text), func(v *Verdict) {
		switch {
		case v.Refusal != nil:
			found = append(found, finding{v.Line, v.Refusal.Reason, v.Refusal.Field, v.First})
		case v.Duplicate():
			found = append(found, finding{Line: v.Line, First: v.First})
		}
	})
	return sums, found, err
}

func TestCheck(t *testing.T) {
	t.Parallel()
	text := strings.Join([]string{
		line("a", "U1", "1.10"),
		line("b", "U2", "2.005"), // rounds half to even: 2.00
		"",
		line("a", "U1", "1.1"),  // the same order
		line("a", "U1", "1.11"), // another one under the same id
		`{"order_id":"c"}`,
		"not json",
		strings.Replace(line("d", "U1", "5"), "2024-12-13", "2025-01-31", 1),
		strings.Replace(line("e", "U1", "5"), `"items"`, `"order_value":"7.00","items"`, 1),
		line("f", strings.Repeat("u", 10), "1") + strings.Repeat(" ", MaxMessage),
	}, "\n")
	sums, found, err := check(t, text)
	if err != nil {
		t.Fatal(err)
	}
	want := []finding{
		{Line: 4, First: 1},
		{5, order.IDConflict, "order_id", 1},
		{6, order.MissingField, "user_id", 0},
		{7, order.InvalidJSON, "", 0},
		{10, MessageTooLarge, "", 0},
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	wantSums := &Sums{
		Entries:    9,
		Orders:     4,
		Revenue:    1310,
		Duplicates: 1,
		Mismatches: 1,
		Refused: map[order.Reason]int64{
			order.IDConflict:   1,
			order.MissingField: 1,
			order.InvalidJSON:  1,
			MessageTooLarge:    1,
		},
		Customers: 2,
		First:     time.Date(2024, 12, 13, 10, 0, 0, 0, time.UTC),
		Last:      time.Date(2025, 1, 31, 10, 0, 0, 0, time.UTC),
	}
	if diff := cmp.Diff(wantSums, sums, cmpopts.IgnoreUnexported(Sums{})); diff != "" {
		t.Errorf("sums (-want +got):\n%s", diff)
	}
	if got := sums.RefusedTotal(); got != 4 {
		t.Errorf("RefusedTotal() = %d, want 4", got)
	}
	wantReasons := []order.Reason{
		order.InvalidJSON,
		order.MissingField,
		order.IDConflict,
		MessageTooLarge,
	}
	if diff := cmp.Diff(wantReasons, sums.Reasons()); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

func TestVerdictsKeepTheOrderOfTheFile(t *testing.T) {
	t.Parallel()
	const count = 20 * chunkEntries
	var text strings.Builder
	for i := range count {
		text.WriteString(line(fmt.Sprint(i%(count-100)), "U1", "1") + "\n")
	}
	next := 1
	sums, err := judgeAll(t.Context(), open(t, text.String()), func(v *Verdict) {
		if v.Line != next {
			t.Fatalf("line %d follows line %d", v.Line, next-1)
		}
		if wantFirst := max(0, next-(count-100)); v.First != wantFirst {
			t.Fatalf("line %d repeats line %d, want %d", v.Line, v.First, wantFirst)
		}
		next++
	})
	if err != nil || sums.Orders != count-100 || sums.Duplicates != 100 {
		t.Errorf(
			"error %v, %d orders, %d duplicates; want %d and 100", err, sums.Orders, sums.Duplicates,
			count-100,
		)
	}
}

func TestCheckStops(t *testing.T) {
	t.Parallel()
	text := strings.Repeat(line("a", "U1", "1")+"\n", 100*chunkEntries)

	t.Run("when the caller has enough", func(t *testing.T) {
		t.Parallel()
		entries := 0
		for _, err := range All(t.Context(), open(t, text)) {
			if err != nil {
				t.Fatal(err)
			}
			entries++
			break
		}
		if entries != 1 {
			t.Errorf("got %d entries, want 1", entries)
		}
	})
	t.Run("at an error of the file", func(t *testing.T) {
		t.Parallel()
		sums, _, err := check(t, "["+line("a", "U1", "1")+",\n"+line("b", "U1", "1")+" x")
		if !errors.Is(err, orderfile.ErrInput) || !strings.Contains(err.Error(), "line 2") ||
			sums.Orders != 2 {
			t.Errorf("error %v after %d orders, want ErrInput at line 2 after 2", err, sums.Orders)
		}
	})
	t.Run("when interrupted", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		_, err := judgeAll(ctx, open(t, text), func(*Verdict) { cancel() })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
	})
}

func TestAFileThatFailsIsNoShortFile(t *testing.T) {
	t.Parallel()
	r, err := orderfile.NewReader(
		iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(line("a", "U", "1")))),
	)
	if err == nil {
		_, err = judgeAll(t.Context(), r, func(*Verdict) {})
	}
	if !errors.Is(err, orderfile.ErrInput) || !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("error %v, want ErrInput and the cause", err)
	}
}

func BenchmarkCheck(b *testing.B) {
	var text strings.Builder
	const count = 200_000
	for i := range count {
		fmt.Fprintf(
			&text,
			`{"order_id": "ORD-%09d-0f5a3c", "user_id": "U%d", `+
				`"order_timestamp": "2024-%02d-11T05:00:00Z", "order_value": 99.99, `+
				`"items": [{"product_id": "P001", "quantity": 2, "price_per_unit": 20.03}, `+
				`{"product_id": "P002", "quantity": 3, "price_per_unit": 31.5}]}`+"\n",
			i,
			i%10_000,
			1+i%12,
		)
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		r, err := orderfile.NewReader(strings.NewReader(text.String()))
		if err != nil {
			b.Fatal(err)
		}
		sums, err := judgeAll(b.Context(), r, func(*Verdict) {})
		if err != nil || sums.Orders != count {
			b.Fatalf("error %v, %d orders", err, sums.Orders)
		}
	}
}

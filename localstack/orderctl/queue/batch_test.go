package queue

import (
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func bodies(sizes ...int) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for _, n := range sizes {
			if !yield(Message{Body: strings.Repeat("x", n)}, nil) {
				return
			}
		}
	}
}

func TestBatchesKeepToTheLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		sizes []int
		want  [][]int
	}{
		{name: "nothing"},
		{name: "one", sizes: []int{5}, want: [][]int{{5}}},
		{
			name: "ten fill a batch", sizes: []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
			want: [][]int{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		},
		{
			name: "the eleventh begins another", sizes: []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
			want: [][]int{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, {11}},
		},
		{
			name: "exactly the bytes of a call", sizes: []int{MaxBatchBytes - 1, 1, 1},
			want: [][]int{{MaxBatchBytes - 1, 1}, {1}},
		},
		{name: "one byte over", sizes: []int{MaxBatchBytes, 1}, want: [][]int{{MaxBatchBytes}, {1}}},
		{
			name: "too large for any call goes alone, to be refused", sizes: []int{1, MaxBatchBytes + 1, 1},
			want: [][]int{{1}, {MaxBatchBytes + 1}, {1}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got [][]int
			for batch, err := range batches(goOn, bodies(c.sizes...)) {
				if err != nil {
					t.Fatal(err)
				}
				var sizes []int
				for _, m := range batch {
					sizes = append(sizes, len(m.Body))
				}
				got = append(got, sizes)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("batches (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBatchesHandOnWhatWasReadBeforeAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	messages := func(yield func(Message, error) bool) {
		_ = yield(Message{Body: "a"}, nil) && yield(Message{}, broken)
	}
	var sent int
	var last error
	for batch, err := range batches(goOn, messages) {
		sent += len(batch)
		last = err
	}
	if sent != 1 || !errors.Is(last, broken) {
		t.Errorf("%d messages and error %v, want 1 and %v", sent, last, broken)
	}
}

func TestBatchesStop(t *testing.T) {
	t.Parallel()
	stop := func() bool { return true }
	for batch := range batches(stop, bodies(1, 2, 3)) {
		t.Errorf("got a batch of %d", len(batch))
	}
}

func TestSizeCountsAttributes(t *testing.T) {
	t.Parallel()
	attributes := stringAttributes(map[string]string{"reason": "invalid_json"})
	m := Message{Body: "äb", Attributes: attributes}
	if got, want := m.Size(), len("äb")+len("reason")+len("String")+len("invalid_json"); got != want {
		t.Errorf("Size() = %d, want %d", got, want)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body, want string
	}{
		{"an order", `{"order_id":"ä💶"}`, ""},
		{"line breaks and tabs", "{\r\n\t}", ""},
		{"largest", strings.Repeat("x", MaxBatchBytes), ""},
		{"empty", "", "empty"},
		{"too large", strings.Repeat("x", MaxBatchBytes+1), "at most"},
		{"not UTF-8", "\xff", "UTF-8"},
		{"a control character", "a\x00b", "U+0000"},
		{"a character that is none", "a\uffffb", "U+FFFF"},
	} {
		err := Message{Body: c.body}.Check()
		if c.want == "" && err != nil ||
			c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

// goOn never stops.
func goOn() bool { return false }

package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		values sample
		want   float64
	}{
		{"odd count, unsorted", sample{5, 1, 3}, 3},
		{"even count", sample{4, 1, 3, 2}, 2.5},
		{"one value", sample{7}, 7},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before := append(sample{}, test.values...)
			if got := test.values.median(); got != test.want {
				t.Errorf("median %v, want %v", got, test.want)
			}
			if diff := cmp.Diff(before, test.values); diff != "" {
				t.Errorf("the rounds were reordered (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	var hundred []time.Duration
	for i := 100; i >= 1; i-- {
		hundred = append(hundred, time.Duration(i))
	}
	for share, want := range map[float64]time.Duration{0.5: 50, 0.99: 99, 1: 100, 0: 1} {
		if got := percentile(hundred, share); got != want {
			t.Errorf("percentile %v is %d, want %d", share, got, want)
		}
	}
}

func TestNumbersAreReadable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ got, want string }{
		{whole(999), "999"},
		{whole(84000.4), "84,000"},
		{whole(1234567), "1,234,567"},
		{whole(-1234), "-1,234"},
		{times(1.46), "1.5 ×"},
		{times(84.2), "84 ×"},
		{sample{2, 1, 3}.text(whole), "2 (1–3)"},
		{sample{2}.text(whole), "2"},
		{sample{}.text(whole), "–"},
		{percent(ratio(sample{1, 2}, sample{2, 4}).median()), "50 %"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

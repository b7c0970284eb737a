package main

import (
	"fmt"
	"math"
	"slices"
	"time"

	"orderpipeline/localstack/orderctl/console"
)

// A sample is what several rounds of one measurement gave.
type sample []float64

// median is the middle value, or the mean of the two middle ones.
func (s sample) median() float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// text is the median with the range of all rounds, each written by format.
func (s sample) text(format func(float64) string) string {
	switch len(s) {
	case 0:
		return "–"
	case 1:
		return format(s[0])
	}
	return fmt.Sprintf("%s (%s–%s)", format(s.median()), format(slices.Min(s)), format(slices.Max(s)))
}

// ratio divides two samples of the same rounds round by round: what slows the machine for a while
// slows both sides of a round.
// A round in which the other side got nothing done is left out.
func ratio(a, b sample) sample {
	quotients := make(sample, 0, len(a))
	for i := range min(len(a), len(b)) {
		if b[i] != 0 {
			quotients = append(quotients, a[i]/b[i])
		}
	}
	return quotients
}

// percentile is the smallest value that a share of all values, from 0 to 1, does not exceed. It
// sorts the values.
func percentile(values []time.Duration, share float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	at := int(math.Ceil(share*float64(len(values)))) - 1
	return values[min(max(at, 0), len(values)-1)]
}

// whole writes a number with thousands apart: 84,000.
func whole(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return console.Count(int64(math.Round(v)))
}

func tenths(v float64) string     { return fmt.Sprintf("%.1f", v) }
func hundredths(v float64) string { return fmt.Sprintf("%.2f", v) }
func percent(v float64) string    { return fmt.Sprintf("%.0f %%", 100*v) }

// times writes a ratio: 84 ×.
func times(v float64) string {
	if v < 10 {
		return fmt.Sprintf("%.1f ×", v)
	}
	return whole(v) + " ×"
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

package restore

import (
	"fmt"
	"slices"
	"time"
)

// longestSpan is how many days one request for days may have.
const longestSpan = 400

// A span is a range of days, both included, as YYYY-MM-DD.
type span struct{ first, last string }

// spansOf covers the days of all months, YYYY-MM, with few spans. Long gaps are left out: one order
// with an odd date must not cost thousands of requests.
func spansOf(months []string) ([]span, error) {
	months = slices.Clone(months)
	slices.Sort(months)
	var spans []span
	var covered time.Time // all days before it
	for i, name := range slices.Compact(months) {
		begin, err := time.Parse("2006-01", name)
		if err != nil {
			return nil, fmt.Errorf("the month %q: %w", name, err)
		}
		end := begin.AddDate(0, 1, 0) // the first day of the next month
		if i > 0 && begin.Before(covered) {
			begin = covered
		}
		if !begin.Before(end) {
			continue
		}
		// The rest of the year after it comes with the same request.
		covered = begin.AddDate(0, 0, longestSpan)
		last := covered.AddDate(0, 0, -1)
		if limit := time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC); last.After(limit) {
			last = limit
		}
		spans = append(spans, span{begin.Format(time.DateOnly), last.Format(time.DateOnly)})
	}
	return spans, nil
}

package audit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

// A Verdict says in which way the store differs from the archive.
type Verdict string

// The verdicts.
const (
	// Lost: the archive holds more. The store has lost orders, or never counted them.
	Lost Verdict = "lost"
	// Unarchived: the store holds more. An order was counted whose message is not acknowledged yet:
	// it is in flight or in the dead-letter queue. Or the figure was changed by other means.
	Unarchived Verdict = "not in the archive"
	// Different: neither, such as more orders with less revenue.
	Different Verdict = "different"
)

// A Difference is a figure that is not the same in the archive and in the store.
type Difference struct {
	Figure  string  `json:"figure"`         // total, month, day, customer or leaderboard
	Name    string  `json:"name,omitempty"` // month, day, customer, or place in the leaderboard
	Archive Figures `json:"archive"`
	Store   Figures `json:"store"`
	Verdict Verdict `json:"verdict"`
}

func verdict(archive, store Figures) Verdict {
	more := archive.Orders > store.Orders || archive.Revenue > store.Revenue
	less := archive.Orders < store.Orders || archive.Revenue < store.Revenue
	switch {
	case more && less:
		return Different
	case more:
		return Lost
	}
	return Unarchived
}

// A Comparison compares the figures of the API, one after the other, with a book. Its JSON is a
// part of what verify prints.
type Comparison struct {
	Compared    int64             `json:"compared"`          // figures
	Count       int64             `json:"differences_total"` // of all differences
	Verdicts    map[Verdict]int64 `json:"verdicts"`
	Differences []Difference      `json:"differences"` // at most 1,000

	book *Book
}

// keptDifferences bounds how many differences are listed; all are counted.
const keptDifferences = 1000

// NewComparison begins a comparison with a book that is complete.
func NewComparison(b *Book) *Comparison {
	return &Comparison{book: b, Verdicts: map[Verdict]int64{}, Differences: []Difference{}}
}

func (c *Comparison) compare(figure, name string, archive, store Figures) {
	c.Compared++
	if archive == store {
		return
	}
	d := Difference{figure, name, archive, store, verdict(archive, store)}
	c.Count++
	c.Verdicts[d.Verdict]++
	if len(c.Differences) < keptDifferences {
		c.Differences = append(c.Differences, d)
	}
}

// Total compares the figures of the whole store.
func (c *Comparison) Total(store answer.Totals) {
	c.compare("total", "", c.book.Total, Figures(store))
}

// Months compares all months that the store has.
func (c *Comparison) Months(store answer.Months) {
	comparePeriods(c, "month", c.book.Months, store)
}

// Days compares all days that the store has.
func (c *Comparison) Days(store answer.Days) {
	comparePeriods(c, "day", c.book.Days, store)
}

func comparePeriods[D order.Date](
	c *Comparison, figure string, archive map[D]*Figures, store answer.Periods[D],
) {
	stored := make(map[D]Figures, len(store))
	for _, p := range store {
		stored[p.Date] = p.Period
	}
	dates := slices.AppendSeq(slices.Collect(maps.Keys(archive)), maps.Keys(stored))
	slices.Sort(dates)
	for _, date := range slices.Compact(dates) {
		var want Figures
		if known := archive[date]; known != nil {
			want = *known
		}
		c.compare(figure, fmt.Sprint(date), want, stored[date])
	}
}

// Customer compares the figures of one customer. A customer that the store names twice is a
// difference.
func (c *Comparison) Customer(u answer.User) {
	id, store := u.UserID, Figures{Orders: u.Orders, Revenue: u.Spend}
	known := c.book.Customers[id]
	switch {
	case known == nil:
		c.compare("customer", id, Figures{}, store)
	case known.met:
		c.compare("customer", id+" (named again)", Figures{}, store)
	default:
		known.met = true
		c.compare("customer", id, known.Figures, store)
	}
}

// CustomersEnd compares the customers that the store did not name.
func (c *Comparison) CustomersEnd() {
	var missing []string
	for id, known := range c.book.Customers {
		if !known.met {
			missing = append(missing, id)
		}
	}
	slices.Sort(missing)
	for _, id := range missing {
		c.compare("customer", id, c.book.Customers[id].Figures, Figures{})
	}
}

// Top compares the leaderboard, of which the API shows at most n places. The order of customers
// with the same spend is not judged.
func (c *Comparison) Top(store []answer.Spender, n int) {
	want := c.book.top(n)
	listed := map[string]bool{}
	for place := range max(len(want), len(store)) {
		name := fmt.Sprintf("place %d", place+1)
		var archive, shown Figures
		if place < len(want) {
			archive.Revenue = want[place].Spend
		}
		if place < len(store) {
			s := store[place]
			shown.Revenue = s.Spend
			name += ", " + s.UserID
			if known := c.book.Customers[s.UserID]; known == nil || known.Revenue != s.Spend ||
				listed[s.UserID] {
				// The customer's own spend in the archive, which is not the one shown.
				archive.Revenue = 0
				if known != nil && !listed[s.UserID] {
					archive.Revenue = known.Revenue
				}
			}
			listed[s.UserID] = true
		}
		c.compare("leaderboard", name, archive, shown)
	}
}

// top returns the n customers with the highest spend. It never holds more than twice as many, since
// there may be millions of others.
func (b *Book) top(n int) []answer.Spender {
	want := make([]answer.Spender, 0, 2*n)
	cut := func() {
		slices.SortFunc(want, func(a, b answer.Spender) int {
			return cmp.Or(cmp.Compare(b.Spend, a.Spend), strings.Compare(a.UserID, b.UserID))
		})
		want = want[:min(n, len(want))]
	}
	for id, known := range b.Customers {
		if want = append(want, answer.Spender{UserID: id, Spend: known.Revenue}); len(want) == 2*n {
			cut()
		}
	}
	cut()
	return want
}

// Equal says that every figure is the same, and that nothing is wrong with the archive itself.
func (c *Comparison) Equal() bool { return c.Count == 0 && c.book.FaultCount == 0 }

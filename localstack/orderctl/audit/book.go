// Package audit adds up the archive with arithmetic that shares nothing with the ledger, and
// compares the result with the figures of the API.
package audit

import (
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"time"
)

// Figures are the orders and the revenue, in cents, of a customer, a month, a day or the whole
// store.
type Figures struct {
	Orders  int64
	Revenue int64
}

// A customer's figures, and whether the API has named the customer.
type customer struct {
	Figures
	met bool
}

func (f *Figures) add(cents int64) {
	f.Orders++
	f.Revenue += cents
}

// A Conflict is an order id of which the archive holds two different orders. The first one counts.
type Conflict struct {
	OrderID string `json:"order_id"`
	Object  string `json:"object"` // that holds the second
}

// A Fault is a line or an object that cannot be right.
type Fault struct {
	Object string `json:"object"`
	Line   int    `json:"line,omitempty"`
	Text   string `json:"problem"`
}

// kept bounds how many conflicts and faults are listed; all are counted.
const kept = 100

// A Book is the archive added up.
type Book struct {
	Total     Figures
	Customers map[string]*customer
	Months    map[int]*Figures // by year × 12 + month − 1
	Days      map[int]*Figures // by days since 1970-01-01
	Lines     map[string]int64 // by outcome
	Objects   int64

	Conflicts     []Conflict // at most 100
	ConflictCount int64
	Faults        []Fault // at most 100
	FaultCount    int64

	seen map[[2]uint64]uint64 // the content's hash by the hash of the order id
	seed [3]maphash.Seed
}

// NewBook makes an empty book.
func NewBook() *Book {
	return &Book{
		Customers: map[string]*customer{},
		Months:    map[int]*Figures{},
		Days:      map[int]*Figures{},
		Lines:     map[string]int64{},
		seen:      map[[2]uint64]uint64{},
		seed:      [3]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed(), maphash.MakeSeed()},
	}
}

// A Page is what one object of the archive holds, parsed by ReadPage.
type Page struct {
	object string
	lines  []line
	faults []Fault
	// hashes of the order id and of the content of each line
	ids      [][2]uint64
	contents []uint64
}

// Add takes over the lines of one object. Objects must be added in the order in which they were
// written: of two different orders with one id the first counts.
func (b *Book) Add(p *Page) {
	b.Objects++
	for _, f := range p.faults {
		b.fault(f)
	}
	for i := range p.lines {
		l := &p.lines[i]
		b.Lines[l.outcome]++
		if !l.counts() {
			continue
		}
		if l.wrong != "" {
			b.fault(Fault{p.object, 0, "the order " + l.orderID + ": " + l.wrong})
		}
		b.addOrder(p.object, l, p.ids[i], p.contents[i])
	}
}

func (b *Book) addOrder(object string, l *line, id [2]uint64, content uint64) {
	if first, repeated := b.seen[id]; repeated {
		if first != content {
			b.ConflictCount++
			if len(b.Conflicts) < kept {
				b.Conflicts = append(b.Conflicts, Conflict{strings.Clone(l.orderID), object})
			}
		}
		return
	}
	b.seen[id] = content
	b.Total.add(l.value)
	figuresOf(b.Months, l.month).add(l.value)
	figuresOf(b.Days, l.day).add(l.value)
	c := b.Customers[l.userID]
	if c == nil {
		c = new(customer)
		b.Customers[strings.Clone(l.userID)] = c
	}
	c.add(l.value)
}

func figuresOf(m map[int]*Figures, key int) *Figures {
	f := m[key]
	if f == nil {
		f = new(Figures)
		m[key] = f
	}
	return f
}

func (b *Book) fault(f Fault) {
	b.FaultCount++
	if len(b.Faults) < kept {
		b.Faults = append(b.Faults, f)
	}
}

// ReadPage parses the text of one object, NDJSON. A line that cannot be read is a fault of the
// page, not an error.
func (b *Book) ReadPage(object, text string, zone *time.Location) *Page {
	p := &Page{object: object}
	number := 0
	for len(text) > 0 {
		var raw string
		raw, text = cutLine(text)
		number++
		if raw == "" {
			continue
		}
		l, err := readLine(raw, zone)
		if err != nil {
			p.faults = append(p.faults, Fault{object, number, err.Error()})
			continue
		}
		p.lines = append(p.lines, l)
		id, content := b.hashes(&l)
		p.ids = append(p.ids, id)
		p.contents = append(p.contents, content)
	}
	return p
}

// hashes identifies the order id, and tells apart two orders with the same id.
func (b *Book) hashes(l *line) (id [2]uint64, content uint64) {
	if !l.counts() {
		return id, 0
	}
	type said struct {
		userID, placed string
		value          int64
	}
	id = [2]uint64{maphash.String(b.seed[0], l.orderID), maphash.String(b.seed[1], l.orderID)}
	return id, maphash.Comparable(b.seed[2], said{l.userID, l.placed, l.value})
}

func cutLine(text string) (line, rest string) {
	line, rest, _ = strings.Cut(text, "\n")
	return strings.TrimSuffix(line, "\r"), rest
}

// MonthNames returns the months that have orders, YYYY-MM, in order.
func (b *Book) MonthNames() []string {
	keys := slices.Sorted(maps.Keys(b.Months))
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = monthName(key)
	}
	return names
}

// Damaged notes an object that cannot be read to its end.
func (b *Book) Damaged(object string, err error) { b.fault(Fault{object, 0, err.Error()}) }

// Package audit adds up the archive with arithmetic that shares nothing with the ledger, and
// compares the result with the figures of the API.
package audit

import (
	"hash/maphash"
	"strings"
	"time"

	"orderpipeline/shared/archive"
	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

// Figures are the orders and the revenue of a customer, a month, a day or the whole store.
type Figures = answer.Period

// A customer's figures, and whether the API has named the customer.
type customer struct {
	Figures
	met bool
}

func add(f *Figures, value order.Cents) {
	f.Orders++
	f.Revenue += value
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

// A Book is the archive added up. Its JSON is a part of what verify prints.
type Book struct {
	Objects   int64                     `json:"objects"`
	Lines     map[archive.Outcome]int64 `json:"lines"`
	Total     Figures                   `json:"archive"`
	Customers map[string]*customer      `json:"-"`
	Months    map[order.Month]*Figures  `json:"-"`
	Days      map[order.Day]*Figures    `json:"-"`

	Conflicts     []Conflict `json:"conflicts"` // at most 100
	ConflictCount int64      `json:"conflicts_total"`
	Faults        []Fault    `json:"faults"` // at most 100
	FaultCount    int64      `json:"faults_total"`

	seen map[[2]uint64]uint64 // the content's hash by the hash of the order id
	seed [3]maphash.Seed
}

// NewBook makes an empty book.
func NewBook() *Book {
	return &Book{
		Customers: map[string]*customer{},
		Months:    map[order.Month]*Figures{},
		Days:      map[order.Day]*Figures{},
		Lines:     map[archive.Outcome]int64{},
		Conflicts: []Conflict{},
		Faults:    []Fault{},
		seen:      map[[2]uint64]uint64{},
		seed:      [3]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed(), maphash.MakeSeed()},
	}
}

// A Page is what one object of the archive holds, parsed by ReadPage.
type Page struct {
	object string
	lines  []line
	faults []Fault
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
		if l.outcome == archive.Invalid {
			continue
		}
		if l.wrong != "" {
			b.fault(Fault{p.object, 0, "the order " + l.orderID + ": " + l.wrong})
		}
		b.addOrder(p.object, l)
	}
}

func (b *Book) addOrder(object string, l *line) {
	if first, repeated := b.seen[l.idHash]; repeated {
		if first != l.content {
			b.ConflictCount++
			if len(b.Conflicts) < kept {
				b.Conflicts = append(b.Conflicts, Conflict{l.orderID, object})
			}
		}
		return
	}
	b.seen[l.idHash] = l.content
	add(&b.Total, l.value)
	add(figuresOf(b.Months, l.month), l.value)
	add(figuresOf(b.Days, l.day), l.value)
	c := b.Customers[l.userID]
	if c == nil {
		c = new(customer)
		b.Customers[l.userID] = c
	}
	add(&c.Figures, l.value)
}

func figuresOf[K comparable](m map[K]*Figures, key K) *Figures {
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
	for raw := range strings.Lines(text) {
		number++
		if raw = strings.TrimRight(raw, "\r\n"); raw == "" {
			continue
		}
		l, err := b.readLine(raw, zone)
		if err != nil {
			p.faults = append(p.faults, Fault{object, number, err.Error()})
			continue
		}
		p.lines = append(p.lines, l)
	}
	return p
}

// Damaged notes an object that cannot be read to its end.
func (b *Book) Damaged(object string, err error) {
	b.fault(Fault{object, 0, "damaged: " + err.Error()})
}

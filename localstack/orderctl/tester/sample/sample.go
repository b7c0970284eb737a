// Package sample makes random orders, the same ones for the same options, and adds up what the
// pipeline must show after it got them. Its arithmetic shares nothing with the pipeline's: whole
// thousandths, added as integers.
package sample

import (
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"time"

	"orderpipeline/shared/order"
)

// Options say which orders to make. The shares are between 0 and 1, and at most 1 together.
type Options struct {
	Count      int
	Users      int    // customers are U1 … U<Users>
	Seed       uint64 // the same options give the same orders, their ids too
	Duplicates float64
	Conflicts  float64 // an earlier order_id with another customer
	Broken     float64 // refused by the contract
	Mismatches float64 // a wrong order_value
	From, To   order.Month
}

// Validate says in one sentence what is wrong with the options.
func (o Options) Validate() error {
	sum := 0.0
	for _, s := range []struct {
		name  string
		share float64
	}{
		{"duplicates", o.Duplicates}, {"conflicts", o.Conflicts},
		{"broken", o.Broken}, {"mismatches", o.Mismatches},
	} {
		if !(s.share >= 0 && s.share <= 1) {
			return fmt.Errorf("--%s is a share between 0 and 1, not %v", s.name, s.share)
		}
		sum += s.share
	}
	switch {
	case sum > 1:
		return fmt.Errorf("the shares are more than 1 together")
	case o.Count < 1:
		return fmt.Errorf("the number of orders must be at least 1")
	case o.Users < 1:
		return fmt.Errorf("--users must be at least 1")
	case o.Conflicts > 0 && o.Users < 2:
		return fmt.Errorf("--conflicts needs at least 2 --users")
	case o.From > o.To:
		return fmt.Errorf("--start is after --end")
	}
	return nil
}

// A Message is one message and its expected effect.
type Message struct {
	Body     string
	ID       string
	Kind     Kind
	User     string
	Rival    string // the other customer of a Conflict: which of the two comes first is unknown
	Placed   time.Time
	Value    order.Cents
	Reason   order.Reason // of a Broken one
	Mismatch bool
}

// Kind is what a message is meant to be.
type Kind uint8

// The kinds of messages. Of a Duplicate or a Conflict the first that arrives is counted, the other
// is not; for the totals it does not matter which one that is.
const (
	Fresh Kind = iota
	Duplicate
	Conflict
	Broken
)

// pool is how many earlier orders a duplicate or a conflict is chosen from.
const pool = 500

// Messages makes the messages.
func (o Options) Messages() iter.Seq[Message] {
	return func(yield func(Message) bool) {
		h := fnv.New64a()
		fmt.Fprintf(h, "%d %d %v %v %v %v %d %d", o.Users, o.Seed,
			o.Duplicates, o.Conflicts, o.Broken, o.Mismatches, o.From, o.To)
		m := maker{Options: o, prefix: h.Sum64(), rng: rand.New(rand.NewPCG(o.Seed, h.Sum64()))}
		for i := range o.Count {
			if !yield(m.next(i)) {
				return
			}
		}
	}
}

type maker struct {
	Options
	rng     *rand.Rand
	prefix  uint64
	earlier []draft
}

// next makes message i. A duplicate or a conflict needs an earlier order; without one it is a fresh
// order.
func (m *maker) next(i int) Message {
	roll := m.rng.Float64()
	d := m.draft(i)
	broken := m.Broken
	mismatch := broken + m.Mismatches
	duplicate := mismatch + m.Duplicates
	conflict := duplicate + m.Conflicts

	switch {
	case roll < broken:
		return m.broken(d)
	case roll < mismatch:
		d.stated += 100 + order.Cents(m.rng.IntN(1000))
		msg := d.message(Fresh)
		msg.Mismatch = true
		// Not kept for duplicates: whether a duplicate counts as a mismatch again is not promised.
		return msg
	case roll < duplicate && len(m.earlier) > 0:
		at := m.rng.IntN(len(m.earlier))
		m.earlier[at].repeated = true
		repeat := m.earlier[at]
		repeat.restyled = m.rng.IntN(2) == 0
		return repeat.message(Duplicate)
	case roll >= duplicate && roll < conflict:
		if msg, ok := m.conflict(); ok {
			return msg
		}
	}
	if len(m.earlier) < pool {
		m.earlier = append(m.earlier, d)
	} else {
		m.earlier[m.rng.IntN(pool)] = d
	}
	return d.message(Fresh)
}

// conflict takes an earlier order without duplicates out of the pool: if the rival came first, the
// duplicates of the other would be refused too, and their number would be unknown.
func (m *maker) conflict() (Message, bool) {
	if len(m.earlier) == 0 {
		return Message{}, false
	}
	start := m.rng.IntN(len(m.earlier))
	for i := range m.earlier {
		at := (start + i) % len(m.earlier)
		if m.earlier[at].repeated {
			continue
		}
		rival := m.earlier[at]
		m.earlier = append(m.earlier[:at], m.earlier[at+1:]...)
		first := rival.user
		for rival.user == first {
			rival.user = m.user()
		}
		msg := rival.message(Conflict)
		msg.Rival = first
		return msg, true
	}
	return Message{}, false
}

func (m *maker) user() string { return fmt.Sprintf("U%d", m.rng.IntN(m.Users)+1) }

func (m *maker) draft(i int) draft {
	d := draft{id: fmt.Sprintf("ORD-%010x-%07d", m.prefix>>24, i+1), user: m.user()}
	month := int(m.From) + m.rng.IntN(int(m.To-m.From)+1)
	first := time.Date(month/12, time.Month(month%12+1), 1, 0, 0, 0, 0, time.UTC)
	seconds := int64(first.AddDate(0, 1, 0).Sub(first) / time.Second)
	d.placed = first.Add(time.Duration(m.rng.Int64N(seconds)) * time.Second)
	if y := first.Year(); m.rng.IntN(8) == 0 && y > 1970 && y < 9999 {
		// Near a month's edge the month of this offset differs from the one that counts.
		d.placed = d.placed.In(time.FixedZone("", (m.rng.IntN(27)-12)*3600))
	}

	var thousandths int64
	for range m.rng.IntN(4) + 1 {
		it := item{
			product: m.rng.IntN(99) + 1, quantity: m.rng.Int64N(5) + 1,
			price: (m.rng.Int64N(9500) + 500) * 10,
		}
		if m.rng.IntN(10) == 0 {
			it.price += m.rng.Int64N(10) // a price in thousandths, so that rounding is tested too
		}
		d.items = append(d.items, it)
		thousandths += it.quantity * it.price
	}
	d.value = halfEven(thousandths)
	d.stated = d.value
	return d
}

// halfEven rounds thousandths to cents; a half goes to the even cent.
func halfEven(thousandths int64) order.Cents {
	cents, rest := thousandths/10, thousandths%10
	if rest > 5 || rest == 5 && cents%2 == 1 {
		cents++
	}
	return order.Cents(cents)
}

package ledger

import (
	"encoding/binary"
	"slices"

	"orderpipeline/shared/order"
)

// A recordArgs builds the arguments of one call of record.lua. It has a method for each section
// that the script's header lists.
type recordArgs struct {
	*recording
	chunk
	tag  string
	list []any
}

func (r *recording) recordArgs(c chunk) []any {
	a := recordArgs{recording: r, chunk: c, tag: r.tags[c.shard]}
	segments, sizes := r.segments(c)
	p := a.periods()
	texts, groups := a.texts()
	n := len(c.indexes)

	a.list = newArgs(5+n+2*len(segments), 10+4*n+len(p.months))
	a.hashes()
	a.add(texts[:n]) // buckets
	a.list = appendSegmentKeys(a.list, a.tag, segments)

	a.list = append(a.list, a.layout, a.retention, a.archived, a.healing)
	a.list = append(a.list, a.mismatched(), p.monthOf, groups, p.dayOf, p.entries, sizes)
	a.add(texts[n:]) // digests and fingerprints
	a.customers()
	a.values()
	for _, month := range p.months {
		a.list = append(a.list, month.String())
	}
	return a.list
}

// segments returns the segments that a chunk needs, and how many of its orders are of each.
func (r *recording) segments(c chunk) (segments []int, sizes []byte) {
	for _, index := range c.indexes {
		segment := r.digests[index].segment()
		if len(segments) == 0 || segments[len(segments)-1] != segment {
			segments = append(segments, segment)
			sizes = append(sizes, 0)
		}
		sizes[len(sizes)-1]++
	}
	return segments, sizes
}

// The periods of a chunk's orders.
type periods struct {
	months  []order.Month
	monthOf []byte // for each order the position of its month, from 1
	dayOf   []byte // for each order the position of its day among the entries, from 1
	entries []byte
}

func (a *recordArgs) periods() periods {
	n := len(a.indexes)
	p := periods{monthOf: make([]byte, n), dayOf: make([]byte, n)}
	var days []DayTotals
	var months [chunkOrders]byte // positions of the days' months
	var positions dayPositions
	for i, index := range a.indexes {
		o := &a.orders[index]
		day := o.Day(a.zone)
		position := positions.of(day, days)
		if position == len(days) {
			days = append(days, DayTotals{Date: day})
			months[position] = p.month(day.Month())
		}
		days[position].Orders++
		days[position].Revenue += o.Value
		p.dayOf[i] = byte(position + 1)
		p.monthOf[i] = months[position]
	}
	p.entries = make([]byte, 0, len(days)*maxEntry)
	for _, day := range days {
		p.entries = appendEntry(p.entries, day)
	}
	return p
}

// month returns the position of a month, from 1.
func (p *periods) month(month order.Month) byte {
	position := slices.Index(p.months, month)
	if position < 0 {
		position = len(p.months)
		p.months = append(p.months, month)
	}
	return byte(position + 1)
}

// dayPositions is a small hash table of positions in a list of at most chunkOrders days. The orders
// of a chunk may be of as many days, and each needs its day's position.
type dayPositions [4 * chunkOrders]uint8

// of returns the position of a day in the list, or the end of the list, and enters it.
func (p *dayPositions) of(day order.Day, list []DayTotals) int {
	at := int(day) % len(p)
	for p[at] != 0 && list[p[at]-1].Date != day {
		at = (at + 1) % len(p)
	}
	if p[at] == 0 {
		p[at] = uint8(len(list) + 1)
	}
	return int(p[at]) - 1
}

// texts returns all bucket keys, then all digests, then all fingerprints of the orders, in one
// allocation. groups are the groups of the buckets.
func (a *recordArgs) texts() (texts []string, groups []byte) {
	n := len(a.indexes)
	slab := make([]byte, 0, n*(len(a.tag)+len("u1048575")+digestBytes+fingerprintBytes))
	ends := make([]int, 0, 3*n)
	groups = make([]byte, 0, 2*n)
	for _, index := range a.indexes {
		bucket := bucketOf(a.orders[index].UserID)
		slab = appendBucketKey(slab, a.tag, bucket)
		ends = append(ends, len(slab))
		groups = binary.BigEndian.AppendUint16(groups, uint16(bucket/groupBuckets))
	}
	for _, index := range a.indexes {
		slab = append(slab, a.digests[index].marker()...)
		ends = append(ends, len(slab))
	}
	for _, index := range a.indexes {
		slab = append(slab, a.fingerprints[index][:]...)
		ends = append(ends, len(slab))
	}

	all := string(slab)
	texts = make([]string, len(ends))
	start := 0
	for i, end := range ends {
		texts[i] = all[start:end]
		start = end
	}
	return texts, groups
}

// add appends texts by reference: a string in an interface would be an allocation.
func (a *recordArgs) add(texts []string) {
	for i := range texts {
		a.list = append(a.list, &texts[i])
	}
}

func (a *recordArgs) hashes() {
	a.list = append(a.list, a.tag+totalsKey, a.tag+topKey)
	a.list = append(a.list, a.tag+monthsKey, a.tag+daysKey, a.tag+indexKey)
}

func (a *recordArgs) mismatched() []byte {
	flags := make([]byte, len(a.indexes))
	for i, index := range a.indexes {
		flags[i] = '0'
		if a.orders[index].Mismatch {
			flags[i] = '1'
		}
	}
	return flags
}

func (a *recordArgs) customers() {
	for _, index := range a.indexes {
		a.list = append(a.list, &a.orders[index].UserID)
	}
}

func (a *recordArgs) values() {
	for _, index := range a.indexes {
		a.list = append(a.list, (*int64)(&a.orders[index].Value))
	}
}

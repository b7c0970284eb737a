package ledger

import (
	"encoding/binary"
	"slices"

	"orderpipeline/shared/order"
)

// A recordArgs builds the arguments of one call of record.lua. It has a method for each section that
// the script's header lists.
type recordArgs struct {
	*recording
	chunk
	tag  string
	list []any
}

func (r *recording) recordArgs(c chunk) []any {
	a := recordArgs{recording: r, chunk: c, tag: r.tags[c.shard]}
	segments, sizes := r.segments(c)
	months, monthOf, entries := a.periods()
	texts, groups := a.texts()
	n := len(c.indexes)

	a.list = newArgs(5+n+2*len(segments), 9+4*n+len(months))
	a.hashes()
	a.add(texts[:n]) // buckets
	a.list = appendSegmentKeys(a.list, a.tag, segments)

	a.list = append(a.list, a.layout, a.retention, a.archived, a.healing)
	a.list = append(a.list, a.mismatched(), monthOf, groups, entries, sizes)
	a.add(texts[n:]) // digests and fingerprints
	a.customers()
	a.values()
	for _, month := range months {
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

// periods returns the months of the orders, for each order the position of its month, from 1, and the
// entry of each for its day.
func (a *recordArgs) periods() (months []order.Month, monthOf, entries []byte) {
	monthOf = make([]byte, len(a.indexes))
	entries = make([]byte, 0, len(a.indexes)*entryBytes)
	for i, index := range a.indexes {
		o := &a.orders[index]
		day := o.Day(a.zone)
		month := day.Month()
		position := slices.Index(months, month)
		if position < 0 {
			position = len(months)
			months = append(months, month)
		}
		monthOf[i] = byte(position + 1)
		entries = appendEntry(entries, day, o.Value)
	}
	return months, monthOf, entries
}

// texts returns the bucket key of each order, then the digest of each, then the fingerprint of each,
// all in one allocation; and the groups of the buckets.
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

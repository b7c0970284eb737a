package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"orderpipeline/shared/order"
)

// Every key carries a hash tag, so all keys of one shard share a slot of Redis Cluster and one
// script may use them together:
//
//	{o}counters       hash     sample name → count: what all function instances measured together
//	{o}r<digest>      string   a refused message was counted (digest of its message id)
//	{o3}totals        hash     orders, revenue (cents), duplicates, mismatches, healed; layout: see
//	                           layoutOf; begun: when this shard was begun (Unix seconds)
//	{o3}seen:2:0, :1  hash     digest of an order id → fingerprint of its content: the order was
//	                           counted, or claimed; since: when this generation began (Unix seconds)
//	{o3}top           zset     user → cents: the leaderboard, the MaxTop highest spends of the shard
//	                           and some more, not all
//	{o3}months        hash     YYYY-MM → orders, YYYY-MM and centsMark → cents
//	{o3}days          hash     day (since 1970-01-01) → orders, day and centsMark → cents; slot: how
//	                           many slots are used; slot1 … slot128: entries of days, see
//	                           appendEntry, that are not yet in the days' figures
//	{o3}u<bucket>     hash     user → orders, user and centsMark → cents; a bucket holds several
//	                           users, because Redis stores small hashes compactly
//	{o3}customers     string   a bit for each group of buckets: there may be users in it
//
// Markers are most of what a store holds. A digest is 112 bits of SHA-256, which makes an
// accidental collision of two order ids less likely than 1 in 10¹³ among 10¹⁰ orders (and then the
// second one is refused as a conflict, not lost); with it an entry costs 64 bytes and its place in
// the table, whatever the length of the id.
//
// The markers are spread over several hashes, the segments, because Redis grows a hash by moving it
// to a second table and frees the first one at once: for 8 million entries that is 64 MB and
// blocked Redis for 6 ms. While a hash moves, an order costs half as much again; the segments are
// of unequal size so that they don't all move at the same time.

const (
	digestBytes      = 14
	fingerprintBytes = 8
	// buckets is part of the layout: another number would look for a user's figures in another
	// place. With ten million users a bucket holds ten of them: Redis searches it from end to end.
	buckets = 1 << 20
	// groupBuckets is how many buckets share a bit of the index of customers, so that the index is
	// small enough (4 KB) to be read by each script with a new customer.
	groupBuckets = 32
	groups       = buckets / groupBuckets
	// centsMark ends the field that holds an amount; the field without it holds the number of
	// orders. No user id contains a control character, so no two fields can be confused.
	centsMark = "\x01"

	countersKey = "{o}counters" // hash
	refusedKey  = "{o}r"        // + digest: string
	totalsKey   = "totals"      // hash
	seenKey     = "seen:"       // + segment, ":0" or ":1": hash
	topKey      = "top"         // zset
	monthsKey   = "months"      // hash
	daysKey     = "days"        // hash
	bucketKey   = "u"           // + bucket number: hash
	indexKey    = "customers"   // string
)

// segmentEnds divides the markers by a byte of the order's digest, each segment 2^¼ times as large
// as the one before. It is part of the layout: other numbers would look for a marker in another
// place.
var segmentEnds = [...]byte{48, 106, 175}

const segments = len(segmentEnds) + 1

// Fields of the totals hash, since of the hashes of markers, and slot of the days.
const (
	fieldOrders     = "orders"
	fieldRevenue    = "revenue"
	fieldDuplicates = "duplicates"
	fieldMismatches = "mismatches"
	fieldHealed     = "healed"
	fieldLayout     = "layout"
	fieldBegun      = "begun"
	fieldSince      = "since"
	fieldSlot       = "slot"
)

// layoutVersion changes with everything that makes this code look for a figure where an earlier
// version did not put it: a name, a hash function, the number of buckets.
const layoutVersion = 2

// layoutOf is what a store is marked with. Months and days are those of one time zone.
func layoutOf(shards int, zone string) string {
	return fmt.Sprintf("%d:%d:%s", layoutVersion, shards, zone)
}

// tagOf is the prefix of all keys of one shard, its hash tag.
func tagOf(shard int) string { return "{o" + strconv.Itoa(shard) + "}" }

// shardOf returns the shard of a customer. The hash is part of the layout: xxHash64 of the user id,
// modulo the number of shards.
func shardOf(userID string, shards int) int {
	return int(xxhash.Sum64String(userID) % uint64(shards))
}

// bucketOf returns the bucket of a customer within the shard. The hash is part of the layout.
func bucketOf(userID string) uint64 {
	// The upper half: the lower bits already chose the shard.
	return xxhash.Sum64String(userID) >> 32 % buckets
}

// appendBucketKey appends the key of the hash that is the bucket.
func appendBucketKey(to []byte, tag string, bucket uint64) []byte {
	to = append(append(to, tag...), bucketKey...)
	return strconv.AppendUint(to, bucket, 10)
}

// appendSegmentKeys appends the keys of the two hashes that hold the markers of each segment.
func appendSegmentKeys(args []any, tag string, segments []int) []any {
	for _, segment := range segments {
		key := tag + seenKey + strconv.Itoa(segment)
		args = append(args, key+":0", key+":1")
	}
	return args
}

// An orderDigest holds two independent digests of an order id.
type orderDigest [sha256.Size]byte

func digestOf(orderID string) orderDigest { return sha256.Sum256([]byte(orderID)) }

// marker identifies the order in the shard of its customer.
func (d *orderDigest) marker() []byte { return d[:digestBytes] }

// claim identifies the order in its claimShard, where its id belongs to one content over all
// shards. It has other bits than the marker: both may be in one hash.
func (d *orderDigest) claim() []byte { return d[digestBytes : 2*digestBytes] }

// segment is the segment of the markers, and of the claims, that holds the order's.
func (d *orderDigest) segment() int {
	segment := 0
	for segment < len(segmentEnds) && d[29] >= segmentEnds[segment] {
		segment++
	}
	return segment
}

// claimShard is the shard that keeps an order id unique over all customers.
func (d *orderDigest) claimShard(shards int) int {
	return (int(d[30])<<8 | int(d[31])) % shards
}

type fingerprint [fingerprintBytes]byte

func fingerprintOf(o *order.Order) (f fingerprint) {
	binary.BigEndian.PutUint64(f[:], o.Fingerprint())
	return f
}

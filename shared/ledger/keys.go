package ledger

import (
	"crypto/sha256"
	"fmt"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// Every key carries a hash tag, so all keys of one shard share a slot of Redis Cluster and one script may touch them:
//
//	{o}counters         hash     sample name → count: what all function instances measured together
//	{o}r<digest>        string   a refused message was counted (digest of its message id)
//	{o3}totals          hash     orders, revenue (cents), duplicates, mismatches; layout: version and shard count it was filled with
//	{o3}seen:2:0, :1    hash     digest of an order id → fingerprint of its content: the order was counted, or claimed;
//	                             since: when this one of the two was begun (Unix seconds)
//	{o3}top             zset     user → cents: the leaderboard. It holds the MaxTop highest spends of the shard and some more, not all
//	{o3}month:orders    hash     YYYY-MM → orders
//	{o3}month:revenue   hash     YYYY-MM → cents
//	{o3}u<bucket>       hash     user → orders, user and spendMark → cents; some users a bucket, as small hashes are stored compactly
//
// A marker is what a store holds most of. Its digest is 112 bits of SHA-256, which makes an accidental meeting of two
// order ids less likely than 1 in 10¹³ among 10¹⁰ orders (and then the second is refused as a conflict, not lost); with
// it an entry costs 64 bytes and its place in the table, whatever the length of the id.
//
// The markers are spread over some hashes because Redis grows a hash by moving it to a second table and frees the first one at a
// stroke: for 8 million entries that is 64 MB and took 6 ms in which nobody else was answered. While a hash moves, an order costs
// half as much again; the parts are of unequal size so that they don't all move at once.

const (
	digestBytes      = 14
	fingerprintBytes = 8
	// buckets is part of the layout: another number would look for a user's figures in another place. With ten million users a
	// bucket holds ten of them: Redis searches it from end to end.
	buckets = 1 << 20
	// spendMark ends the field of a user's spend. No user id holds a control character, so none can be taken for another.
	spendMark = "\x01"

	countersKey = "{o}counters"   // hash
	refusedKey  = "{o}r"          // + digest: string
	totalsKey   = "totals"        // hash
	seenKey     = "seen:"         // + part, ":0" or ":1": hash
	topKey      = "top"           // zset
	ordersKey   = "month:orders"  // hash
	revenueKey  = "month:revenue" // hash
	bucketKey   = "u"             // + bucket number: hash
)

// partEnds parts the markers by a byte of the order's digest, each part 2^¼ times as large as the one before. It is part of the layout:
// other numbers would look for a marker in another place.
var partEnds = [...]byte{48, 106, 175}

const seenParts = len(partEnds) + 1

// Fields of the totals hash. The scripts name them too.
const (
	fieldOrders     = "orders"
	fieldRevenue    = "revenue"
	fieldDuplicates = "duplicates"
	fieldMismatches = "mismatches"
	fieldLayout     = "layout"
)

// layoutVersion changes with all that makes this code look for a figure where an earlier version did not put it: a name, a hash
// function, the number of buckets.
const layoutVersion = 1

// layoutOf is what a store of so many shards is marked with.
func layoutOf(shards int) string { return fmt.Sprintf("%d:%d", layoutVersion, shards) }

// shardTag is the prefix of all keys of one shard.
func shardTag(shard int) string { return "{o" + strconv.Itoa(shard) + "}" }

// shardOf places a customer. The hash is part of the layout: xxHash64 of the user id, modulo the shard count.
func shardOf(userID string, shards int) int {
	return int(xxhash.Sum64String(userID) % uint64(shards))
}

// appendBucketKey appends the key of the hash that holds the user's figures.
func appendBucketKey(to []byte, tag, userID string) []byte {
	to = append(append(to, tag...), bucketKey...)
	// The upper half: the lower bits already chose the shard.
	return strconv.AppendUint(to, xxhash.Sum64String(userID)>>32%buckets, 10)
}

// appendSeenKeys appends the keys of the two hashes that hold the markers of each of these parts of a shard.
func appendSeenKeys(args []any, tag string, parts []int) []any {
	for _, part := range parts {
		key := tag + seenKey + strconv.Itoa(part)
		args = append(args, key+":0", key+":1")
	}
	return args
}

// An orderDigest holds two independent digests of an order id.
type orderDigest [sha256.Size]byte

func digestOf(orderID string) orderDigest { return sha256.Sum256([]byte(orderID)) }

// marker names the order in the shard of its customer.
func (d *orderDigest) marker() []byte { return d[:digestBytes] }

// claim names the order in its claimShard, where its id belongs to one content over all shards. It is of other bits
// than the marker: both may stand in one hash.
func (d *orderDigest) claim() []byte { return d[digestBytes : 2*digestBytes] }

// part is the part of the markers, and of the claims, that holds the order's.
func (d *orderDigest) part() int {
	part := 0
	for part < len(partEnds) && d[29] >= partEnds[part] {
		part++
	}
	return part
}

// claimShard is the shard that keeps an order_id unique over all customers.
func (d *orderDigest) claimShard(shards int) int {
	return (int(d[30])<<8 | int(d[31])) % shards
}

package ledger

import (
	"crypto/sha256"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// Every key carries a hash tag, so all keys of one shard share a slot of Redis Cluster and one script may touch them:
//
//	{o}counters         hash     sample name → count: what all function instances measured together
//	{o}r<15 bytes>      string   a refused message was counted (digest of its message id)
//	{o3}totals          hash     orders, revenue (cents), duplicates, mismatches; shards: the count this store is laid out for
//	{o3}spend           zset     user → cents: the user's total and the leaderboard at once
//	{o3}month:orders    hash     YYYY-MM → orders
//	{o3}month:revenue   hash     YYYY-MM → cents
//	{o3}n<bucket>       hash     user → orders, a few dozen users a bucket, because small hashes are stored compactly
//	{o3}<15 bytes>      string   marker: the order was counted; value: fingerprint of its content
//
// Markers are by far the most numerous keys, and their length was chosen by what an entry costs in Redis:
// tag and digest fit the allocator's 24-byte class with every shard number. 120 bits of SHA-256 make an accidental
// meeting of two order ids less likely than 1 in 10¹⁶ among 10¹⁰ orders, and then one of them is refused as a conflict, not lost.

const (
	digestBytes = 15
	// countBuckets is part of the layout: another number would look for a user's count in another place.
	countBuckets = 1 << 15

	countersKey = "{o}counters"   // hash
	refusedKey  = "{o}r"          // + digest: string
	totalsKey   = "totals"        // hash
	spendKey    = "spend"         // zset
	ordersKey   = "month:orders"  // hash
	revenueKey  = "month:revenue" // hash
	bucketKey   = "n"             // + bucket number: hash
)

// Fields of the totals hash, beside orders and revenue. The record script names them too.
const (
	fieldOrders     = "orders"
	fieldRevenue    = "revenue"
	fieldDuplicates = "duplicates"
	fieldMismatches = "mismatches"
	fieldShards     = "shards"
)

// shardTag is the prefix of all keys of one shard.
func shardTag(shard int) string { return "{o" + strconv.Itoa(shard) + "}" }

// shardOf places a customer. The hash is part of the layout: xxHash64 of the user id, modulo the shard count.
func shardOf(userID string, shards int) int {
	return int(xxhash.Sum64String(userID) % uint64(shards))
}

// appendBucketKey appends the key of the hash that holds the user's order count.
func appendBucketKey(to []byte, tag, userID string) []byte {
	to = append(append(to, tag...), bucketKey...)
	// The upper half: the lower bits already chose the shard.
	return strconv.AppendUint(to, xxhash.Sum64String(userID)>>32%countBuckets, 10)
}

// An orderDigest names an order's keys: two independent digests of its order_id.
type orderDigest [sha256.Size]byte

func digestOf(orderID string) orderDigest { return sha256.Sum256([]byte(orderID)) }

// appendMarkerKey appends the key that says that the order was counted, in the shard of its customer.
func (d *orderDigest) appendMarkerKey(to []byte, tag string) []byte {
	return append(append(to, tag...), d[:digestBytes]...)
}

// appendClaimKey appends the key under which the order_id belongs to one content over all shards, in claimShard.
func (d *orderDigest) appendClaimKey(to []byte, tag string) []byte {
	return append(append(to, tag...), d[digestBytes:2*digestBytes]...)
}

// claimShard is the shard that keeps an order_id unique over all customers.
func (d *orderDigest) claimShard(shards int) int {
	return (int(d[30])<<8 | int(d[31])) % shards
}

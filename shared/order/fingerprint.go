package order

import (
	"crypto/sha256"
	"encoding/binary"
)

// Fingerprint identifies what an order says: the customer, the moment and the recalculated value. Orders with one id and
// one fingerprint are the same order sent again; with different fingerprints they contradict each other. The id itself,
// white space, the order of names, the form of the timestamp and the stated order_value play no part.
//
// It is the first 63 bits of SHA-256, so that it fits signed integers too; the ledger keeps it as eight raw bytes beside
// the digest of the order id. A plain hash would be faster, but order ids can be guessed: whoever finds a second content
// with the fingerprint of somebody else's order could send it first, and the real one would be taken for a duplicate and
// disappear without a refusal. With SHA-256 that takes about 2^63 tries.
//
// It is stored for weeks and compared across versions of this code: it must never change.
func (o Order) Fingerprint() uint64 {
	const fixed = 8 + 4 + 8
	var space [fixed + 4*MaxIDLength]byte
	content := binary.BigEndian.AppendUint64(space[:0], uint64(o.Placed.Unix()))
	content = binary.BigEndian.AppendUint32(content, uint32(o.Placed.Nanosecond()))
	content = binary.BigEndian.AppendUint64(content, uint64(o.Value))
	content = append(content, o.UserID...) // the only part of any length, so it needs no mark of its end
	digest := sha256.Sum256(content)
	return binary.BigEndian.Uint64(digest[:]) >> 1
}

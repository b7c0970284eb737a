package order

import (
	"crypto/sha256"
	"encoding/binary"
)

// Fingerprint identifies the content of an order: the customer, the moment and the recalculated
// value. Orders with the same id and the same fingerprint are one order that was sent again; with
// different fingerprints they conflict. The id, white space, the order of names, the form of the
// timestamp and the stated order_value do not matter.
//
// It is the first 63 bits of SHA-256, so that it fits signed integers too; the ledger keeps it as
// eight raw bytes beside the digest of the order id. A plain hash would be faster, but order ids
// can be guessed: an attacker who finds other content with the fingerprint of a customer's order
// could send it first, and the real order would be taken for a duplicate and disappear without a
// refusal. With SHA-256 that takes about 2^63 attempts.
//
// It is stored for the retention and compared across versions of this code: it must never change.
func (o Order) Fingerprint() uint64 {
	const fixed = 8 + 4 + 8
	var space [fixed + 4*MaxIDLength]byte
	content := binary.BigEndian.AppendUint64(space[:0], uint64(o.Placed.Unix()))
	content = binary.BigEndian.AppendUint32(content, uint32(o.Placed.Nanosecond()))
	content = binary.BigEndian.AppendUint64(content, uint64(o.Value))
	// the only part of variable length, so its end needs no mark
	content = append(content, o.UserID...)
	digest := sha256.Sum256(content)
	return binary.BigEndian.Uint64(digest[:]) >> 1
}

package ledger

import (
	"encoding/binary"
	"errors"

	"orderpipeline/shared/order"
)

// slots is how many slots of entries are filled before they are added to the days' figures. With
// more of them an order costs less and a script takes longer at times: with 128 it takes 1.6 ms
// more for a file of old orders, of any day of a year.
const slots = 128

// maxEntry is the longest entry that appendEntry writes.
const maxEntry = 5 + 2 + 9

// Formats of MessagePack: a number up to 0x7f is one byte; these bytes come before 1 to 8 others.
const (
	msgpackUint8 = 0xcc + iota
	msgpackUint16
	msgpackUint32
	msgpackUint64
)

// appendEntry appends what a chunk of orders adds to one day: the day, the number of orders and
// their revenue, in MessagePack, which scripts read at once.
func appendEntry(to []byte, d DayTotals) []byte {
	to = binary.BigEndian.AppendUint32(append(to, msgpackUint32), uint32(d.Date))
	to = append(to, msgpackUint8, byte(d.Orders)) // of one chunk
	if revenue := uint64(d.Revenue); revenue > 1<<32-1 {
		return binary.BigEndian.AppendUint64(append(to, msgpackUint64), revenue)
	}
	return binary.BigEndian.AppendUint32(append(to, msgpackUint32), uint32(d.Revenue))
}

var errEntry = errors.New("an entry of a day is incomplete")

// readEntry reads the first entry, written by appendEntry or a script, and returns the others.
func readEntry(entries string) (d DayTotals, others string, err error) {
	day, entries, dayErr := readNumber(entries)
	orders, entries, ordersErr := readNumber(entries)
	revenue, entries, revenueErr := readNumber(entries)
	d = DayTotals{Date: order.Day(day), Orders: int64(orders), Revenue: order.Cents(revenue)}
	return d, entries, errors.Join(dayErr, ordersErr, revenueErr)
}

// readNumber reads an unsigned integer of MessagePack.
func readNumber(text string) (number uint64, rest string, err error) {
	if text == "" {
		return 0, "", errEntry
	}
	first := text[0]
	if first < 0x80 {
		return uint64(first), text[1:], nil
	}
	if first < msgpackUint8 || first > msgpackUint64 {
		return 0, "", errEntry
	}
	end := 1 + 1<<(first-msgpackUint8)
	if len(text) < end {
		return 0, "", errEntry
	}
	for _, octet := range []byte(text[1:end]) {
		number = number<<8 | uint64(octet)
	}
	return number, text[end:], nil
}

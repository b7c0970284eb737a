package audit

import (
	"hash/maphash"
	"strings"
	"time"

	"orderpipeline/shared/archive"
	"orderpipeline/shared/order"
)

// A line is what the audit needs of one line of the archive.
type line struct {
	outcome archive.Outcome
	orderID string
	userID  string
	value   order.Cents
	day     order.Day // in the zone of the audit
	month   order.Month
	// wrong says what is inconsistent in the line itself, such as a value that is not that of the
	// items.
	wrong string

	idHash  [2]uint64 // identifies the order id
	content uint64    // tells apart two orders with the same id
}

// readLine parses one line of NDJSON. The result shares no memory with text, which is part of the
// long text of an object: many pages wait to be added.
func (b *Book) readLine(text string, zone *time.Location) (line, error) {
	archived, err := archive.ParseLine(text)
	if err != nil || !archived.Counts() {
		return line{outcome: archived.Outcome}, err
	}
	o := &archived.Order
	l := line{
		outcome: archived.Outcome,
		orderID: strings.Clone(o.ID),
		userID:  strings.Clone(o.UserID),
		value:   o.Value,
		wrong:   recalculate(archived.Body, o.Value),
		idHash:  [2]uint64{maphash.String(b.seed[0], o.ID), maphash.String(b.seed[1], o.ID)},
	}
	l.day, l.month = calendar(o.Placed, zone)
	o.ID, o.Mismatch = "", false
	l.content = maphash.Comparable(b.seed[2], *o)
	return l, nil
}

// calendar returns the day and the month of a moment in a zone.
func calendar(moment time.Time, zone *time.Location) (order.Day, order.Month) {
	local := moment.In(zone)
	year, m, d := local.Date()
	midnight := time.Date(year, m, d, 0, 0, 0, 0, time.UTC)
	return order.Day(midnight.Unix() / (24 * 60 * 60)), order.Month(year*12 + int(m) - 1)
}

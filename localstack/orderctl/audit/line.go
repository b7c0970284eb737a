package audit

import (
	"errors"
	"fmt"
	"time"

	"orderpipeline/shared/jsonscan"
	"orderpipeline/shared/order"
)

// The outcomes. A line has one of these texts, not a part of the object's: that would keep the
// whole object in memory.
const (
	recorded  = "recorded"
	duplicate = "duplicate"
	invalid   = "invalid"
)

// A line is what the audit needs of one line of the archive.
type line struct {
	outcome string
	orderID string
	userID  string
	value   order.Cents
	day     order.Day // in the zone of the audit
	month   order.Month
	placed  string
	// wrong says what is inconsistent in the line itself, such as a value that is not that of the
	// items.
	wrong string
}

// counts says whether the order of the line is part of the figures. The object with the line
// "recorded" of a duplicate may be missing: the order was counted, and its message was redelivered
// because the put failed.
func (l *line) counts() bool { return l.outcome == recorded || l.outcome == duplicate }

// fields are the members of a line that are read.
type fields struct {
	outcome, orderID, userID, placed, value, body jsonscan.Value
}

// readLine parses one line of NDJSON.
func readLine(text string, zone *time.Location) (line, error) {
	var f fields
	if err := f.scan(text); err != nil {
		return line{}, err
	}
	var l line
	switch outcome, _ := f.outcome.Text(); outcome {
	case recorded:
		l.outcome = recorded
	case duplicate:
		l.outcome = duplicate
	case invalid:
		return line{outcome: invalid}, nil
	default:
		return line{}, fmt.Errorf("unknown outcome %q", outcome)
	}

	l.orderID, _ = f.orderID.Text()
	l.userID, _ = f.userID.Text()
	if l.orderID == "" || l.userID == "" {
		return line{}, errors.New("order_id or user_id is missing")
	}
	written, _ := f.value.Text()
	var err error
	if l.value, err = order.ParseCents(written); err != nil {
		return line{}, err
	}
	l.placed, _ = f.placed.Text()
	moment, err := time.Parse(time.RFC3339Nano, l.placed)
	if err != nil {
		return line{}, fmt.Errorf("placed: %w", err)
	}
	l.day, l.month = calendar(moment, zone)
	body, _ := f.body.Text()
	l.wrong = recalculate(body, l.value)
	return l, nil
}

func (f *fields) scan(text string) error {
	s := jsonscan.New(text)
	if s.Next() != '{' {
		return errors.New("not a JSON object")
	}
	s.Open()
	var name, ignored jsonscan.Value
	for s.Member(&name) {
		v := &ignored
		key, _ := name.Text()
		switch key {
		case "outcome":
			v = &f.outcome
		case "order_id":
			v = &f.orderID
		case "user_id":
			v = &f.userID
		case "placed":
			v = &f.placed
		case "value":
			v = &f.value
		case "body":
			v = &f.body
		}
		s.Value(v)
	}
	if !s.End() {
		return s.Err()
	}
	return nil
}

// calendar returns the day and the month of a moment in a zone.
func calendar(moment time.Time, zone *time.Location) (order.Day, order.Month) {
	local := moment.In(zone)
	year, m, d := local.Date()
	midnight := time.Date(year, m, d, 0, 0, 0, 0, time.UTC)
	return order.Day(midnight.Unix() / (24 * 60 * 60)), order.Month(year*12 + int(m) - 1)
}

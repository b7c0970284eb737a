package intake

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"orderpipeline/shared/archive"
)

// An encoder keeps the archive's encoder and its memory from batch to batch.
type encoder struct {
	lines  *archive.Encoder
	object bytes.Buffer
}

// keepObject bounds the memory that is kept for the next object.
const keepObject = 4 << 20

func (e *encoder) reset() {
	if e.object.Cap() > keepObject {
		e.object = bytes.Buffer{}
	}
	e.object.Reset()
	if e.lines == nil {
		e.lines = archive.NewEncoder(&e.object)
		return
	}
	e.lines.Reset(&e.object)
}

// A draft is the object of a round as it is if every order of it is new, which is the usual case.
// It is encoded while Redis records the orders, so that archiving hardly lengthens an invocation.
type draft struct {
	fates  []fate // that the draft assumes, one for each message of the round
	object []byte
	err    error
	done   chan struct{}
}

// begin starts to encode the draft of a round whose messages are parsed. Until the draft is done,
// nothing else uses the handler's encoder.
func (b *batch) begin(round []int) *draft {
	d := &draft{fates: b.fates(round), done: make(chan struct{})}
	if b.config.Archive == nil {
		close(d.done)
		return d
	}
	for at, f := range d.fates {
		if f == parsed {
			d.fates[at] = recorded
		}
	}
	go func() {
		defer close(d.done)
		defer func() {
			if recover() != nil {
				d.fates = nil // the object is encoded again, which finds the message that panics
			}
		}()
		d.object, d.err = b.encode(round, d.fates, func(_ int, do func()) { do() })
	}()
	return d
}

// fates returns the fates of the messages of a round.
func (b *batch) fates(round []int) []fate {
	fates := make([]fate, len(round))
	for at, i := range round {
		fates[at] = b.entries[i].fate
	}
	return fates
}

// errNoTimeToArchive says that the step was not begun.
var errNoTimeToArchive = errors.New("no time left to archive the batch")

// archive stores a line for each settled message of the round in one object. If it cannot, all
// messages of the round fail: none may be acknowledged, and none may be sent to orders-rejected,
// because after its redelivery it would be sent there again.
func (b *batch) archive(ctx context.Context, round []int, d *draft) {
	<-d.done
	if b.config.Archive == nil {
		return
	}
	ctx, cancel := withReserve(ctx, quarantineTime)
	defer cancel()

	object, err := d.object, d.err
	if fates := b.fates(round); !slices.Equal(fates, d.fates) {
		object, err = b.encode(round, fates, func(i int, do func()) { b.guard(i, "archive", do) })
	}
	switch {
	case err != nil || object == nil:
	case ctx.Err() != nil:
		err = errNoTimeToArchive
	default:
		err = b.config.Archive.Put(ctx, archive.Key(b.started, random()), object)
	}
	if err == nil {
		return
	}
	b.handler.encoder.object = bytes.Buffer{} // a request that was given up may still read the old one
	b.fail(fmt.Errorf("archive the batch: %w", err))
	b.down = true
	for _, i := range round {
		b.entries[i].fate = pending
	}
}

// encode makes the object of a round; nil when no message of it is settled. It encodes the line of
// each message in a call of guard.
func (b *batch) encode(round []int, fates []fate, guard func(i int, do func())) ([]byte, error) {
	e := &b.handler.encoder
	e.reset()
	written := 0
	var failed error
	for at, i := range round {
		guard(i, func() {
			line, settled := b.entries[i].line(fates[at])
			if !settled {
				return
			}
			failed = errors.Join(failed, e.lines.Encode(&line))
			written++
		})
	}
	if err := errors.Join(failed, e.lines.Close()); err != nil || written == 0 {
		return nil, err
	}
	return e.object.Bytes(), nil
}

// line makes the archive's line of a message with that fate. Messages that are not settled have
// none.
func (e *entry) line(f fate) (line archive.Line, settled bool) {
	line = archive.Line{
		MessageID: e.message.ID,
		SentAt:    e.message.SentAt,
		Order:     e.order,
		Trace:     e.message.Trace(),
		Body:      e.message.Body,
	}
	switch f {
	case recorded:
		line.Outcome = archive.Recorded
	case duplicate:
		line.Outcome = archive.Duplicate
	case invalid:
		line.Outcome = archive.Invalid
		line.Reason = e.refusal.Reason
		line.Field = e.refusal.Field
		line.Detail = e.refusal.Detail
	default:
		return archive.Line{}, false
	}
	return line, true
}

// random returns a number that no other invocation has.
func random() uint64 {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails
	return binary.BigEndian.Uint64(raw[:])
}

// Package filecheck judges every entry of a file of orders by the order contract, without sending anything.
package filecheck

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"runtime"
	"sync"

	"orderpipeline/localstack/orderctl/orderfile"
	"orderpipeline/shared/order"
)

// MaxMessage is the largest message that the queue orders takes, in bytes (MaximumMessageSize in template.yaml).
const MaxMessage = 258_048

// MessageTooLarge is the reason of an entry that the queue would not take. The order contract has no such reason: the
// function never sees such a message.
const MessageTooLarge order.Reason = "message_too_large"

// A Verdict is what would become of one entry.
type Verdict struct {
	orderfile.Entry
	Order order.Order // where Refusal is nil
	// Refusal says why the entry would be refused; nil where it is an order. An order_id_conflict is one with an earlier
	// entry of the same file.
	Refusal *order.Refusal
	// First is the line of the earlier entry with the same order_id; 0 where there is none.
	First int

	id          [2]uint64
	fingerprint uint64
}

// Duplicate says whether an earlier entry of the file is the same order.
func (v *Verdict) Duplicate() bool { return v.Refusal == nil && v.First > 0 }

// chunkEntries is how many entries are judged at once by one goroutine.
const chunkEntries = 512

// Check judges all entries of r and gives each verdict to each, in the order of the file. It stops at the first error of
// the file, of each, or of ctx; the sums are those of the entries until then. The order ids of the file are kept in
// memory, about 50 bytes for each.
func Check(ctx context.Context, r *orderfile.Reader, each func(*Verdict) error) (*Sums, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	p := &pipeline{reader: r, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	results := p.start(ctx)
	defer p.running.Wait()
	defer stop()

	sums := newSums()
	known := map[[2]uint64]known{}
	for result := range results {
		c := <-result
		for i := range c.verdicts {
			v := &c.verdicts[i]
			compare(known, v)
			sums.add(v)
			if err := each(v); err != nil {
				return sums, err
			}
		}
		if c.err != nil {
			return sums, c.err
		}
	}
	return sums, ctx.Err()
}

// known is an order id that the file had before.
type known struct {
	fingerprint uint64
	line        int
}

// compare finds entries with an order_id that the file had before.
func compare(seen map[[2]uint64]known, v *Verdict) {
	if v.Refusal != nil {
		return
	}
	first, repeated := seen[v.id]
	if !repeated {
		seen[v.id] = known{v.fingerprint, v.Line}
		return
	}
	v.First = first.line
	if first.fingerprint != v.fingerprint {
		v.Refusal = &order.Refusal{
			Reason: order.IDConflict,
			Field:  "order_id",
			Detail: fmt.Sprintf("order_id is that of line %d, whose content differs: give one of the two another order_id.", first.line),
		}
	}
}

// A chunk is a series of entries and, where the file ends in an error, that error.
type chunk struct {
	verdicts []Verdict
	err      error
}

// A pipeline reads chunks, judges several of them at the same time, and keeps their order.
type pipeline struct {
	reader  *orderfile.Reader
	seeds   [2]maphash.Seed
	running sync.WaitGroup
}

// start returns a channel with one channel for each chunk, in the order of the file.
func (p *pipeline) start(ctx context.Context) <-chan chan chunk {
	workers := runtime.GOMAXPROCS(0)
	results := make(chan chan chunk, 2*workers)
	slots := make(chan struct{}, workers+1)
	p.running.Go(func() {
		defer close(results)
		for {
			c, last := p.read()
			result := make(chan chunk, 1)
			select {
			case <-ctx.Done():
				return
			case slots <- struct{}{}:
			}
			p.running.Go(func() {
				for i := range c.verdicts {
					p.judge(&c.verdicts[i])
				}
				result <- c
				<-slots
			})
			select {
			case <-ctx.Done():
				return
			case results <- result:
			}
			if last {
				return
			}
		}
	})
	return results
}

// read takes the next chunk from the file.
func (p *pipeline) read() (c chunk, last bool) {
	c.verdicts = make([]Verdict, 0, chunkEntries)
	for len(c.verdicts) < chunkEntries {
		entry, err := p.reader.Next()
		if errors.Is(err, io.EOF) {
			return c, true
		}
		if err != nil {
			c.err = err
			return c, true
		}
		c.verdicts = append(c.verdicts, Verdict{Entry: entry})
	}
	return c, false
}

// judge parses one entry.
func (p *pipeline) judge(v *Verdict) {
	if len(v.Body) > MaxMessage {
		v.Refusal = &order.Refusal{
			Reason: MessageTooLarge,
			Detail: fmt.Sprintf("the message has %d bytes, the queue takes at most %d: write several smaller orders.", len(v.Body), MaxMessage),
		}
		return
	}
	o, err := order.Parse(v.Body)
	if err != nil {
		errors.As(err, &v.Refusal) // Parse returns no other error
		return
	}
	v.Order = o
	v.fingerprint = o.Fingerprint()
	v.id = [2]uint64{maphash.String(p.seeds[0], o.ID), maphash.String(p.seeds[1], o.ID)}
}

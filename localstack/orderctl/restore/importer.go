package restore

import (
	"context"
	"fmt"
	"os"
	"time"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/inorder"
	"orderpipeline/localstack/orderctl/objects"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/archive"
	"orderpipeline/shared/replay/protocol"
	"orderpipeline/shared/statsapi/answer"
)

// An importer writes the orders of a checked file to the archive and has them counted.
type importer struct {
	*store
	digest   [32]byte
	file     *os.File
	parallel session.Positive
	result   *importResult

	existing map[string]time.Time // objects of an earlier import, and when they were written
}

func (i *importer) run(ctx context.Context) error {
	i.existing = map[string]time.Time{}
	for o, err := range objects.Imports(ctx, i.bucket, i.result.SHA256) {
		if err != nil {
			return err
		}
		if len(i.existing) == 0 {
			i.result.Before = o.Modified.UTC().Format(time.RFC3339)
			i.Hintf("this file was imported on %s: what was counted then is not counted again\n",
				i.result.Before)
		}
		i.existing[o.Key] = o.Modified
	}
	before, err := i.Numbers(ctx)
	if err != nil {
		return err
	}

	progress := i.Progress("importing", "orders", i.result.Orders)
	for counted, err := range inorder.Map(
		ctx, int(i.parallel), chunks(ctx, i.file, i.digest), i.count,
	) {
		if err != nil {
			progress.Finish()
			return i.stopped(err)
		}
		if counted.Orders > 0 {
			i.result.Objects++
		}
		i.result.Counted.Add(counted)
		progress.Add(counted.Orders)
	}
	progress.Finish()
	after, err := i.Numbers(ctx)
	if err != nil {
		return err
	}
	return i.compare(before.Totals, after.Totals)
}

// stopped says how to go on after an error.
func (i *importer) stopped(err error) error {
	if done := i.result.Counted.Orders; done < i.result.Orders {
		i.Notef("%s of %s orders were imported; the same command continues with the others\n",
			console.Count(done), console.Count(i.result.Orders))
	}
	return err
}

// young is how old an object of an unfinished import may be for its orders to count as imported.
// Those of an older object are healed, under the rule that keeps the store from counting an order
// again whose marker it has forgotten.
const young = 24 * time.Hour

// count stores one chunk, unless it is stored, and has it counted.
func (i *importer) count(ctx context.Context, c fileChunk) (protocol.Counted, error) {
	if len(c.lines) == 0 {
		return protocol.Counted{}, nil
	}
	written, stored := i.existing[c.key]
	if stored {
		kind := protocol.KindImport
		if time.Since(written) > young {
			kind = protocol.KindReplay
		}
		counted, err := i.replayer.replay(ctx, kind, c.key)
		if err != nil || counted.Orders == int64(len(c.lines)) {
			return counted, err
		}
		// Another version of the order contract wrote it, with other orders.
	}
	if err := i.bucket.Put(ctx, c.key, archive.Encode(c.lines...)); err != nil {
		return protocol.Counted{}, err
	}
	return i.replayer.replay(ctx, protocol.KindImport, c.key)
}

// compare checks what was counted against the sums of the file and the growth of the API's figures.
func (i *importer) compare(before, after answer.Totals) error {
	r := i.result
	counted := r.Counted
	r.Checks.Equal("orders of the file", r.Orders, counted.Orders)
	r.Checks.Equal("orders counted, now or before", r.Orders, counted.Recorded+counted.Duplicate)
	r.Checks.Equal("growth of total_orders", counted.Recorded, after.Orders-before.Orders)
	r.Checks.Equal("growth of total_revenue", counted.Value, after.Revenue-before.Revenue)
	if counted.Recorded == r.Orders {
		r.Checks.Equal("revenue of the file", r.Revenue, counted.Value)
	}
	r.Equal = r.Checks.AllEqual()
	if !r.Equal {
		return fmt.Errorf("%w: the figures are not those of the file", session.ErrCheck)
	}
	return nil
}

func (i *importer) show(err error) {
	r := i.result
	i.Printf(
		"imported %s orders in %.1fs: %s counted now, %s counted before\n",
		console.Count(r.Counted.Orders), r.Seconds, console.Count(r.Counted.Recorded),
		console.Count(r.Counted.Duplicate),
	)
	if n := r.RefusedTotal(); n > 0 {
		i.Printf("%s orders are refused by the contract: they are in %s\n", console.Count(n), r.Invalid)
	}
	for _, refused := range []struct {
		n   int64
		why string
	}{
		{r.Counted.Conflict, "another order with their order_id was counted before"},
		{r.Counted.Overflow, "a sum would pass its limit"},
	} {
		if refused.n > 0 {
			i.Println(i.Bad(console.Count(refused.n) + " orders are refused: " + refused.why +
				"; see orderctl rejected list"))
		}
	}
	if len(r.Checks) == 0 {
		return
	}
	r.Checks.Show(i.Console)
	if err != nil {
		i.Printf("Other orders that were counted at the same time make the growth differ " +
			"without a fault.\n")
	}
}

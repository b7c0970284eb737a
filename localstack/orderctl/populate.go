package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"sync/atomic"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/source"
)

type populateFlags struct {
	lines    bool
	parallel int
	waitFlags
}

func (a *app) populateCommand() *cobra.Command {
	var f populateFlags
	cmd := &cobra.Command{
		Use:     "populate FILE | -",
		GroupID: groupSend,
		Short:   "Send the orders of a file: NDJSON or a JSON array",
		Long: `Send every order of a file (or of standard input, -): one JSON value after the other, such
as NDJSON, or one JSON array. The file may be larger than the memory. Orders are sent as
they stand. After a stop in the middle the same file can be sent again from its start:
what was counted already is recognised by its order_id.`,
		Example: example(
			"orderctl populate orders.ndjson --wait",
			"gunzip -c orders.json.gz | orderctl populate -",
			"orderctl populate --lines broken.txt",
		),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.populate(cmd.Context(), f, args[0]) },
	}
	cmd.Flags().BoolVar(&f.lines, "lines", false, "every line is one message, JSON or not")
	cmd.Flags().IntVar(&f.parallel, "parallel", defaultParallel, "batches of 10 under way at once")
	f.add(cmd)
	return cmd
}

func (a *app) populate(ctx context.Context, f populateFlags, name string) error {
	if f.parallel < 1 {
		return fmt.Errorf("%w: --parallel must be at least 1", errUsage)
	}
	in, closeIn, err := a.open(name)
	if err != nil {
		return err
	}
	defer closeIn()
	if err := a.guard(ctx, "the orders of "+name, false); err != nil {
		return err
	}
	var w *waiter
	if f.wait {
		if w, err = a.waiter(ctx, f.limit); err != nil {
			return err
		}
	}
	counted := &countingReader{r: in}
	read := source.Values
	if f.lines {
		read = source.Lines
	}
	p := a.Progress("sending", "orders", -1)
	result := struct {
		delivery
		Numbers *numbers `json:"numbers,omitempty"`
	}{}
	result.delivery, err = a.deliver(ctx, f.parallel, p, guessing(read(counted), counted, fileSize(in), p))
	if result.Queue == "" {
		return err
	}
	if !a.JSON {
		a.showDelivery(result.delivery, err)
	}
	if err == nil && w != nil {
		if err = w.run(ctx); err == nil {
			result.Numbers, err = a.showEnd(ctx)
		}
	}
	if a.JSON {
		if failed := a.Emit(result); failed != nil {
			return failed
		}
	}
	return err
}

// guessEvery is after how many orders the total is guessed anew.
const guessEvery = 1000

// guessing turns values into messages, and tells the progress how many there will be, judged by how far the file is
// read. size is 0 when it is not known.
func guessing(values iter.Seq2[json.RawMessage, error], read *countingReader, size int64, p *console.Progress) iter.Seq2[queue.Message, error] {
	return func(yield func(queue.Message, error) bool) {
		var n int64
		for v, err := range values {
			if err != nil {
				yield(queue.Message{}, err)
				return
			}
			n++
			if at := read.n.Load(); size > 0 && n%guessEvery == 0 && at > 0 {
				p.Total(int64(float64(n) * float64(max(size, at)) / float64(at)))
			}
			if !yield(queue.Message{Body: string(v), Label: fmt.Sprintf("order %d", n)}, nil) {
				return
			}
		}
		p.Total(n)
	}
}

// fileSize is 0 for what has no size, such as a pipe.
func fileSize(in io.Reader) int64 {
	if file, ok := in.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			return info.Size()
		}
	}
	return 0
}

type countingReader struct {
	r io.Reader
	n atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

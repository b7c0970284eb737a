package tester

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"sync/atomic"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/orderfile"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/localstack/orderctl/tester/sample"
)

type populateFlags struct {
	lines    bool
	parallel int
	session.WaitFlags
}

func populateCommand(env *session.Env) *cobra.Command {
	var f populateFlags
	cmd := &cobra.Command{
		Use:     "populate FILE | -",
		GroupID: session.GroupSend,
		Short:   "Send the orders of a file: NDJSON or a JSON array",
		Long: `Send every order of a file (or of standard input, -): NDJSON, a JSON array or
{"orders": […]}, also as gzip. The file may be larger than the memory. Orders are sent as
they are. After a stop in the middle the same file can be sent again from its start: what
was counted already is recognised by its order_id.

With --wait the sums of the file are compared with the growth of the API's figures, as
bulk does. Where orders had been counted before, only the messages are compared.`,
		Example: session.Example(
			"orderctl populate orders.ndjson --wait",
			"orderctl populate orders.json.gz",
			"orderctl populate --lines broken.txt",
		),
		Args: cobra.ExactArgs(1),
		PreRunE: func(*cobra.Command, []string) error {
			if f.parallel < 1 {
				return session.Usage("--parallel must be at least 1")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := env.OpenFile(args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			file, err := newFile(in, f.lines)
			if err != nil {
				return err
			}
			s, err := open(cmd.Context(), env, f.WaitFlags)
			if err != nil {
				return err
			}
			return populate(cmd.Context(), s, f, args[0], file)
		},
	}
	cmd.Flags().BoolVar(&f.lines, "lines", false, "every line is one message, JSON or not")
	cmd.Flags().IntVar(&f.parallel, "parallel", session.DefaultParallel,
		"batches of 10 under way at once")
	f.Add(cmd)
	return cmd
}

func populate(
	ctx context.Context, s *session.Session, f populateFlags, name string, file *file,
) error {
	v := newVerifier(s, false)
	v.sums = sample.NewSums(v.zone, nil)
	var tally *sample.Tally
	var result checkedResult
	return s.Perform(ctx, session.Plan{
		Question: s.SendQuestion("the orders of "+name, false),
		Wait:     f.WaitFlags,
		Before: func(ctx context.Context) error {
			if err := s.Waiter(f.Limit).DrainFirst(ctx); err != nil {
				return err
			}
			return v.begin(ctx)
		},
		Act: func(ctx context.Context) (err error) {
			tally = sample.NewTally(v.sums)
			p := s.Progress("sending", "orders", -1)
			result.Delivery, err = s.Deliver(ctx, f.parallel, p, file.messages(tally, p), nil)
			result.Expected = expectation(v.sums)
			return err
		},
		Show:    func(err error) { result.Show(s.Console, err) },
		Settled: v.reached,
		Check:   func(ctx context.Context) error { return v.checkFile(ctx, tally, &result) },
		Result:  &result, Outcome: &result.Outcome,
	})
}

// checkFile compares like check where the sums of the file are certain. Where orders of it had been
// counted before, or contradict each other, only the messages can be compared.
func (v *verifier) checkFile(
	ctx context.Context, tally *sample.Tally, result *checkedResult,
) error {
	after, err := v.read(ctx)
	if err != nil {
		return err
	}
	if tally.Full {
		v.s.Notef("the file has more than %s orders: its sums are not compared\n",
			console.Count(sample.MostTallied))
		return nil
	}
	recorded := after.counts.Recorded - v.before.counts.Recorded
	duplicate := after.counts.Duplicate - v.before.counts.Duplicate
	before := v.sums.Orders - recorded
	known := before > 0 && duplicate >= v.sums.Duplicates+before
	if !known && !tally.Ambiguous {
		result.Checks = v.compare(after)
		return v.verdict(result, after)
	}

	var c checks
	c.atLeast("recorded or duplicate", v.sums.Orders+v.sums.Duplicates, recorded+duplicate)
	v.compareMessages(&c, after)
	result.Checks, result.Counted = c, max(0, before)
	if !v.s.JSON {
		v.s.Printf("%s of the orders had been counted before: revenue and months are not compared\n",
			console.Count(result.Counted))
	}
	return v.verdict(result, after)
}

// A file is an open file of orders.
type file struct {
	reader *orderfile.Reader
	read   *countingReader
	size   int64 // 0 where it is unknown, such as for a pipe
}

func newFile(in io.Reader, lines bool) (*file, error) {
	f := &file{read: &countingReader{r: in}}
	if regular, ok := in.(*os.File); ok {
		if info, err := regular.Stat(); err == nil && info.Mode().IsRegular() {
			f.size = info.Size()
		}
	}
	var err error
	if lines {
		f.reader, err = orderfile.NewLineReader(f.read)
	} else {
		f.reader, err = orderfile.NewReader(f.read)
	}
	return f, err
}

// estimateEvery is the number of orders between two estimates of the total.
const estimateEvery = 1000

// messages yields the orders, adds them up and tells the progress how many there will be, estimated
// from how much of the file is read.
func (f *file) messages(
	tally *sample.Tally, p *console.Progress,
) iter.Seq2[queue.Message, error] {
	return func(yield func(queue.Message, error) bool) {
		var n int64
		for entry, err := range f.reader.All() {
			if err != nil {
				yield(queue.Message{}, err)
				return
			}
			n++
			if at := f.read.n.Load(); f.size > 0 && n%estimateEvery == 0 && at > 0 {
				p.Total(int64(float64(n) * float64(max(f.size, at)) / float64(at)))
			}
			tally.Add(entry.Body)
			m := queue.Message{Body: entry.Body, Label: fmt.Sprintf("line %d", entry.Line)}
			if !yield(m, nil) {
				return
			}
		}
		p.Total(n)
	}
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

package tester

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/filecheck"
	"orderpipeline/localstack/orderctl/orderfile"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/localstack/orderctl/tester/sample"
)

type populateFlags struct {
	lines    bool
	parallel session.Positive
}

func populateCommand(env *session.Env) *cobra.Command {
	f := populateFlags{parallel: session.DefaultParallel}
	cmd := &cobra.Command{
		Use:   "populate FILE | -",
		Short: "Send the orders of a file: NDJSON or a JSON array",
		Long: `Send every order of a file (or of standard input, -): NDJSON, a JSON array or
{"orders": […]}, also as gzip. The file may be larger than the memory; about 50 bytes are
kept of each order. Orders are sent as they are. After a stop in the middle the same file
can be sent again from its start: what was counted already is recognised by its order_id.

With --wait the sums of the file are compared with the growth of the API's figures, as
bulk does. Where orders had been counted before, only the messages are compared.`,
		Example: session.Example(
			"orderctl populate orders.ndjson --wait",
			"orderctl populate orders.json.gz",
			"orderctl populate --lines broken.txt",
		),
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: session.CompleteFiles,
		RunE: env.RunFile(func(ctx context.Context, name string, in io.Reader) error {
			file, err := newFile(in, f.lines)
			if err != nil {
				return err
			}
			s, err := env.Open(ctx, session.Orders)
			if err != nil {
				return err
			}
			return populate(ctx, s, f, name, file)
		}),
	}
	cmd.Flags().BoolVar(&f.lines, "lines", false, "every line is one message, JSON or not")
	cmd.Flags().Var(&f.parallel, "parallel", "batches of 10 under way at once")
	env.WaitFlags(cmd)
	return cmd
}

func populate(
	ctx context.Context, s *session.Session, f populateFlags, name string, file *file,
) error {
	v := newVerifier(s, nil)
	plan := session.Plan{
		Question: s.SendQuestion("the orders of "+name, false),
		Show:     func(err error) { v.result.Show(s.Console, err) },
	}
	messages := func(p *console.Progress) iter.Seq2[queue.Message, error] {
		return file.messages(ctx, v.sums, p)
	}
	return v.send(ctx, plan, f.parallel, -1, messages)
}

// A file is an open file of orders.
type file struct {
	reader  *orderfile.Reader
	regular *os.File // nil where the size is unknown, such as for a pipe
	size    int64
}

func newFile(in io.Reader, lines bool) (*file, error) {
	f := &file{}
	if opened, ok := in.(*os.File); ok {
		if info, err := opened.Stat(); err == nil && info.Mode().IsRegular() {
			f.regular, f.size = opened, info.Size()
		}
	}
	var err error
	if lines {
		f.reader, err = orderfile.NewLineReader(in)
	} else {
		f.reader, err = orderfile.NewReader(in)
	}
	return f, err
}

// estimateEvery is the number of orders between two estimates of the total.
const estimateEvery = 1000

// messages yields the orders, adds them up and tells the progress how many there will be, estimated
// from how much of the file is read.
func (f *file) messages(
	ctx context.Context, sums *sample.Sums, p *console.Progress,
) iter.Seq2[queue.Message, error] {
	return func(yield func(queue.Message, error) bool) {
		var n int64
		for v, err := range filecheck.All(ctx, f.reader) {
			if err != nil {
				yield(queue.Message{}, err)
				return
			}
			n++
			if f.regular != nil && n%estimateEvery == 0 {
				if at, err := f.regular.Seek(0, io.SeekCurrent); err == nil && at > 0 {
					p.Total(int64(float64(n) * float64(max(f.size, at)) / float64(at)))
				}
			}
			switch {
			case v.Refusal != nil:
				sums.Refused[v.Refusal.Reason]++
			case v.Duplicate():
				sums.Duplicates++
			default:
				sums.Record(v.Order)
			}
			if !yield(queue.Message{Body: v.Body, Label: fmt.Sprintf("line %d", v.Line)}, nil) {
				return
			}
		}
		p.Total(n)
	}
}

package session

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/orderfile"
	"orderpipeline/localstack/orderctl/queue"
)

// DefaultParallel is how many batches are under way at once. More were not faster on LocalStack.
const DefaultParallel = 8

// A Delivery is the result of a command that sends.
type Delivery struct {
	Queue string `json:"queue"`
	queue.Report
	Seconds float64 `json:"seconds"`
}

// Deliver sends messages to the orders queue and shows the progress. sent, which may be nil, is
// called for each message that SQS confirmed, one after the other. The delivery is right even when
// an error is returned.
func (s *Session) Deliver(
	ctx context.Context, parallel Positive, p *console.Progress,
	messages iter.Seq2[queue.Message, error], sent func(queue.Message),
) (Delivery, error) {
	defer p.Finish()
	sender := queue.Sender{Queue: s.Orders, Parallel: int(parallel), Sent: func(done []queue.Message) {
		for _, m := range done {
			if sent != nil {
				sent(m)
			}
		}
		p.Add(int64(len(done)))
	}}
	start := time.Now()
	report, err := sender.Send(ctx, messages)
	return Delivery{s.Orders.URL, report, Seconds(time.Since(start))}, err
}

// Show prints what was sent, and what was not and why.
func (d Delivery) Show(c *console.Console, err error) {
	rate := ""
	if d.Seconds > 0 && d.Sent > 1 {
		rate = ", " + console.Count(int64(float64(d.Sent)/d.Seconds)) + "/s"
	}
	word := "sent"
	if errors.Is(err, context.Canceled) {
		word = "interrupted: sent"
	}
	c.Printf("%s %s messages in %.1fs%s\n", word, console.Count(d.Sent), d.Seconds, rate)
	if d.Retried > 0 {
		c.Printf("%s entries were retried after a failure\n", console.Count(d.Retried))
	}
	if d.Failed == 0 {
		return
	}

	c.Println(c.Bad(console.Count(d.Failed) + " failed or unconfirmed:"))
	for _, f := range d.Failures {
		c.Printf("  %s: %s\n", console.Clean(f.Label), console.Clean(f.Why))
	}
	if more := d.Failed - int64(len(d.Failures)); more > 0 {
		c.Printf("  … and %s more\n", console.Count(more))
	}
}

// SendQuestion is what to ask before something is sent where it may not belong: anything with
// made-up credentials to AWS, test data to AWS, or anything to AWS that the user did not name
// (LocalStack may just not have been started). It is empty where nothing needs to be asked.
func (s *Session) SendQuestion(what string, testData bool) string {
	where := s.Orders.Name() + " on " + s.Where()
	switch {
	case s.Local:
		return ""
	case s.Dummy:
		return "The credentials look made up for LocalStack. Send " + what + " to " + where + "?"
	case testData:
		return "Send " + what + " of random test data to " + where + "? It cannot be undone."
	case !s.ChosenByName():
		return "No LocalStack answers on this machine. Send " + what + " to " + where + "?"
	}
	return ""
}

// OpenFile opens a file for reading, or standard input for "-". Its error wraps
// orderfile.ErrInput.
func (e *Env) OpenFile(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(e.In), nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, &orderfile.Error{Text: "open the file", Err: err}
	}
	if info, err := file.Stat(); err == nil && info.IsDir() {
		file.Close()
		return nil, &orderfile.Error{Text: name + " is a directory: name a file"}
	}
	return file, nil
}

// RunFile returns a cobra RunE that calls command with the file, or with standard input for "-".
func (e *Env) RunFile(
	command func(ctx context.Context, name string, in io.Reader) error,
) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		in, err := e.OpenFile(args[0])
		if err != nil {
			return err
		}
		defer in.Close()
		return command(cmd.Context(), args[0], in)
	}
}

// CreateFile creates a file. An existing file is not overwritten.
func CreateFile(name string) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, Usage("the file %s exists already: choose a new name", name)
	}
	if err != nil {
		return nil, Usage("%w", err)
	}
	return file, nil
}

package main

import (
	"context"
	"errors"
	"iter"
	"time"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/target"
)

// defaultParallel is how many batches are under way at once. More did not send faster on LocalStack.
const defaultParallel = 8

// A delivery is what a sending command did.
type delivery struct {
	Queue    string          `json:"queue"`
	Sent     int64           `json:"sent"`
	Failed   int64           `json:"failed"`
	Again    int64           `json:"sent_again"`
	Seconds  float64         `json:"seconds"`
	Failures []queue.Failure `json:"failures,omitempty"`
}

// deliver sends messages to the orders queue under a progress bar. total is -1 when nobody knows. The delivery is right
// even when an error is returned.
func (a *app) deliver(ctx context.Context, parallel int, p *console.Progress, messages iter.Seq2[queue.Message, error]) (delivery, error) {
	return a.deliverEach(ctx, parallel, p, messages, func(queue.Message) {})
}

// deliverEach tells each message that SQS confirmed to sent, one after the other.
func (a *app) deliverEach(ctx context.Context, parallel int, p *console.Progress, messages iter.Seq2[queue.Message, error], sent func(queue.Message)) (delivery, error) {
	t, err := a.target(ctx)
	if err != nil {
		return delivery{}, err
	}
	url, err := t.OrdersQueue(ctx)
	if err != nil {
		return delivery{}, err
	}
	client, err := a.sqs(ctx)
	if err != nil {
		return delivery{}, err
	}
	s := queue.Sender{SQS: client, QueueURL: url, Parallel: parallel, Sent: func(done []queue.Message) {
		for _, m := range done {
			sent(m)
		}
		p.Add(int64(len(done)))
	}}
	start := a.Now()
	report, err := s.Send(ctx, messages)
	p.Finish()
	return delivery{
		Queue: url, Sent: report.Sent, Failed: report.Failed, Again: report.Again, Failures: report.First,
		Seconds: float64(a.Now().Sub(start).Round(time.Millisecond)) / float64(time.Second),
	}, err
}

// showDelivery says what was sent, and what was not and why.
func (a *app) showDelivery(d delivery, err error) {
	rate := ""
	if d.Seconds > 0 && d.Sent > 1 {
		rate = ", " + console.Count(int64(float64(d.Sent)/d.Seconds)) + "/s"
	}
	word := "sent"
	if errors.Is(err, context.Canceled) {
		word = "interrupted: sent"
	}
	a.Printf("%s %s messages in %.1fs%s\n", word, console.Count(d.Sent), d.Seconds, rate)
	if d.Again > 0 {
		a.Printf("%s entries were sent again after a failure\n", console.Count(d.Again))
	}
	if d.Failed == 0 {
		return
	}
	a.Printf("%s\n", a.Bad(console.Count(d.Failed)+" messages were not sent, or it is not known:"))
	for _, f := range d.Failures {
		a.Printf("  %s: %s\n", console.Clean(f.Label), console.Clean(f.Why))
	}
	if more := d.Failed - int64(len(d.Failures)); more > 0 {
		a.Printf("  … and %s more\n", console.Count(more))
	}
}

// guard asks before something is sent where it may not belong: anything with made-up credentials to AWS, test data to
// AWS, or anything to AWS that the user did not name (LocalStack may just not have been started).
func (a *app) guard(ctx context.Context, what string, testData bool) error {
	t, err := a.target(ctx)
	if err != nil {
		return err
	}
	if t.Local {
		return nil
	}
	url, err := a.queueName(ctx, t)
	if err != nil {
		return err
	}
	switch {
	case t.Dummy:
		return a.Confirm("The credentials look made up for LocalStack, but this goes to " + t.Name() + ". Send " + what + " to " + url + "?")
	case testData:
		return a.Confirm("Send " + what + " of random test data to " + url + " on " + t.Name() + "? It cannot be taken back.")
	case !t.ChosenByName():
		return a.Confirm("No LocalStack answers on this machine. Send " + what + " to " + url + " on " + t.Name() + "?")
	}
	return nil
}

func (a *app) queueName(ctx context.Context, t *target.Target) (string, error) {
	if t.Dummy { // the look-up would only fail with a riddle
		return "the orders queue", nil
	}
	return t.OrdersQueue(ctx)
}

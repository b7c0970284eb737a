// Package pause stops the event source mappings of the pipeline for a while, so that neither the
// store nor the archive changes, and starts them again. A note in the archive's bucket says what
// was stopped: a run that was killed leaves the note, and the next run starts the mappings.
package pause

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"orderpipeline/localstack/orderctl/queue"
)

// Lambda is the part of Lambda that a pause needs. *lambda.Client is one.
type Lambda interface {
	GetEventSourceMapping(
		context.Context, *lambda.GetEventSourceMappingInput, ...func(*lambda.Options),
	) (*lambda.GetEventSourceMappingOutput, error)
	UpdateEventSourceMapping(
		context.Context, *lambda.UpdateEventSourceMappingInput, ...func(*lambda.Options),
	) (*lambda.UpdateEventSourceMappingOutput, error)
}

// A Note is what a pause keeps while it lasts.
type Note struct {
	Operation string    `json:"operation"` // such as rebuild
	Began     time.Time `json:"began"`
	// Mappings are those that the pause stopped and that must be started again.
	Mappings []string `json:"mappings"`
	// Step says how far the operation has got.
	Step string `json:"step,omitempty"`
}

// Notes keeps the one note of a deployment. Read returns nil where there is none.
type Notes interface {
	Read(context.Context) (*Note, error)
	Write(context.Context, Note) error
	Delete(context.Context) error
}

// A Pause stops mappings. Its methods are not safe for concurrent use.
type Pause struct {
	Lambda   Lambda
	Notes    Notes
	Mappings []string // ids

	note Note
}

const (
	pollEvery = 250 * time.Millisecond
	// changeLimit bounds how long a mapping may take to change its state. On AWS it takes about a
	// minute.
	changeLimit = 5 * time.Minute
	// resumeLimit bounds the start of the mappings after an interruption.
	resumeLimit = 30 * time.Second
)

// Begin stops the mappings that run. It returns the note of an earlier operation that did not end,
// or nil. Mappings that the earlier operation stopped are started again by End.
//
// The note is written before anything is stopped. After an error, too, End must be called.
func (p *Pause) Begin(ctx context.Context, operation string) (earlier *Note, err error) {
	if earlier, err = p.Notes.Read(ctx); err != nil {
		return nil, err
	}
	p.note = Note{Operation: operation, Began: time.Now().UTC()}
	if earlier != nil {
		p.note.Mappings = slices.Clone(earlier.Mappings)
		if earlier.Operation == operation {
			p.note.Began, p.note.Step = earlier.Began, earlier.Step
		}
	}
	for _, id := range p.Mappings {
		state, err := p.state(ctx, id)
		if err != nil {
			return earlier, err
		}
		if running(state) && !slices.Contains(p.note.Mappings, id) {
			p.note.Mappings = append(p.note.Mappings, id)
		}
	}
	if err := p.Notes.Write(ctx, p.note); err != nil {
		return earlier, err
	}
	for _, id := range p.Mappings {
		if err := p.set(ctx, id, false); err != nil {
			return earlier, err
		}
	}
	for _, id := range p.Mappings {
		if err := p.await(ctx, id, stateDisabled); err != nil {
			return earlier, err
		}
	}
	return earlier, nil
}

// Step notes how far the operation has got.
func (p *Pause) Step(ctx context.Context, step string) error {
	p.note.Step = step
	return p.Notes.Write(ctx, p.note)
}

// LastStep is the step that the note holds: after Begin that of an earlier run of the same
// operation.
func (p *Pause) LastStep() string { return p.note.Step }

// Resume starts the mappings that were stopped, also after ctx has ended. The note stays, so that
// the next run of the operation knows its step.
func (p *Pause) Resume(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resumeLimit)
	defer cancel()
	var failed error
	for _, id := range p.note.Mappings {
		failed = errors.Join(failed, p.set(ctx, id, true))
	}
	if failed != nil {
		return fmt.Errorf("%w: %w", ErrNotResumed, failed)
	}
	p.note.Mappings = nil
	if p.note.Operation == "" {
		return nil // Begin did not get as far as a note
	}
	return p.Notes.Write(ctx, p.note)
}

// End resumes and deletes the note.
func (p *Pause) End(ctx context.Context) error {
	if err := p.Resume(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resumeLimit)
	defer cancel()
	return p.Notes.Delete(ctx)
}

// ErrNotResumed: a mapping is still stopped. Messages wait in the queue until it is started.
var ErrNotResumed = errors.New(
	"an event source mapping could not be started again: orders wait in the queue. " +
		"Run the command again, or start it with " +
		"`aws lambda update-event-source-mapping --enabled --uuid …`",
)

const (
	stateEnabled  = "Enabled"
	stateDisabled = "Disabled"
)

// running says whether a mapping in this state polls or is about to.
func running(state string) bool { return state != stateDisabled && state != "Disabling" }

func (p *Pause) state(ctx context.Context, id string) (string, error) {
	out, err := p.Lambda.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &id})
	if err != nil {
		return "", fmt.Errorf("read the state of the event source mapping %s: %w", id, err)
	}
	return aws.ToString(out.State), nil
}

// set asks for a state. While a mapping changes its state, Lambda refuses another change: that is
// retried.
func (p *Pause) set(ctx context.Context, id string, enabled bool) error {
	want := stateDisabled
	if enabled {
		want = stateEnabled
	}
	start := time.Now()
	for {
		state, err := p.state(ctx, id)
		if err == nil && (state == want || !enabled && !running(state)) {
			return nil
		}
		if err == nil {
			_, err = p.Lambda.UpdateEventSourceMapping(
				ctx, &lambda.UpdateEventSourceMappingInput{UUID: &id, Enabled: &enabled},
			)
		}
		if err == nil {
			return nil
		}
		if time.Since(start) > changeLimit || !queue.Sleep(ctx, pollEvery) {
			return fmt.Errorf("change the event source mapping %s: %w", id, err)
		}
	}
}

func (p *Pause) await(ctx context.Context, id, want string) error {
	start := time.Now()
	for {
		state, err := p.state(ctx, id)
		if err != nil || state == want {
			return err
		}
		if time.Since(start) > changeLimit {
			return fmt.Errorf(
				"the event source mapping %s is %s instead of %s after %s", id, state, want, changeLimit,
			)
		}
		if !queue.Sleep(ctx, pollEvery) {
			return ctx.Err()
		}
	}
}

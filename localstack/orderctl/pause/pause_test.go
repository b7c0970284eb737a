package pause

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/go-cmp/cmp"
)

// A cloud is a Lambda whose mappings take two looks to change their state.
type cloud struct {
	states  map[string]string
	looks   map[string]int
	changes []string
	fail    func(change string) error
}

func newCloud(states map[string]string) *cloud {
	return &cloud{
		states: states,
		looks:  map[string]int{},
		fail:   func(string) error { return nil },
	}
}

func (c *cloud) GetEventSourceMapping(
	ctx context.Context, in *lambda.GetEventSourceMappingInput, _ ...func(*lambda.Options),
) (*lambda.GetEventSourceMappingOutput, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	id := *in.UUID
	if c.looks[id]++; c.looks[id] >= 2 {
		switch c.states[id] {
		case "Disabling":
			c.states[id] = "Disabled"
		case "Enabling":
			c.states[id] = "Enabled"
		}
	}
	return &lambda.GetEventSourceMappingOutput{State: aws.String(c.states[id])}, nil
}

func (c *cloud) UpdateEventSourceMapping(
	ctx context.Context, in *lambda.UpdateEventSourceMappingInput, _ ...func(*lambda.Options),
) (*lambda.UpdateEventSourceMappingOutput, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	id, change, state := *in.UUID, "disable ", "Disabling"
	if *in.Enabled {
		change, state = "enable ", "Enabling"
	}
	if err := c.fail(change + id); err != nil {
		return nil, err
	}
	c.changes = append(c.changes, change+id)
	c.states[id], c.looks[id] = state, 0
	return &lambda.UpdateEventSourceMappingOutput{}, nil
}

// A drawer keeps the note.
type drawer struct{ note *Note }

func (d *drawer) Read(context.Context) (*Note, error) { return d.note, nil }
func (d *drawer) Write(ctx context.Context, n Note) error {
	d.note = &n
	return ctx.Err()
}
func (d *drawer) Delete(ctx context.Context) error {
	d.note = nil
	return ctx.Err()
}

func (c *cloud) pause(d *drawer) *Pause {
	return &Pause{Lambda: c, Notes: d, Mappings: []string{"orders", "replay"}}
}

func TestPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, d := newCloud(map[string]string{"orders": "Enabled", "replay": "Enabled"}), &drawer{}
		p := c.pause(d)
		if earlier, err := p.Begin(t.Context(), "verify"); err != nil || earlier != nil {
			t.Fatalf("Begin: %v, %v", earlier, err)
		}
		if diff := cmp.Diff(
			map[string]string{"orders": "Disabled", "replay": "Disabled"}, c.states,
		); diff != "" {
			t.Errorf("states after Begin (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(
			&Note{
				Operation: "verify",
				Began:     time.Now().UTC(),
				Mappings:  []string{"orders", "replay"},
			},
			d.note,
			cmp.Comparer(func(a, b time.Time) bool { return a.Sub(b).Abs() < 10*time.Second }),
		); diff != "" {
			t.Errorf("note (-want +got):\n%s", diff)
		}
		interrupted, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.End(interrupted); err != nil {
			t.Errorf("End of an interrupted run: %v", err)
		}
		if running(c.states["orders"]) != true || running(c.states["replay"]) != true || d.note != nil {
			t.Errorf("states %v, note %v; want both started and no note", c.states, d.note)
		}
	})
}

func TestAMappingThatWasStoppedBeforeStaysStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, d := newCloud(map[string]string{"orders": "Enabled", "replay": "Disabled"}), &drawer{}
		p := c.pause(d)
		_, err := p.Begin(t.Context(), "verify")
		if err = errors.Join(err, p.End(t.Context())); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"disable orders", "enable orders"}, c.changes); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
	})
}

func TestTheNextRunStartsWhatAKilledRunStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, d := newCloud(map[string]string{"orders": "Enabled", "replay": "Enabled"}), &drawer{}
		killed := c.pause(d)
		if _, err := killed.Begin(t.Context(), "rebuild"); err != nil {
			t.Fatal(err)
		}
		if err := killed.Step(t.Context(), "replay"); err != nil {
			t.Fatal(err)
		}

		next := c.pause(d)
		earlier, err := next.Begin(t.Context(), "rebuild")
		if err != nil || earlier == nil || next.LastStep() != "replay" {
			t.Fatalf(
				"Begin: %+v, %v, step %q; want the note of the killed run and its step",
				earlier,
				err,
				next.LastStep(),
			)
		}
		if err := next.End(t.Context()); err != nil || !running(c.states["orders"]) ||
			!running(c.states["replay"]) {
			t.Errorf("End: %v, states %v; want both started", err, c.states)
		}
	})
}

func TestResumeKeepsTheStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, d := newCloud(map[string]string{"orders": "Enabled", "replay": "Enabled"}), &drawer{}
		p := c.pause(d)
		_, err := p.Begin(t.Context(), "rebuild")
		if err = errors.Join(err, p.Step(t.Context(), "replay"), p.Resume(t.Context())); err != nil {
			t.Fatal(err)
		}
		if d.note == nil || d.note.Step != "replay" || len(d.note.Mappings) != 0 ||
			!running(c.states["orders"]) {
			t.Errorf("note %+v, states %v; want the step kept and the mappings started", d.note, c.states)
		}
		other := c.pause(d)
		if _, err := other.Begin(t.Context(), "verify"); err != nil || other.LastStep() != "" {
			t.Errorf("another operation: %v, step %q; want none", err, other.LastStep())
		}
	})
}

func TestAChangeThatLambdaRefusesForAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, d := newCloud(map[string]string{"orders": "Enabled", "replay": "Enabled"}), &drawer{}
		refusals := 3
		c.fail = func(string) error {
			if refusals--; refusals >= 0 {
				return errors.New("ResourceInUseException")
			}
			return nil
		}
		p := c.pause(d)
		_, err := p.Begin(t.Context(), "verify")
		if err = errors.Join(err, p.End(t.Context())); err != nil || !running(c.states["orders"]) {
			t.Errorf("error %v, states %v", err, c.states)
		}
	})
}

func TestAMappingThatCannotBeStartedIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, d := newCloud(map[string]string{"orders": "Enabled", "replay": "Enabled"}), &drawer{}
		p := c.pause(d)
		if _, err := p.Begin(t.Context(), "verify"); err != nil {
			t.Fatal(err)
		}
		c.fail = func(string) error { return errors.New("AccessDenied") }
		if err := p.End(t.Context()); !errors.Is(err, ErrNotResumed) || d.note == nil ||
			len(d.note.Mappings) != 2 {
			t.Errorf("error %v, note %+v; want ErrNotResumed and the note kept", err, d.note)
		}
	})
}

func TestAnInterruptionWhileStopping(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, d := newCloud(map[string]string{"orders": "Enabled", "replay": "Enabled"}), &drawer{}
		p := c.pause(d)
		ctx, cancel := context.WithCancel(t.Context())
		c.fail = func(change string) error {
			if change == "disable replay" {
				cancel()
			}
			return nil
		}
		if _, err := p.Begin(ctx, "verify"); !errors.Is(err, context.Canceled) {
			t.Errorf("Begin: %v, want context.Canceled", err)
		}
		c.fail = func(string) error { return nil }
		err := p.End(ctx)
		if err != nil || !running(c.states["orders"]) || !running(c.states["replay"]) || d.note != nil {
			t.Errorf("End: %v, states %v, note %v", err, c.states, d.note)
		}
	})
}

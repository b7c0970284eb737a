// Package sandbox runs a function's bootstrap as Lambda does: behind the Runtime API, one
// invocation at a time, frozen between two of them, killed at its time limit and restarted for the
// next one. Its user decides what happens to a response, and may kill the function at any moment.
package sandbox

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"orderpipeline/shared/redistest/freeze"
)

// A Function is what a sandbox runs.
type Function struct {
	Path    string        // of the bootstrap
	Env     []string      // NAME=value, in addition to what Lambda sets
	Timeout time.Duration // of one invocation
	Grace   time.Duration // between the end of Timeout and the kill; none on Lambda
	// KeepRunning leaves the process running between two invocations: the benchmarks measure the
	// function, not the signals that freeze it.
	KeepRunning bool
}

// A Verdict decides what happens to the function's response.
type Verdict int

const (
	Deliver Verdict = iota // to the caller of Invoke
	Lose                   // the function's post succeeds, the caller gets an error
	Kill                   // the function is killed while it posts; the response is lost
	Hold                   // the post hangs until the time limit kills the function
)

// A Result is what the caller of the function learns.
type Result struct {
	Payload []byte
	Error   string // type and message of a function error; empty on success
}

// A Sandbox is one execution environment. Close must be called when it is not needed any more.
type Sandbox struct {
	function Function

	mu       sync.Mutex
	process  *process
	judge    func(response []byte) Verdict
	log      tail
	started  int // processes
	requests int
}

// New prepares a sandbox. Its process starts with the first invocation, or with Start.
func New(f Function) *Sandbox { return &Sandbox{function: f} }

// Close kills the process.
func (s *Sandbox) Close() { s.Kill() }

// Log returns the end of what the function's processes have written.
func (s *Sandbox) Log() string { return s.log.String() }

// Judge asks f about each response of the function; nil delivers them all.
func (s *Sandbox) Judge(f func(response []byte) Verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.judge = f
}

// Processes is how many processes were started so far.
func (s *Sandbox) Processes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.started
}

// Kill ends the process at once and waits until it is gone. The next invocation starts a new one.
func (s *Sandbox) Kill() {
	if p := s.current(); p != nil {
		p.kill()
	}
}

// Stall stops the process wherever it is, as if it got no processor time, and returns when it does
// not run any more. Its time limit ends it.
func (s *Sandbox) Stall() {
	if p := s.current(); p != nil {
		_ = freeze.Stop(p.command.Process) // a process that has ended needs no signal
	}
}

func (s *Sandbox) current() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process
}

// Start starts the process, waits until it asks for its first event, and returns how long that
// took.
func (s *Sandbox) Start(ctx context.Context) (time.Duration, error) {
	p, err := s.running()
	if err != nil {
		return 0, err
	}
	select {
	case <-p.ready:
		return p.readyAt.Sub(p.begun), nil
	case <-p.gone:
		return 0, fmt.Errorf("the runtime exited before it asked for an event:\n%s", s.Log())
	case <-time.After(initTime):
		p.kill()
		return 0, fmt.Errorf("the runtime did not ask for an event within %v", initTime)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// initTime is what Lambda grants a runtime before its first request for an event. Here it is
// longer:
// tests run on busy machines.
const initTime = 30 * time.Second

// Invoke passes one event to the function and waits for the result. A function that fails gives a
// Result with an Error; the error of Invoke means that the process could not be started.
// Invocations must not overlap.
func (s *Sandbox) Invoke(event []byte) (Result, error) {
	p, err := s.running()
	if err != nil {
		return Result{}, fmt.Errorf("start %s: %w", s.function.Path, err)
	}
	s.mu.Lock()
	s.requests++
	call := invocation{
		id:       "request-" + strconv.Itoa(s.requests),
		payload:  event,
		answered: make(chan Result, 1),
	}
	s.mu.Unlock()

	select {
	case p.invocations <- &call:
	case <-p.gone:
		return failed("Runtime.ExitError: the runtime exited before it asked for an event"), nil
	case <-time.After(initTime):
		p.kill()
		return failed("Runtime.InitTimeout: the runtime did not ask for an event"), nil
	}

	limit := time.NewTimer(s.function.Timeout + s.function.Grace)
	defer limit.Stop()
	select {
	case r := <-call.answered:
		return r, nil
	case <-p.gone:
		select { // the response may have been posted just before
		case r := <-call.answered:
			return r, nil
		default:
			return failed("Runtime.ExitError: the runtime exited without a response"), nil
		}
	case <-limit.C:
		p.kill()
		return failed("Sandbox.Timedout: task timed out after " + s.function.Timeout.String()), nil
	}
}

func failed(message string) Result { return Result{Error: message} }

// running returns the process, a new one where there is none.
func (s *Sandbox) running() (*process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		select {
		case <-s.process.gone:
		default:
			return s.process, nil
		}
	}
	p, err := s.start()
	if err != nil {
		return nil, err
	}
	s.process = p
	s.started++
	return p, nil
}

func (s *Sandbox) verdict(response []byte) Verdict {
	s.mu.Lock()
	judge := s.judge
	s.mu.Unlock()
	if judge == nil {
		return Deliver
	}
	return judge(response)
}

// CPU is the processor time that the process has used, with a resolution of 10 ms.
func (s *Sandbox) CPU() (time.Duration, error) {
	p := s.current()
	if p == nil {
		return 0, nil
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), ") ") // the name before it may hold blanks
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, fmt.Errorf("unexpected content of /proc/%d/stat: %q", p.command.Process.Pid, text)
	}
	var ticks int64
	for _, field := range fields[11:13] { // user and system time
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / 100), nil
}

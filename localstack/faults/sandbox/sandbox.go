// Package sandbox runs a function's bootstrap as Lambda does: behind the Runtime API, one invocation at a time, frozen
// between two of them, killed at its time limit and started anew for the next one. A test decides what becomes of an
// answer, and may kill the function at any moment. Only tests import it.
package sandbox

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A Function is what a sandbox runs.
type Function struct {
	Path    string        // of the bootstrap
	Env     []string      // NAME=value, beside what Lambda itself sets
	Timeout time.Duration // of one invocation
}

// A Verdict decides what becomes of the function's answer.
type Verdict int

const (
	Deliver Verdict = iota // to whoever invoked the function
	Lose                   // the function believes it was taken, nobody learns of it
	Kill                   // the function dies while it answers, nobody learns of the answer
	Hold                   // the answer never gets out, and the function waits until its time limit kills it
)

// A Result is what the one who invoked the function learns.
type Result struct {
	Payload []byte
	Error   string // type and message of a function error; empty on success
}

// A Sandbox is one execution environment.
type Sandbox struct {
	t        testing.TB
	function Function

	mu       sync.Mutex
	process  *process
	judge    func(answer []byte) Verdict
	log      tail
	started  int // processes
	requests int
}

// Start prepares a sandbox. Its process starts with the first invocation and ends with the test.
func Start(t testing.TB, f Function) *Sandbox {
	s := &Sandbox{t: t, function: f}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("the function's last words:\n%s", s.log.String())
		}
	})
	return s
}

// Judge asks f about each answer of the function; nil delivers them all.
func (s *Sandbox) Judge(f func(answer []byte) Verdict) {
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
	s.mu.Lock()
	p := s.process
	s.mu.Unlock()
	if p != nil {
		p.kill()
	}
}

// Invoke gives one event to the function and waits for what comes of it. One at a time.
func (s *Sandbox) Invoke(event any) Result {
	payload, err := json.Marshal(event)
	if err != nil {
		s.t.Errorf("encode an event: %v", err)
		return Result{Error: err.Error()}
	}
	p, err := s.running()
	if err != nil {
		s.t.Errorf("start %s: %v", s.function.Path, err)
		return Result{Error: err.Error()}
	}
	s.mu.Lock()
	s.requests++
	call := invocation{id: "request-" + strconv.Itoa(s.requests), payload: payload, answered: make(chan Result, 1)}
	s.mu.Unlock()

	const initTime = 10 * time.Second // what Lambda grants
	select {
	case p.invocations <- &call:
	case <-p.gone:
		return Result{Error: "Runtime.ExitError: the runtime exited before it asked for an event"}
	case <-time.After(initTime):
		p.kill()
		return Result{Error: "Runtime.InitTimeout: the runtime did not ask for an event"}
	}
	limit := time.NewTimer(s.function.Timeout)
	defer limit.Stop()
	select {
	case r := <-call.answered:
		return r
	case <-p.gone:
		select { // the answer may have come just before
		case r := <-call.answered:
			return r
		default:
			return Result{Error: "Runtime.ExitError: the runtime exited without an answer"}
		}
	case <-limit.C:
		p.kill()
		return Result{Error: fmt.Sprintf("Sandbox.Timedout: task timed out after %v", s.function.Timeout)}
	}
}

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

func (s *Sandbox) verdict(answer []byte) Verdict {
	s.mu.Lock()
	judge := s.judge
	s.mu.Unlock()
	if judge == nil {
		return Deliver
	}
	return judge(answer)
}

func (p *process) signal(signal syscall.Signal) { _ = p.command.Process.Signal(signal) } // gone: nothing to stop

// Stall stops the process in the middle of whatever it does, as if it got no processor any more. Its time limit ends it.
func (s *Sandbox) Stall() {
	s.mu.Lock()
	p := s.process
	s.mu.Unlock()
	if p != nil {
		p.signal(syscall.SIGSTOP)
	}
}

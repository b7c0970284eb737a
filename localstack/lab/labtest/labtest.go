// Package labtest starts the parts of the lab for a test: they end with it, and what fails to start
// fails the test. Only tests import it.
package labtest

import (
	"encoding/json"
	"net/http"
	"testing"

	"orderpipeline/localstack/lab/link"
	"orderpipeline/localstack/lab/queue"
	"orderpipeline/localstack/lab/sandbox"
	"orderpipeline/shared/archive/s3test"
)

// Queues starts a queue service without queues. Requests for other services go to other.
func Queues(t testing.TB, other http.Handler) *queue.Service {
	t.Helper()
	s, err := queue.Start(other)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // its connections end with the test in any case
	return s
}

// Bucket makes an empty bucket.
func Bucket(t testing.TB, name string) *s3test.Service {
	s := s3test.New(name)
	t.Cleanup(s.Close)
	return s
}

// Link starts a link to a server.
func Link(t testing.TB, target string) *link.Link {
	t.Helper()
	l, err := link.Start(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// A Sandbox is a sandbox that encodes its events and fails the test when it cannot be started.
type Sandbox struct {
	*sandbox.Sandbox
	t testing.TB
}

// Start prepares a sandbox. The end of the function's log is shown when the test fails.
func Start(t testing.TB, f sandbox.Function) *Sandbox {
	s := &Sandbox{sandbox.New(f), t}
	t.Cleanup(func() {
		s.Close()
		if t.Failed() {
			t.Logf("the end of the function's log:\n%s", s.Log())
		}
	})
	return s
}

// Invoke passes one event to the function as JSON and waits for the result.
func (s *Sandbox) Invoke(event any) sandbox.Result {
	payload, err := json.Marshal(event)
	if err != nil {
		s.t.Errorf("encode an event: %v", err)
		return sandbox.Result{Error: err.Error()}
	}
	result, err := s.Sandbox.Invoke(payload)
	if err != nil {
		s.t.Error(err)
		result.Error = err.Error()
	}
	return result
}

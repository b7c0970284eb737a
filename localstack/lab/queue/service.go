// Package queue is a queue service in one process with the properties of SQS that the pipeline
// relies on: visibility timeouts, receive counts, delays, redrive to a dead-letter queue, receipt
// handles that expire. Its clock is moved by its user, so an hour passes at once. Functions reach
// it over HTTP as they reach SQS; its user calls it directly.
package queue

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A Service holds queues and their clock.
type Service struct {
	server   *http.Server
	endpoint string
	done     chan struct{} // closed by Close
	other    http.Handler  // of requests that are not for SQS; nil: refused

	mu      sync.Mutex
	now     time.Time
	queues  map[string]*Queue
	made    int // messages and receipt handles
	judge   func(Call) Fault
	origins map[string]string // message id → id under which the message was first sent
}

// Attributes of a queue.
type Attributes struct {
	Visibility  time.Duration // timeout after a receive
	Delay       time.Duration // before a message that was sent is visible
	MaxReceives int           // then a message goes to DeadLetters; zero: never
	DeadLetters *Queue
	MaxBytes    int           // of body and attributes; zero: 256 KiB
	Retention   time.Duration // of a message since it was first sent; zero: for ever
	// Align rounds visibility timeouts that are set to a minute or more: they end at a multiple of it.
	Align time.Duration
}

// Start starts a service without queues. Requests for other services of AWS go to other, which may
// be nil. Close ends the service.
func Start(other http.Handler) (*Service, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Service{
		endpoint: "http://" + listener.Addr().String(),
		done:     make(chan struct{}),
		other:    other,
		queues:   map[string]*Queue{},
		origins:  map[string]string{},
		now:      time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.server.Serve(listener) }() // ends with Close
	return s, nil
}

// Close ends the service and all connections to it.
func (s *Service) Close() error {
	close(s.done)
	return s.server.Close()
}

// Endpoint is what AWS_ENDPOINT_URL takes.
func (s *Service) Endpoint() string { return s.endpoint }

// Queue makes a queue.
func (s *Service) Queue(name string, a Attributes) *Queue {
	if a.MaxBytes == 0 {
		a.MaxBytes = 256 << 10
	}
	q := &Queue{service: s, name: name, Attributes: a}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queues[name] = q
	return q
}

// Judge asks f about each call over HTTP before it is done; nil lets all pass.
func (s *Service) Judge(f func(Call) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.judge = f
}

// Advance moves the clock.
func (s *Service) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// Now reads the clock.
func (s *Service) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Origin returns the id under which a message was first sent, before any redrive.
func (s *Service) Origin(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.origins[id]
}

// A Message is a message as a receiver sees it.
type Message struct {
	ID         string
	Body       string
	Attributes map[string]string // of the message; all are strings
	Handle     string
	Receives   int
	Sent       time.Time
	Received   time.Time // for the first time
}

// A Queue is one standard queue.
type Queue struct {
	Attributes
	service  *Service
	name     string
	messages []*held // in the order in which they were sent
}

type held struct {
	Message
	visible time.Time // from then on
}

// URL is the queue's URL.
func (q *Queue) URL() string { return q.service.Endpoint() + "/000000000000/" + q.name }

// Send puts a message into the queue and returns its id.
func (q *Queue) Send(body string) string {
	q.service.mu.Lock()
	defer q.service.mu.Unlock()
	return q.add(body, nil)
}

// add needs the lock.
func (q *Queue) add(body string, attributes map[string]string) string {
	s := q.service
	s.made++
	id := fmt.Sprintf("message-%06d", s.made)
	s.origins[id] = id
	q.messages = append(q.messages, &held{
		Message: Message{ID: id, Body: body, Attributes: attributes, Sent: s.now},
		visible: s.now.Add(q.Delay),
	})
	return id
}

// Receive takes at most this number of visible messages. A message that was received MaxReceives
// times before goes to the dead-letter queue instead.
func (q *Queue) Receive(most int) []Message {
	s := q.service
	s.mu.Lock()
	defer s.mu.Unlock()
	var taken []Message
	kept := q.messages[:0]
	for _, m := range q.messages {
		switch {
		case q.Retention > 0 && s.now.Sub(m.Sent) >= q.Retention:
			continue
		case len(taken) == most || m.visible.After(s.now):
		case q.MaxReceives > 0 && m.Receives >= q.MaxReceives:
			m.Receives, m.Handle, m.visible = 0, "", s.now
			q.DeadLetters.messages = append(q.DeadLetters.messages, m)
			continue
		default:
			s.made++
			m.Receives++
			if m.Receives == 1 {
				m.Received = s.now
			}
			m.Handle = fmt.Sprintf("%s/handle-%d", m.ID, s.made)
			m.visible = s.now.Add(q.Visibility)
			taken = append(taken, m.Message)
		}
		kept = append(kept, m)
	}
	q.messages = kept
	return taken
}

// Delete removes received messages. A handle of an earlier receive, or of a message that is gone,
// does nothing, as in SQS.
func (q *Queue) Delete(handles map[string]bool) {
	q.service.mu.Lock()
	defer q.service.mu.Unlock()
	q.remove(handles)
}

// remove needs the lock.
func (q *Queue) remove(handles map[string]bool) {
	kept := q.messages[:0]
	for _, m := range q.messages {
		if m.Handle == "" || !handles[m.Handle] {
			kept = append(kept, m)
		}
	}
	q.messages = kept
}

// changeVisibility needs the lock. It returns the error code of SQS, empty on success.
func (q *Queue) changeVisibility(handle string, timeout time.Duration) string {
	id, _, _ := strings.Cut(handle, "/")
	for _, m := range q.messages {
		switch {
		case m.ID != id:
			continue
		case m.Handle != handle:
			return "ReceiptHandleIsInvalid"
		case !m.visible.After(q.service.now):
			return "MessageNotInflight"
		}
		m.visible = q.service.now.Add(timeout)
		if q.Align > 0 && timeout >= time.Minute {
			m.visible = m.visible.Round(q.Align)
		}
		return ""
	}
	return "InvalidParameterValue"
}

// Redrive moves all messages to another queue, where they are new messages with new ids. It returns
// their number.
func (q *Queue) Redrive(to *Queue) int {
	s := q.service
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(q.messages)
	for _, m := range q.messages {
		origin := s.origins[m.ID]
		s.origins[to.add(m.Body, m.Attributes)] = origin
	}
	q.messages = nil
	return n
}

// Messages returns all messages, received or not.
func (q *Queue) Messages() []Message {
	q.service.mu.Lock()
	defer q.service.mu.Unlock()
	all := make([]Message, len(q.messages))
	for i, m := range q.messages {
		all[i] = m.Message
	}
	return all
}

// Wait returns the time until a message is visible; false when there is none at all.
func (q *Queue) Wait() (time.Duration, bool) {
	q.service.mu.Lock()
	defer q.service.mu.Unlock()
	var least time.Duration
	for i, m := range q.messages {
		if wait := max(0, m.visible.Sub(q.service.now)); i == 0 || wait < least {
			least = wait
		}
	}
	return least, len(q.messages) > 0
}

// depth needs the lock.
func (q *Queue) depth() (visible, inFlight int) {
	for _, m := range q.messages {
		if m.visible.After(q.service.now) {
			inFlight++
		} else {
			visible++
		}
	}
	return visible, inFlight
}

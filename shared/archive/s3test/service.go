// Package s3test is an S3 bucket in memory for tests and benchmarks. It speaks the part of S3 that
// the pipeline uses, with path-style addresses: put, get, delete and list, and notifications to a
// queue. Its user decides for each call whether it is refused, hangs, is late or loses its
// response.
package s3test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// An Operation is what a call does.
type Operation string

const (
	Put          Operation = "PutObject"
	Get          Operation = "GetObject"
	Delete       Operation = "DeleteObject"
	List         Operation = "ListObjectsV2"
	ListVersions Operation = "ListObjectVersions" // only current versions are kept: the list is empty
)

// A Call is one call of the API, as a function made it.
type Call struct {
	Operation Operation
	Key       string // for List and ListVersions: the prefix
	Body      []byte // of a Put
}

// A Fault is what goes wrong with a call. The zero Fault: nothing.
type Fault struct {
	Status   int           // the call is refused with this HTTP status
	Code     string        // and this error code; empty: the name of the status
	Hang     bool          // no response before the caller gives up; the call is not done
	Drop     bool          // the connection ends; the call is not done
	LoseDone bool          // the call is done, and the connection ends before the response
	Delay    time.Duration // the response is late by this time
}

// An Object is one stored object.
type Object struct {
	Key     string
	Data    []byte
	Written time.Time
}

// A Service is one bucket. It is an http.Handler; its user lets a server call it.
type Service struct {
	Name string

	done     chan struct{} // closed by Close
	pageSize int           // of a list

	mu      sync.Mutex
	objects map[string]Object
	judge   func(Call) Fault
	notify  []notification
	puts    int
}

type notification struct {
	prefix string
	send   func(body string)
}

// New makes an empty bucket.
func New(name string) *Service {
	return &Service{
		Name:     name,
		done:     make(chan struct{}),
		pageSize: 1000,
		objects:  map[string]Object{},
	}
}

// Close ends the calls that hang.
func (s *Service) Close() { close(s.done) }

// Judge asks f about each call before it is done; nil lets all pass.
func (s *Service) Judge(f func(Call) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.judge = f
}

// Notify passes an S3 notification about each object below prefix that is created to send.
func (s *Service) Notify(prefix string, send func(body string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notify = append(s.notify, notification{prefix, send})
}

// Objects returns the objects below a prefix in the order of their keys.
func (s *Service) Objects(prefix string) []Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Object
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		if strings.HasPrefix(key, prefix) {
			found = append(found, s.objects[key])
		}
	}
	return found
}

// Keys returns all keys in their order.
func (s *Service) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.objects))
}

// Content returns the content of an object; nil when there is none.
func (s *Service) Content(key string) []byte {
	object, _ := s.get(key)
	return bytes.Clone(object.Data)
}

// Puts is how many objects were written, overwritten ones included.
func (s *Service) Puts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.puts
}

// Write stores an object as PutObject does, and sends its notification.
func (s *Service) Write(key string, data []byte) {
	s.mu.Lock()
	s.puts++
	s.objects[key] = Object{Key: key, Data: bytes.Clone(data), Written: time.Now()}
	notify := slices.Clone(s.notify)
	s.mu.Unlock()
	for _, n := range notify {
		if strings.HasPrefix(key, n.prefix) {
			n.send(s.notification(key, len(data)))
		}
	}
}

// Delete removes an object.
func (s *Service) Delete(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, key)
}

// notification is the body of S3's message about a created object.
func (s *Service) notification(key string, size int) string {
	body, err := json.Marshal(map[string]any{"Records": []any{map[string]any{
		"eventVersion": "2.1",
		"eventSource":  "aws:s3",
		"awsRegion":    "us-east-1",
		"eventTime":    time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		"eventName":    "ObjectCreated:Put",
		"s3": map[string]any{
			"s3SchemaVersion": "1.0",
			"bucket":          map[string]any{"name": s.Name, "arn": "arn:aws:s3:::" + s.Name},
			// S3 encodes the key as a form does.
			"object": map[string]any{"key": url.QueryEscape(key), "size": size},
		},
	}}})
	if err != nil {
		panic(fmt.Sprintf("strings and numbers that JSON cannot hold: %v", err))
	}
	return string(body)
}

// TestEvent is the message that S3 sends when a notification is configured.
func (s *Service) TestEvent() string {
	return `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-01-01T00:00:00.000Z",` +
		`"Bucket":"` + s.Name + `","RequestId":"5582815E1AEA5ADF",` +
		`"HostId":"8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3e"}`
}

// fault asks the judge.
func (s *Service) fault(call Call) Fault {
	s.mu.Lock()
	judge := s.judge
	s.mu.Unlock()
	if judge == nil {
		return Fault{}
	}
	return judge(call)
}

func (s *Service) get(key string) (Object, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	object, found := s.objects[key]
	return object, found
}

// wait returns after d, or earlier when the caller or the bucket went away. A d of 0 has no end.
func (s *Service) wait(r *http.Request, d time.Duration) {
	var timer <-chan time.Time
	if d > 0 {
		timer = time.After(d)
	}
	select {
	case <-timer:
	case <-r.Context().Done():
	case <-s.done:
	}
}

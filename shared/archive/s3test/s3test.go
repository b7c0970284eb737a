// Package s3test is an S3 for tests: a server that keeps objects in memory and can be told to fail.
// It knows what the archive uses, with path-style addresses: PutObject, GetObject, DeleteObject and
// ListObjectsV2.
package s3test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// A Server is a fake S3 on a port of 127.0.0.1.
type Server struct {
	*httptest.Server
	mu      sync.Mutex
	objects map[string]object // by bucket/key
	before  func(*http.Request) Fault
	puts    int
}

type object struct {
	content  []byte
	modified time.Time
}

// A Fault says how the server treats a request. The zero Fault is none.
type Fault struct {
	Status     int           // answer with this error instead of doing what was asked
	Delay      time.Duration // wait first, or until the client is gone
	LoseAnswer bool          // do what was asked, and then close the connection without an answer
}

// pageSize is how many keys a page of ListObjectsV2 has. It is small so that tests meet several
// pages.
const pageSize = 3

// Start starts a server. The caller closes it.
func Start() *Server {
	s := &Server{objects: map[string]object{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	return s
}

// Config is an AWS configuration with which a client reaches the server.
func (s *Server) Config() aws.Config {
	return aws.Config{
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("id", "key", ""),
		BaseEndpoint: &s.URL,
	}
}

// Before sets a function that is asked before each request; nil removes it.
func (s *Server) Before(fault func(*http.Request) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = fault
}

// Keys lists the keys of a bucket, sorted.
func (s *Server) Keys(bucket string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	for path := range s.objects {
		if key, ok := strings.CutPrefix(path, bucket+"/"); ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// Object returns the content of an object; nil when there is none.
func (s *Server) Object(bucket, key string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.objects[bucket+"/"+key].content)
}

// Store stores an object.
func (s *Server) Store(bucket, key string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[bucket+"/"+key] = object{slices.Clone(content), time.Now()}
}

// Puts is how many PutObject requests were carried out.
func (s *Server) Puts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.puts
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	var fault Fault
	s.mu.Lock()
	before := s.before
	s.mu.Unlock()
	if before != nil {
		fault = before(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if fault.Delay > 0 {
		select {
		case <-time.After(fault.Delay):
		case <-r.Context().Done():
			return
		}
	}
	if fault.Status != 0 {
		refuse(w, fault.Status, http.StatusText(fault.Status))
		return
	}
	if fault.LoseAnswer {
		s.answer(httptest.NewRecorder(), r, body)
		panic(http.ErrAbortHandler) // closes the connection
	}
	s.answer(w, r, body)
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/")
	switch {
	case r.Method == http.MethodPut:
		s.puts++
		s.objects[path] = object{body, time.Now()}
		w.Header().Set("ETag", `"etag"`)
	case r.Method == http.MethodDelete:
		delete(s.objects, path)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodGet && r.URL.Query().Has("versions"):
		w.Header().Set("Content-Type", "application/xml") // only the current versions are kept
		_, _ = fmt.Fprint(w, "<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>")
	case r.Method == http.MethodGet && r.URL.Query().Get("list-type") == "2":
		s.list(w, r, strings.TrimSuffix(path, "/"))
	case r.Method == http.MethodGet:
		found, ok := s.objects[path]
		if !ok {
			refuse(w, http.StatusNotFound, "NoSuchKey")
			return
		}
		http.ServeContent(w, r, "", found.modified, bytes.NewReader(found.content))
	default:
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed")
	}
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, bucket string) {
	type entry struct {
		Key, LastModified string
		Size              int
	}
	result := struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
		Contents              []entry
	}{}
	query := r.URL.Query()
	after := max(query.Get("start-after"), query.Get("continuation-token"))
	for _, path := range slices.Sorted(maps.Keys(s.objects)) {
		key, ok := strings.CutPrefix(path, bucket+"/")
		if !ok || !strings.HasPrefix(key, query.Get("prefix")) || key <= after {
			continue
		}
		if len(result.Contents) == pageSize {
			result.IsTruncated = true
			result.NextContinuationToken = result.Contents[pageSize-1].Key
			break
		}
		found := s.objects[path]
		result.Contents = append(result.Contents,
			entry{key, found.modified.UTC().Format(time.RFC3339), len(found.content)})
	}
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(result) // the client sees a broken answer
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, code)
}

package s3test

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ServeHTTP speaks S3's REST protocol with path-style addresses.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if bucket != s.Name {
		refuse(w, http.StatusNotFound, "NoSuchBucket")
		return
	}
	call := Call{Key: key}
	switch {
	case r.Method == http.MethodPut && key != "":
		call.Operation = Put
		body, err := io.ReadAll(r.Body)
		if err != nil {
			refuse(w, http.StatusBadRequest, "IncompleteBody")
			return
		}
		call.Body = body
	case r.Method == http.MethodGet && key != "":
		call.Operation = Get
	case r.Method == http.MethodDelete && key != "":
		call.Operation = Delete
	case r.Method == http.MethodGet && r.URL.Query().Get("list-type") == "2":
		call.Operation, call.Key = List, r.URL.Query().Get("prefix")
	case r.Method == http.MethodGet && r.URL.Query().Has("versions"):
		call.Operation, call.Key = ListVersions, r.URL.Query().Get("prefix")
	default:
		refuse(w, http.StatusNotImplemented, "NotImplemented")
		return
	}

	fault := s.fault(call)
	switch {
	case fault.Hang:
		s.wait(r, 0)
		return
	case fault.Drop:
		panic(http.ErrAbortHandler)
	case fault.Status != 0:
		refuse(w, fault.Status, cmp.Or(fault.Code, http.StatusText(fault.Status)))
		return
	case fault.LoseDone:
		s.do(discard{}, r, call)
		panic(http.ErrAbortHandler)
	case fault.Delay > 0:
		// The caller may give up in this time: the call is done all the same, as S3 would do it.
		s.wait(r, fault.Delay)
	}
	s.do(w, r, call)
}

// discard is a response that no one receives.
type discard struct{}

func (discard) Header() http.Header            { return http.Header{} }
func (discard) Write(data []byte) (int, error) { return len(data), nil }
func (discard) WriteHeader(int)                {}

func (s *Service) do(w http.ResponseWriter, r *http.Request, call Call) {
	switch call.Operation {
	case Put:
		s.Write(call.Key, call.Body)
		w.Header().Set("ETag", etag(call.Body))
	case Get:
		object, found := s.get(call.Key)
		if !found {
			refuse(w, http.StatusNotFound, "NoSuchKey")
			return
		}
		w.Header().Set("ETag", etag(object.Data))
		w.Header().Set("Last-Modified", object.Written.UTC().Format(http.TimeFormat))
		w.Header().Set("Content-Length", strconv.Itoa(len(object.Data)))
		_, _ = w.Write(object.Data) // a caller that went away reads it again
	case Delete:
		s.Delete(call.Key)
		w.WriteHeader(http.StatusNoContent)
	case List:
		s.list(w, r)
	case ListVersions:
		w.Header().Set("Content-Type", "application/xml")
		fmt.Fprint(w, "<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>")
	}
}

type listing struct {
	XMLName  xml.Name `xml:"ListBucketResult"`
	Name     string
	Prefix   string
	KeyCount int
	Contents []entry

	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
}

type entry struct {
	Key          string
	LastModified string
	ETag         string
	Size         int
}

// list answers ListObjectsV2. The continuation token is the last key of the page before.
func (s *Service) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	page := listing{Name: s.Name, Prefix: query.Get("prefix")}
	after := max(query.Get("start-after"), query.Get("continuation-token"))
	for _, object := range s.Objects(page.Prefix) {
		if object.Key <= after {
			continue
		}
		if n := len(page.Contents); n == s.pageSize {
			page.IsTruncated = true
			page.NextContinuationToken = page.Contents[n-1].Key
			break
		}
		page.Contents = append(page.Contents, entry{
			Key:          object.Key,
			LastModified: object.Written.UTC().Format(time.RFC3339),
			ETag:         etag(object.Data),
			Size:         len(object.Data),
		})
	}
	page.KeyCount = len(page.Contents)
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(page) // a caller that went away asks again
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>refused by the test</Message></Error>", code)
}

func etag(data []byte) string {
	sum := md5.Sum(data)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

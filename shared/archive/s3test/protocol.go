package s3test

import (
	"bufio"
	"bytes"
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
		body, err := readBody(r)
		if err != nil {
			refuse(w, http.StatusBadRequest, "IncompleteBody")
			return
		}
		call.Body = body
	case r.Method == http.MethodGet && key != "":
		call.Operation = Get
	case r.Method == http.MethodHead && key != "":
		call.Operation = Head
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
		if _, found := s.get(call.Key); found && r.Header.Get("If-None-Match") == "*" {
			refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
			return
		}
		s.Write(call.Key, call.Body)
		w.Header().Set("ETag", etag(call.Body))
	case Get, Head:
		object, found := s.get(call.Key)
		if !found {
			refuse(w, http.StatusNotFound, "NoSuchKey")
			return
		}
		w.Header().Set("ETag", etag(object.Data))
		w.Header().Set("Last-Modified", object.Written.UTC().Format(http.TimeFormat))
		w.Header().Set("Content-Length", strconv.Itoa(len(object.Data)))
		if call.Operation == Get {
			_, _ = w.Write(object.Data) // a caller that went away reads it again
		}
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
	NextContinuationToken string  `xml:",omitempty"`
	CommonPrefixes        []group `xml:",omitempty"`
}

type entry struct {
	Key          string
	LastModified string
	ETag         string
	Size         int
}

type group struct{ Prefix string }

// list answers ListObjectsV2. The continuation token is the last key of the page before.
func (s *Service) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	most := s.pageSize
	if n, err := strconv.Atoi(query.Get("max-keys")); err == nil {
		most = min(most, n)
	}
	page := listing{Name: s.Name, Prefix: query.Get("prefix")}
	after := max(query.Get("start-after"), query.Get("continuation-token"))
	delimiter := query.Get("delimiter")
	for _, object := range s.Objects(page.Prefix) {
		if object.Key <= after {
			continue
		}
		if rest := object.Key[len(page.Prefix):]; delimiter != "" && strings.Contains(rest, delimiter) {
			folder, _, _ := strings.Cut(rest, delimiter)
			prefix := page.Prefix + folder + delimiter
			if n := len(page.CommonPrefixes); n == 0 || page.CommonPrefixes[n-1].Prefix != prefix {
				page.CommonPrefixes = append(page.CommonPrefixes, group{prefix})
			}
			continue
		}
		if len(page.Contents) == most {
			page.IsTruncated = true
			page.NextContinuationToken = page.Contents[most-1].Key
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

// readBody reads the body of a put, which SDKs may send in aws-chunked encoding: chunks, each
// behind its length in hexadecimal, and trailers with a checksum.
func readBody(r *http.Request) ([]byte, error) {
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return io.ReadAll(r.Body)
	}
	body := bufio.NewReader(r.Body)
	var data bytes.Buffer
	for {
		line, err := body.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("read the length of a chunk: %w", err)
		}
		length, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		n, err := strconv.ParseInt(length, 16, 64)
		if err != nil {
			return nil, fmt.Errorf("read the length of a chunk: %w", err)
		}
		if n == 0 {
			_, err := io.Copy(io.Discard, body)
			return data.Bytes(), err
		}
		if _, err := io.CopyN(&data, body, n); err != nil {
			return nil, fmt.Errorf("read a chunk: %w", err)
		}
		if _, err := body.Discard(len("\r\n")); err != nil {
			return nil, fmt.Errorf("read the end of a chunk: %w", err)
		}
	}
}

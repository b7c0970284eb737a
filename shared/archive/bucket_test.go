package archive_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/archive"
	"orderpipeline/shared/archive/s3test"
)

func start(t *testing.T) (*s3test.Server, *archive.Bucket) {
	t.Helper()
	server := s3test.Start("bucket")
	t.Cleanup(server.Close)
	return server, archive.NewBucket(server.Config(), "bucket")
}

func TestAnObjectIsReadAsItWasPut(t *testing.T) {
	t.Parallel()
	server, bucket := start(t)
	key := archive.Key(time.Now(), 1)
	if err := bucket.Put(t.Context(), key, []byte("content")); err != nil {
		t.Fatal(err)
	}
	if got := string(server.Content(key)); got != "content" {
		t.Errorf("stored %q", got)
	}
	body, err := bucket.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	got, err := io.ReadAll(body)
	if err != nil || string(got) != "content" {
		t.Errorf("read %q, error %v", got, err)
	}
}

func TestAMissingObjectIsNotFound(t *testing.T) {
	t.Parallel()
	_, bucket := start(t)
	if _, err := bucket.Open(t.Context(), "nothing"); !errors.Is(err, archive.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	server, bucket := start(t)
	var want []string
	for i := range 8 {
		key := fmt.Sprintf("messages/v1/%d", i)
		server.Write(key, make([]byte, i))
		want = append(want, key)
	}
	server.Write("imports/v1/0", nil)

	var got []string
	for object, err := range bucket.List(t.Context(), archive.MessagesPrefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		if object.Size != int64(len(got)) || object.Modified.IsZero() {
			t.Errorf("%+v, want the size %d and a time", object, len(got))
		}
		got = append(got, object.Key)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("all keys (-want +got):\n%s", diff)
	}

	got = nil
	for object, err := range bucket.List(t.Context(), archive.MessagesPrefix, want[1]) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, object.Key)
		if len(got) == 4 {
			break
		}
	}
	if diff := cmp.Diff(want[2:6], got); diff != "" {
		t.Errorf("four keys after %s (-want +got):\n%s", want[1], diff)
	}
}

func TestListFails(t *testing.T) {
	t.Parallel()
	server, bucket := start(t)
	server.Judge(
		func(s3test.Call) s3test.Fault { return s3test.Fault{Status: http.StatusForbidden} },
	)
	found := 0
	var failed error
	for _, err := range bucket.List(t.Context(), "", "") {
		found++
		failed = err
	}
	if found != 1 || failed == nil {
		t.Errorf("%d entries, error %v; want the error alone", found, failed)
	}
}

// A put is idempotent, so it is repeated when its answer is an error of the server or is lost.
func TestAPutIsRepeated(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]s3test.Fault{
		"server error": {Status: http.StatusInternalServerError},
		"throttled":    {Status: http.StatusServiceUnavailable},
		"answer lost":  {LoseDone: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, bucket := start(t)
			var asked atomic.Int64
			server.Judge(func(s3test.Call) s3test.Fault {
				if asked.Add(1) == 1 {
					return fault
				}
				return s3test.Fault{}
			})
			if err := bucket.Put(t.Context(), "key", []byte("content")); err != nil {
				t.Errorf("error %v", err)
			}
			if got := string(server.Content("key")); got != "content" {
				t.Errorf("stored %q", got)
			}
		})
	}
}

func TestAPutEndsWithItsContext(t *testing.T) {
	t.Parallel()
	server, bucket := start(t)
	server.Judge(func(s3test.Call) s3test.Fault { return s3test.Fault{Hang: true} })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := bucket.Put(ctx, "key", []byte("content")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that of the context", err)
	}
}

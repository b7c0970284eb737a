package archive

import (
	"sync/atomic"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"orderpipeline/shared/archive/s3test"
)

// A put that hangs is given up and repeated, so that one lost connection does not fail a batch.
func TestAPutThatHangsIsRepeated(t *testing.T) {
	t.Parallel()
	server := s3test.Start("bucket")
	t.Cleanup(server.Close)
	var asked atomic.Int64
	server.Judge(func(s3test.Call) s3test.Fault {
		if asked.Add(1) == 1 {
			return s3test.Fault{Hang: true}
		}
		return s3test.Fault{}
	})
	bucket := NewBucket(server.Config(), "bucket")
	bucket.puts = awshttp.NewBuildableClient().WithTimeout(2 * time.Second) // instead of putLimit

	if err := bucket.Put(t.Context(), "key", []byte("content")); err != nil {
		t.Fatal(err)
	}

	if got := string(server.Content("key")); got != "content" || asked.Load() < 2 {
		t.Errorf("stored %q after %d attempts", got, asked.Load())
	}
}

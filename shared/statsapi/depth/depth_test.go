package depth_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/statsapi/answer"
	"orderpipeline/shared/statsapi/depth"
)

// sqsServer answers for two queues: orders, and a dead-letter queue that cannot be read. It counts
// the requests.
func sqsServer(t *testing.T) (url string, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		var question struct {
			URL string `json:"QueueUrl"`
		}
		if err := json.NewDecoder(r.Body).Decode(&question); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		if strings.HasSuffix(question.URL, "dlq") {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(`{"Attributes":{
			"ApproximateNumberOfMessages":"5",
			"ApproximateNumberOfMessagesNotVisible":"2",
			"ApproximateNumberOfMessagesDelayed":"1"}}`))
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

func TestOneQueueThatFailsCostsOnlyItsOwnDepth(t *testing.T) {
	t.Parallel()
	url, requests := sqsServer(t)
	client := sqs.New(sqs.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(url),
		Credentials:  credentials.NewStaticCredentialsProvider("id", "key", ""),
		Retryer:      aws.NopRetryer{},
	})
	queues := depth.Queues{Client: client, URLs: map[string]string{
		"orders": url + "/0/orders", "orders-dlq": url + "/0/dlq",
	}}

	got, err := queues.Depths(t.Context())
	want := []answer.Queue{{Queue: "orders", Depth: answer.Depth{Visible: 5, InFlight: 2, Delayed: 1}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("depths (-want +got):\n%s", diff)
	}
	if err == nil || !strings.Contains(err.Error(), "orders-dlq") {
		t.Errorf("error %v, want one that names the queue", err)
	}
	if requests.Load() != 2 {
		t.Errorf("%d requests for two queues", requests.Load())
	}
}

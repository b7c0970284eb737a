package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/config"
	"orderpipeline/shared/statsapi"
)

// A queue that can't be asked costs one question, and not the depth of the others.
func TestDepths(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
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
		_, _ = w.Write([]byte(`{"Attributes":{"ApproximateNumberOfMessages":"5","ApproximateNumberOfMessagesNotVisible":"2","ApproximateNumberOfMessagesDelayed":"1"}}`))
	}))
	defer server.Close()
	cloud := config.Cloud(func(name string) (string, bool) {
		value, found := map[string]string{
			"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key", "AWS_ENDPOINT_URL": server.URL,
		}[name]
		return value, found
	})
	q := queues{sqs.NewFromConfig(cloud, once), map[string]string{"orders": server.URL + "/0/orders", "orders-dlq": server.URL + "/0/dlq"}}
	got, err := q.Depths(t.Context())
	want := []statsapi.QueueDepth{{Queue: "orders", Visible: 5, InFlight: 2, Delayed: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("depths (-want +got):\n%s", diff)
	}
	if err == nil || !strings.Contains(err.Error(), "orders-dlq") {
		t.Errorf("error %v, want one that names the queue", err)
	}
	if asked.Load() != 2 {
		t.Errorf("%d questions for two queues", asked.Load())
	}
}

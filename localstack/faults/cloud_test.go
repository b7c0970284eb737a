package faults

import (
	"testing"

	"orderpipeline/localstack/lab/bucket"
	"orderpipeline/localstack/lab/labtest"
	"orderpipeline/localstack/lab/queue"
)

// A cloud is what the functions use of AWS, with the settings of the template: the queues and the
// bucket of the archive.
type cloud struct {
	*queue.Service
	orders   *queue.Queue
	dlq      *queue.Queue
	rejected *queue.Queue
	bucket   *bucket.Service
}

func newCloud(t testing.TB) cloud {
	t.Helper()
	attributes := func(logicalID string, deadLetters *queue.Queue) queue.Attributes {
		a, err := template.Queue(logicalID)
		if err != nil {
			t.Fatal(err)
		}
		a.DeadLetters = deadLetters
		return a
	}
	c := cloud{bucket: labtest.Bucket(t, "archive")}
	c.Service = labtest.Queues(t, c.bucket)
	c.rejected = c.Queue("orders-rejected", attributes("RejectedQueue", nil))
	c.dlq = c.Queue("orders-dlq", attributes("OrdersDlq", nil))
	c.orders = c.Queue("orders", attributes("OrdersQueue", c.dlq))
	return c
}

// environment is what the functions need to find the cloud.
func (c cloud) environment() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + c.Endpoint(),
		"ORDERS_QUEUE_URL=" + c.orders.URL(),
		"REJECTED_QUEUE_URL=" + c.rejected.URL(),
		"DLQ_QUEUE_URL=" + c.dlq.URL(),
		"ARCHIVE_BUCKET=" + c.bucket.Name,
	}
}

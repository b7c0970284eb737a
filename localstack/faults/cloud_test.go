package faults

import (
	"strconv"
	"testing"

	"orderpipeline/localstack/lab/labtest"
	"orderpipeline/localstack/lab/queue"
	"orderpipeline/shared/archive/s3test"
)

// A cloud is what the functions use of AWS, with the settings of the template: the queues and the
// bucket of the archive, whose notifications go to the replay queue.
type cloud struct {
	*queue.Service
	orders    *queue.Queue
	dlq       *queue.Queue
	rejected  *queue.Queue
	replay    *queue.Queue
	replayDLQ *queue.Queue
	bucket    *s3test.Service
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
	c.replayDLQ = c.Queue("orders-replay-dlq", attributes("ReplayDlq", nil))
	c.replay = c.Queue("orders-replay", attributes("ReplayQueue", c.replayDLQ))
	c.replay.Send(c.bucket.TestEvent())
	c.bucket.Notify("messages/", func(body string) { c.replay.Send(body) })
	return c
}

// environment is what the functions need to find the cloud.
func (c cloud) environment() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + c.Endpoint(),
		"ORDERS_QUEUE_URL=" + c.orders.URL(),
		"REJECTED_QUEUE_URL=" + c.rejected.URL(),
		"DLQ_QUEUE_URL=" + c.dlq.URL(),
		"REPLAY_QUEUE_URL=" + c.replay.URL(),
		"REPLAY_DLQ_URL=" + c.replayDLQ.URL(),
		"ARCHIVE_BUCKET=" + c.bucket.Name,
		"ORDERS_MAX_RECEIVES=" + strconv.Itoa(c.orders.MaxReceives),
		"REPLAY_MAX_RECEIVES=" + strconv.Itoa(c.replay.MaxReceives),
	}
}

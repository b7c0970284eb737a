package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// patience is how long a test waits for what must happen. It usually takes about a second.
const patience = 60 * time.Second

type item struct {
	ProductID    string      `json:"product_id"`
	Quantity     int         `json:"quantity"`
	PricePerUnit json.Number `json:"price_per_unit"`
}

type order struct {
	OrderID   string      `json:"order_id"`
	UserID    string      `json:"user_id"`
	Timestamp string      `json:"order_timestamp"`
	Value     json.Number `json:"order_value,omitempty"`
	Items     []item      `json:"items"`
}

// newOrder is worth 40.00 and says so.
func newOrder(orderID, userID string) order {
	return order{
		OrderID: orderID, UserID: userID, Timestamp: "2024-12-13T10:00:00Z", Value: "40",
		Items: []item{{ProductID: "P001", Quantity: 2, PricePerUnit: "20.0"}},
	}
}

func (o order) body(t *testing.T) string {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// send puts a message into the queue of orders, and returns its id.
func send(ctx context.Context, body string) (string, error) {
	sent, err := queues.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl:    aws.String(pipeline.Outputs["OrdersQueueUrl"]),
		MessageBody: aws.String(body),
	})
	if err != nil {
		return "", err
	}
	return *sent.MessageId, nil
}

func mustSend(t *testing.T, body string) string {
	t.Helper()
	id, err := send(t.Context(), body)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// get asks the API, and returns the status and the body without the newline at its end.
func get(t *testing.T, path string) (int, string) {
	t.Helper()
	status, body, _ := fetch(t, pipeline.Outputs["ApiUrl"]+path, "")
	return status, body
}

// read asks the API until it answers 200, and returns the body. A 503 says that Redis did not
// answer in a second, which a busy machine makes true now and then, and to ask again.
func read(t *testing.T, path string) string {
	t.Helper()
	return readFrom(t, pipeline.Outputs["ApiUrl"], path)
}

func readFrom(t *testing.T, api, path string) (body string) {
	t.Helper()
	eventually(t, func() error {
		var status int
		if status, body, _ = fetch(t, api+path, ""); status != http.StatusOK {
			return fmt.Errorf("GET %s answered %d %s", path, status, body)
		}
		return nil
	})
	return body
}

func fetch(t *testing.T, url, host string) (int, string, http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	return do(t, request)
}

// do sends a request. The body comes without its end of line.
func do(t *testing.T, request *http.Request) (int, string, http.Header) {
	t.Helper()
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, strings.TrimSuffix(string(body), "\n"), answer.Header
}

// eventually repeats the check until it returns nil, and fails the test with its last error when
// patience runs out.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	eventuallyWith(t, func() (int, error) { return 0, check() })
}

// eventuallyWith does the same for a check that also returns how far things are: patience begins
// again whenever that changes.
func eventuallyWith(t *testing.T, check func() (progress int, err error)) {
	t.Helper()
	before := 0
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		progress, err := check()
		if err == nil {
			return
		}
		if progress != before {
			before = progress
			deadline.Reset(patience)
		}
		select {
		case <-ticker.C:
		case <-deadline.C:
			t.Fatalf("not within %s: %v", patience, err)
		}
	}
}

// wantAnswer waits until the API answers 200 with exactly this.
func wantAnswer(t *testing.T, path, want string) {
	t.Helper()
	eventually(t, func() error {
		if status, body := get(t, path); status != http.StatusOK || body != want {
			return fmt.Errorf("GET %s answered %d %s; want 200 %s", path, status, body, want)
		}
		return nil
	})
}

func wantUser(t *testing.T, id string, orders int, spend string) {
	t.Helper()
	wantAnswer(
		t,
		"/users/"+id+"/stats",
		fmt.Sprintf(`{"user_id":%q,"order_count":%d,"total_spend":%s}`, id, orders, spend),
	)
}

// counts are the totals of what happened to messages, as /metrics shows them.
type counts struct{ recorded, duplicate, refused int }

func (c counts) minus(d counts) counts {
	return counts{c.recorded - d.recorded, c.duplicate - d.duplicate, c.refused - d.refused}
}

func messages(t *testing.T) counts {
	t.Helper()
	var body string
	eventually(t, func() error { // without an answer of Redis the counts are left out
		body = read(t, "/metrics")
		if !strings.Contains(body, "\norders_redis_up 1") {
			return fmt.Errorf("GET /metrics answered without counts: %s", body)
		}
		return nil
	})
	var c counts
	for line := range strings.Lines(body) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			continue // a comment
		}
		switch {
		case name == `orders_messages_total{outcome="recorded"}`:
			c.recorded = int(n)
		case name == `orders_messages_total{outcome="duplicate"}`:
			c.duplicate = int(n)
		case strings.HasPrefix(name, "orders_messages_refused_total{"):
			c.refused += int(n)
		}
	}
	return c
}

// wantCounts waits until, since before, exactly these things have happened to messages.
func wantCounts(t *testing.T, before, want counts) {
	t.Helper()
	eventuallyWith(t, func() (int, error) {
		got := messages(t).minus(before)
		if got != want {
			return got.recorded + got.duplicate + got.refused,
				fmt.Errorf("messages: %+v; want %+v", got, want)
		}
		return 0, nil
	})
}

// rejected waits for the refused message that came from the message with this id, and takes it off
// the queue.
func rejected(t *testing.T, sourceID string) types.Message {
	t.Helper()
	url := aws.String(pipeline.Outputs["RejectedQueueUrl"])
	var found types.Message
	eventually(t, func() error {
		got, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: 0,
			MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			return err
		}
		for _, m := range got.Messages {
			if attribute(m, "source_message_id") == sourceID {
				found = m
				_, err := queues.DeleteMessage(
					t.Context(), &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle},
				)
				return err
			}
		}
		return fmt.Errorf("no refused message with source_message_id %s", sourceID)
	})
	return found
}

func attribute(m types.Message, name string) string {
	return aws.ToString(m.MessageAttributes[name].StringValue)
}

package restore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/pause"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/archive"
	"orderpipeline/shared/archive/s3test"
	"orderpipeline/shared/order"
	"orderpipeline/shared/replay/protocol"
	"orderpipeline/shared/statsapi/answer"
)

const (
	testBucket = "archive"
	testStack  = "order-pipeline"
)

// A cloud is a deployment in memory: the archive's bucket, the replay function with a store, the
// event source mappings, and the API that shows the store.
type cloud struct {
	t   testing.TB
	s3  *s3test.Server
	web *httptest.Server

	mu       sync.Mutex
	orders   map[string]order.Order // the store, by order id
	wrong    func(*answer.Overview) // changes what the API says
	replays  []string               // kind and key of each, in their order
	begins   int
	mappings map[string]bool // whether each is enabled
	stops    int             // of mappings
	fail     func(kind, key string) error
	inFlight int
	dead     int // messages in the dead-letter queue
	archived int
	deleted  string                        // the name of a queue that does not exist
	log      []map[string]any              // events of each function
	waiting  map[string][]sqstypes.Message // by queue
}

func newCloud(t testing.TB) *cloud {
	t.Helper()
	c := &cloud{
		t: t, s3: s3test.Start(testBucket), orders: map[string]order.Order{},
		mappings: map[string]bool{"orders-mapping": true, "replay-mapping": true},
		wrong:    func(*answer.Overview) {},
		fail:     func(string, string) error { return nil },
	}
	t.Cleanup(c.s3.Close)
	c.web = httptest.NewServer(c)
	t.Cleanup(c.web.Close)
	return c
}

// open returns a store that works on the cloud, and its two outputs.
func (c *cloud) open() (s *store, out, errOut *bytes.Buffer) {
	out, errOut = new(bytes.Buffer), new(bytes.Buffer)
	env := &session.Env{
		Console: console.New(strings.NewReader(""), out, errOut, func(string) string { return "" }),
		Getenv:  func(string) string { return "" },
	}
	env.Yes = true
	cloudConfig := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(c.web.URL),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	functions := lambda.NewFromConfig(cloudConfig)
	sess := &session.Session{
		Env:    env,
		Target: &session.Target{AWS: cloudConfig, Local: true, Stack: testStack, Endpoint: c.web.URL},
		Outputs: map[string]string{
			"ArchiveBucketName":    testBucket,
			"ReplayFunctionName":   "replay",
			"OrdersFunctionName":   "orders",
			"EventSourceMappingId": "orders-mapping",
			"ReplayMappingId":      "replay-mapping",
			"ReplayQueueUrl":       "http://sqs/orders-replay",
		},
		API:    &api.Client{Base: c.web.URL, HTTP: http.DefaultClient},
		Lambda: functions,
	}
	for name, q := range map[string]*queue.Queue{
		"orders": &sess.Orders, "orders-dlq": &sess.DLQ, "orders-rejected": &sess.Rejected,
	} {
		*q = queue.Queue{Service: depths{c: c}, URL: "http://sqs/" + name}
	}
	return &store{
		Session:  sess,
		bucket:   archive.NewBucket(c.s3.Config(), testBucket),
		notes:    pause.NotesIn(c.s3.Config(), testBucket),
		replayer: replayer{invoker: c, function: "replay"},
	}, out, errOut
}

// depths is an SQS that knows how many messages its queues have.
type depths struct {
	queue.Service
	c *cloud
}

func (d depths) GetQueueAttributes(
	_ context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options),
) (*sqs.GetQueueAttributesOutput, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	if d.c.deleted != "" && strings.HasSuffix(*in.QueueUrl, "/"+d.c.deleted) {
		return nil, &sqstypes.QueueDoesNotExist{}
	}
	visible := 0
	if strings.HasSuffix(*in.QueueUrl, "-dlq") {
		visible = d.c.dead
	}
	inFlight := d.c.inFlight
	if inFlight > 0 {
		d.c.inFlight--
	}
	return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{
		"ApproximateNumberOfMessages":           strconv.Itoa(visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(inFlight),
		"ApproximateNumberOfMessagesDelayed":    "0",
	}}, nil
}

// ReceiveMessage hands out all messages once.
func (d depths) ReceiveMessage(
	_ context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options),
) (*sqs.ReceiveMessageOutput, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	name := strings.TrimPrefix(*in.QueueUrl, "http://sqs/")
	messages := d.c.waiting[name]
	delete(d.c.waiting, name)
	return &sqs.ReceiveMessageOutput{Messages: messages}, nil
}

func (d depths) ChangeMessageVisibilityBatch(
	context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options),
) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

// newOrder makes an order and its message.
func newOrder(id, user, day string, cents order.Cents) (o order.Order, body string) {
	placed, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	body = fmt.Sprintf(
		`{"order_id":%q,"user_id":%q,"order_timestamp":%q,`+
			`"items":[{"product_id":"P","quantity":1,"price_per_unit":%s}]}`,
		id,
		user,
		day,
		cents,
	)
	return order.Order{ID: id, UserID: user, Placed: placed, Value: cents}, body
}

// archive stores one object of the order function, and counts its orders unless they are lost.
func (c *cloud) archive(lost bool, orders ...order.Order) (key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.archived++
	key = archive.Key(time.Date(2026, 3, 1, 10, 0, c.archived, 0, time.UTC), uint64(c.archived))
	var lines []archive.Line
	for _, o := range orders {
		_, body := newOrder(o.ID, o.UserID, o.Placed.Format(time.DateOnly), o.Value)
		lines = append(lines, archive.Line{
			MessageID: "m-" + o.ID,
			SentAt:    time.Unix(1, 0),
			Outcome:   archive.Recorded,
			Order:     o,
			Body:      body,
		})
		if !lost {
			c.orders[o.ID] = o
		}
	}
	c.s3.Write(key, archive.Encode(lines...))
	return key
}

// several archives n orders of three customers in objects of five.
func (c *cloud) several(n int) {
	var batch []order.Order
	for i := range n {
		o, _ := newOrder(
			fmt.Sprint("O", i),
			fmt.Sprint("U", i%3),
			fmt.Sprintf("2024-%02d-15", 1+i%12),
			order.Cents(100+i),
		)
		if batch = append(batch, o); len(batch) == 5 || i == n-1 {
			c.archive(false, batch...)
			batch = nil
		}
	}
}

// Invoke is the replay function.
func (c *cloud) Invoke(
	ctx context.Context,
	in *lambda.InvokeInput,
	_ ...func(*lambda.Options),
) (*lambda.InvokeOutput, error) {
	var req protocol.Request
	if err := json.Unmarshal(in.Payload, &req); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.fail(req.Operation+" "+req.Kind, req.Key); err != nil {
		var failed *functionError
		if errors.As(err, &failed) {
			payload, _ := json.Marshal(map[string]string{"errorMessage": failed.text})
			return &lambda.InvokeOutput{FunctionError: aws.String("Unhandled"), Payload: payload}, nil
		}
		return nil, err
	}
	var result any
	switch req.Operation {
	case "state":
		result = protocol.Found{Layout: "2:1:UTC", Orders: int64(len(c.orders))}
	case "begin":
		if req.Confirm != testStack {
			return nil, errors.New("not confirmed")
		}
		c.begins++
		deleted := min(2, len(c.orders)) // in several steps
		for id := range c.orders {
			if deleted--; deleted < 0 {
				break
			}
			delete(c.orders, id)
		}
		result = map[string]any{"done": len(c.orders) == 0, "deleted": 2}
	case "replay":
		c.replays = append(c.replays, req.Kind+" "+req.Key)
		counted, err := c.replay(req.Key)
		if err != nil {
			payload, _ := json.Marshal(map[string]string{"errorMessage": "unreadable: " + err.Error()})
			return &lambda.InvokeOutput{
				FunctionError: aws.String("Unhandled"),
				Payload:       payload,
			}, nil //nolint:nilerr // as Lambda does
		}
		result = counted
	}
	payload, err := json.Marshal(result)
	return &lambda.InvokeOutput{Payload: payload}, err
}

func (c *cloud) replay(key string) (any, error) {
	var counted protocol.Counted
	for line, err := range archive.Read(bytes.NewReader(c.s3.Content(key))) {
		if err != nil {
			return nil, err
		}
		if !line.Counts() {
			continue
		}
		counted.Orders++
		switch known, found := c.orders[line.Order.ID]; {
		case !found:
			c.orders[line.Order.ID] = line.Order
			counted.Recorded++
			counted.Value += line.Order.Value
		case known.Fingerprint() == line.Order.Fingerprint():
			counted.Duplicate++
		default:
			counted.Conflict++
		}
	}
	return counted, nil
}

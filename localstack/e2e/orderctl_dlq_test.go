package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderpipeline/localstack/orderctl/queue"

	"orderpipeline/localstack/deployment"
)

// sendDeadLetters puts orders of one customer, marker, into the dead-letter queue: their ids are
// marker-0, marker-1 and so on.
func sendDeadLetters(t *testing.T, marker string, count int) {
	t.Helper()
	dlq := pipeline.Outputs["OrdersDlqUrl"]
	for i := range count {
		body := newOrder(fmt.Sprintf("%s-%d", marker, i), marker).body(t)
		if _, err := queues.SendMessage(
			t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(dlq), MessageBody: aws.String(body)},
		); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOrderctlRedrivesDeadLetters(t *testing.T) {
	const marker, count = "ctl-dead", 25
	sendDeadLetters(t, marker, count)
	var state struct {
		Faults []string
		Queues []struct {
			Queue  string
			Oldest *float64 `json:"oldest_seconds"`
		}
	}
	wantOrderctl(t, 1, &state, "", "status")
	if len(state.Faults) != 1 || !strings.Contains(state.Faults[0], "orders-dlq") {
		t.Errorf("status: %+v; want one fault, the messages in orders-dlq", state)
	}
	// MiniStack does not tell the age of a message.
	if oldest := state.Queues[1].Oldest; !onMiniStack() && (oldest == nil || *oldest <= 0) {
		t.Errorf("status: %+v; want an age of the messages in orders-dlq", state)
	}
	var l listing
	wantOrderctl(t, 0, &l, "", "dlq", "list", "--limit", "0")
	if l.Matching != count || len(l.Messages) != count {
		t.Fatalf("%d of %d listed, want %d", len(l.Messages), l.Matching, count)
	}
	wantOrderctl(t, 4, nil, "", "dlq", "redrive")
	var moved struct {
		How         string
		Moved, Left int
	}
	wantOrderctl(t, 0, &moved, "", "dlq", "redrive", "--contains", `"`+marker+`-7"`, "--yes", "--wait")
	if moved.How != "one by one" || moved.Moved != 1 || moved.Left != count-1 {
		t.Errorf("%+v; want one message moved by hand", moved)
	}
	wantUser(t, marker, 1, "40.00")

	archive := filepath.Join(t.TempDir(), "archive.ndjson")
	wantOrderctl(t, 4, nil, "", "dlq", "export", archive, "--contains", `"`+marker+`-8"`, "--delete")
	var exported struct{ Exported, Deleted int }
	wantOrderctl(
		t,
		0,
		&exported,
		"",
		"dlq",
		"export",
		archive+"2",
		"--contains",
		`"`+marker+`-8"`,
		"--delete",
		"--yes",
	)
	if exported.Exported != 1 || exported.Deleted != 1 {
		t.Errorf("%+v; want one message exported and deleted", exported)
	}

	wantOrderctl(t, 0, &moved, "", "dlq", "redrive", "--yes", "--wait")
	wantHow := "message move task"
	if onMiniStack() {
		wantHow = "one by one" // it has no message move tasks
	}
	if moved.How != wantHow || moved.Moved != count-2 || moved.Left != 0 {
		t.Errorf("%+v; want %d messages, moved by: %s", moved, count-2, wantHow)
	}
	wantUser(t, marker, count-1, "960.00")
	wantOrderctl(
		t, 0, nil, "", "rejected", "resend", archive+"2", "--wait",
	) // an archive can be sent again
	wantUser(t, marker, count, "1000.00")
	wantOrderctl(t, 0, &state, "", "status")
}

func TestOrderctlRedriveStopsWhereItIs(t *testing.T) {
	skipOnMiniStack(t, "has no message move task, whose rate this test needs")
	const marker, count = "ctl-stop", 60
	sendDeadLetters(t, marker, count)
	// At this rate it takes half a minute.
	code, out := interrupted(t, func() error {
		if status, body := get(t, "/users/"+marker+"/stats"); status != http.StatusOK {
			return fmt.Errorf("no message was moved and counted yet: %d %s", status, body)
		}
		return nil
	}, "dlq", "redrive", "--rate", "2", "--yes", "--json")
	var moved struct{ Moved, Left int }
	if err := json.Unmarshal([]byte(out), &moved); err != nil || code != 130 || moved.Moved == 0 ||
		moved.Left == 0 {
		t.Fatalf("exit code %d, %v\n%s\nwant 130, some messages moved and some left", code, err, out)
	}
	wantOrderctl(t, 0, nil, "", "dlq", "redrive", "--yes", "--wait")
	wantUser(t, marker, count, "2400.00")
}

// On AWS the age of the oldest message is a metric; LocalStack does not write it, but keeps what is
// written.
func TestOrderctlReadsTheAgeFromCloudWatch(t *testing.T) {
	client := cloudwatch.NewFromConfig(deployment.AWS(pipeline.Endpoint))
	now := time.Now()
	for minutes, seconds := range map[int]float64{9: 700, 3: 90, 5: 400} {
		_, err := client.PutMetricData(
			t.Context(),
			&cloudwatch.PutMetricDataInput{Namespace: aws.String("AWS/SQS"), MetricData: []cw.MetricDatum{
				{
					MetricName: aws.String("ApproximateAgeOfOldestMessage"),
					Value:      aws.Float64(seconds),
					Unit:       cw.StandardUnitSeconds,
					Timestamp:  aws.Time(now.Add(-time.Duration(minutes) * time.Minute)),
					Dimensions: []cw.Dimension{{Name: aws.String("QueueName"), Value: aws.String("ctl-age")}},
				},
			}},
		)
		if err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func() error {
		age, err := queue.OldestByMetric(t.Context(), client, "ctl-age", now)
		if err == nil && age != 90*time.Second {
			return fmt.Errorf("age %s, want that of the newest data point, 1m30s", age)
		}
		return err
	})
}

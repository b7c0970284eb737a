package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"orderpipeline/localstack/orderctl/queue"
)

// orderctl runs the built tool and returns its exit code and what it wrote.
func orderctl(t *testing.T, stdin string, args ...string) (code int, out, errOut string) {
	t.Helper()
	cmd := pipeline.Command(t.Context(), "bin/orderctl", args...)
	var o, e strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &o, &e
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), o.String(), e.String()
}

// wantOrderctl fails the test unless orderctl exits with the code; it decodes what --json wrote.
func wantOrderctl(t *testing.T, code int, into any, stdin string, args ...string) {
	t.Helper()
	got, out, errOut := orderctl(t, stdin, append(args, "--json")...)
	if got != code {
		t.Fatalf(
			"orderctl %s: exit code %d, want %d\n%s%s",
			strings.Join(args, " "),
			got,
			code,
			out,
			errOut,
		)
	}
	checkShape(t, args, out)
	if into == nil {
		return
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("orderctl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// checkShape compares the JSON of a command with its documentation.
func checkShape(t *testing.T, args []string, out string) {
	t.Helper()
	if out == "" { // it failed before it had a result
		return
	}
	name := args[0]
	if name == "dlq" || name == "rejected" || name == "archive" {
		name += " " + args[1]
	}
	text, err := os.ReadFile("../orderctl/orderctl.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("orderctl.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("orderctl.json#/$defs/" + strings.ReplaceAll(name, " ", "%20"))
	if err != nil {
		t.Fatalf("the JSON of %q is not documented: %v", name, err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		t.Errorf("orderctl %s is not as documented: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// listing is what `dlq list` and `rejected list` show.
type listing struct {
	InQueue  int            `json:"in_queue"`
	Matching int            `json:"matching"`
	ByReason map[string]int `json:"by_reason"`
	Messages []struct {
		ID         string            `json:"message_id"`
		Receives   int               `json:"receives"`
		Attributes map[string]string `json:"attributes"`
		Body       string            `json:"body"`
	} `json:"messages"`
}

func TestOrderctlSendsAndShows(t *testing.T) {
	wantOrderctl(
		t,
		0,
		nil,
		"",
		"send",
		"--user",
		"ctl send",
		"--item",
		"P001:2:20.00",
		"--item",
		"P002:1:0.015",
		"--copies",
		"25",
		"--order-id",
		"ctl-1",
		"--wait",
	)
	wantOrderctl(t, 0, nil, newOrder("ctl-2", "ctl send").body(t), "send", "-", "--wait")
	var user struct {
		Orders int         `json:"order_count"`
		Spend  json.Number `json:"total_spend"`
	}
	wantOrderctl(t, 0, &user, "", "user", "ctl send")
	if user.Orders != 2 || user.Spend != "80.02" {
		t.Errorf("user: %+v; want 2 orders of 80.02: 25 copies count once", user)
	}
	wantOrderctl(t, 1, nil, "", "user", "ctl unknown")

	var top []struct {
		UserID string `json:"user_id"`
	}
	wantOrderctl(t, 0, &top, "", "top", "1")
	if len(top) != 1 || top[0].UserID == "" {
		t.Errorf("top: %v; want one customer", top)
	}
	var months []struct {
		Month   string
		Revenue json.Number
	}
	wantOrderctl(t, 0, &months, "", "months", "--start", "2024-12", "--end", "2024-12")
	if len(months) != 1 || months[0].Month != "2024-12" ||
		!strings.Contains(months[0].Revenue.String(), ".") {
		t.Errorf("months: %v; want December", months)
	}
	wantOrderctl(t, 0, nil, "", "days", "--start", "2024-12-01")
	var all []struct {
		UserID string `json:"user_id"`
	}
	wantOrderctl(t, 0, &all, "", "customers")
	seen := map[string]bool{}
	for _, c := range all {
		if seen[c.UserID] {
			t.Errorf("customers: %s is shown twice", c.UserID)
		}
		seen[c.UserID] = true
	}
	if !seen["ctl send"] {
		t.Errorf("customers: %d, but not the one who ordered", len(all))
	}
	var view struct {
		Orders int `json:"total_orders"`
		Queues []struct{ Queue string }
	}
	wantOrderctl(t, 0, &view, "", "watch", "--count", "1")
	if view.Orders < 2 || len(view.Queues) != 3 {
		t.Errorf("watch: %+v; want orders and three queues", view)
	}
}

func TestOrderctlPopulatesUntilTheFileIsBroken(t *testing.T) {
	var sent struct{ Sent int }
	array := "[" + newOrder(
		"ctl-file-1",
		"ctl-file",
	).body(t) +
		",\n" + newOrder(
		"ctl-file-2",
		"ctl-file",
	).body(t) +
		"]"
	wantOrderctl(t, 0, &sent, array, "populate", "-", "--wait")
	if sent.Sent != 2 {
		t.Errorf("%d sent, want 2", sent.Sent)
	}
	first := newOrder("ctl-file-1", "ctl-file").body(t)
	third := newOrder("ctl-file-3", "ctl-file").body(t)
	wantOrderctl(t, 2, &sent, "["+first+",\n"+third+",\n{\"order_id\":\n", "populate", "-")
	if sent.Sent != 2 {
		t.Errorf("%d sent of the broken file, want the 2 before the break", sent.Sent)
	}
	wantUser(t, "ctl-file", 3, "120.00")

	// In NDJSON a broken line is one message among others, which the pipeline refuses.
	brokenLine := first + "\n" + third + "\n{\"order_id\":\n"
	for _, flags := range [][]string{{"--wait"}, {"--lines", "--wait"}} {
		wantOrderctl(t, 0, &sent, brokenLine, append([]string{"populate", "-"}, flags...)...)
		if sent.Sent != 3 {
			t.Errorf("%v: %d lines sent, want 3", flags, sent.Sent)
		}
	}
	wantUser(t, "ctl-file", 3, "120.00")
}

func TestOrderctlRepairsRefusedMessages(t *testing.T) {
	const marker = "ctl-repair"
	folder := t.TempDir()
	good := newOrder(marker+"-good", marker).body(t)
	zero := strings.Replace(
		newOrder(marker+"-zero", marker).body(t),
		`"quantity":2`,
		`"quantity":0`,
		1,
	)
	cut := newOrder(marker+"-cut", marker).body(t)
	cut = cut[:len(cut)-2]
	wantOrderctl(t, 0, nil, good+"\n"+zero+"\n"+cut+"\n", "populate", "-", "--lines", "--wait")

	var l listing
	for look := range 2 { // a look releases what it saw
		wantOrderctl(
			t,
			0,
			&l,
			"",
			"rejected",
			"list",
			"--contains",
			marker,
			"--since",
			"1h",
			"--scan",
			"0",
		)
		if l.Matching != 2 || l.ByReason["invalid_field"] != 1 || l.ByReason["invalid_json"] != 1 {
			t.Fatalf("look %d: %+v; want one invalid_field and one invalid_json", look+1, l)
		}
	}
	wantOrderctl(
		t,
		0,
		&l,
		"",
		"rejected",
		"list",
		"--contains",
		marker,
		"--reason",
		"invalid_field",
		"--scan",
		"0",
	)
	if l.Matching != 1 || l.Messages[0].Body != zero ||
		l.Messages[0].Attributes["field"] != "items[0].quantity" {
		t.Fatalf("%+v; want the untouched body and its field", l)
	}
	var shown struct{ Body string }
	wantOrderctl(t, 0, &shown, "", "rejected", "show", l.Messages[0].ID[:13])
	if shown.Body != zero {
		t.Errorf("show: %q, want %q", shown.Body, zero)
	}

	exported := filepath.Join(folder, "broken.ndjson")
	wantOrderctl(t, 0, nil, "", "rejected", "export", exported, "--contains", marker)
	wantOrderctl(t, 2, nil, "", "rejected", "export", exported) // never over a file that is there
	text, err := os.ReadFile(exported)
	if err != nil {
		t.Fatal(err)
	}
	var fixed strings.Builder
	for line := range strings.Lines(string(text)) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		body := record["body"].(string)
		if body == cut {
			body += "}]}"[1:]
		}
		record["body"] = json.RawMessage(
			strings.Replace(body, `"quantity":0`, `"quantity":2`, 1),
		) // as an object
		repaired, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&fixed, "%s\n", repaired)
	}
	wantOrderctl(t, 4, nil, fixed.String(), "rejected", "resend", "-", "--delete") // not confirmed
	var resent struct{ Sent, Deleted int }
	wantOrderctl(
		t,
		0,
		&resent,
		fixed.String(),
		"rejected",
		"resend",
		"-",
		"--delete",
		"--wait",
		"--yes",
	)
	if resent.Sent != 2 || resent.Deleted != 2 {
		t.Errorf("%+v; want 2 sent and 2 deleted", resent)
	}
	wantUser(t, marker, 3, "120.00")
	wantOrderctl(t, 0, &l, "", "rejected", "list", "--contains", marker, "--scan", "0")
	if l.Matching != 0 {
		t.Errorf("%d messages are still in the queue", l.Matching)
	}
}

func TestOrderctlRedrivesDeadLetters(t *testing.T) {
	const marker, count = "ctl-dead", 25
	dlq := pipeline.Outputs["OrdersDlqUrl"]
	for i := range count {
		body := newOrder(fmt.Sprintf("%s-%d", marker, i), marker).body(t)
		if _, err := queues.SendMessage(
			t.Context(),
			&sqs.SendMessageInput{QueueUrl: aws.String(dlq), MessageBody: aws.String(body)},
		); err != nil {
			t.Fatal(err)
		}
	}
	var state struct {
		Faults []string
		Queues []struct {
			Queue  string
			Oldest *float64 `json:"oldest_seconds"`
		}
	}
	wantOrderctl(t, 1, &state, "", "status")
	if len(state.Faults) != 1 || !strings.Contains(state.Faults[0], "orders-dlq") ||
		state.Queues[1].Oldest == nil ||
		*state.Queues[1].Oldest <= 0 {
		t.Errorf("status: %+v; want one fault, the messages in orders-dlq, and an age", state)
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
	if moved.How != "message move task" || moved.Moved != count-2 || moved.Left != 0 {
		t.Errorf("%+v; want %d messages moved by SQS", moved, count-2)
	}
	wantUser(t, marker, count-1, "960.00")
	wantOrderctl(
		t,
		0,
		nil,
		"",
		"rejected",
		"resend",
		archive+"2",
		"--wait",
	) // an archive can be sent again
	wantUser(t, marker, count, "1000.00")
	wantOrderctl(t, 0, &state, "", "status")
}

func TestOrderctlRedriveStopsWhereItIs(t *testing.T) {
	const marker, count = "ctl-stop", 60
	dlq := pipeline.Outputs["OrdersDlqUrl"]
	for i := range count {
		body := newOrder(fmt.Sprintf("%s-%d", marker, i), marker).body(t)
		if _, err := queues.SendMessage(
			t.Context(),
			&sqs.SendMessageInput{QueueUrl: aws.String(dlq), MessageBody: aws.String(body)},
		); err != nil {
			t.Fatal(err)
		}
	}
	code, out := interrupted(t, 2*time.Second, "dlq", "redrive", "--rate", "10", "--yes", "--json")
	var moved struct{ Moved, Left int }
	if err := json.Unmarshal(
		[]byte(out),
		&moved,
	); err != nil || code != 130 || moved.Moved == 0 ||
		moved.Left == 0 {
		t.Fatalf("exit code %d, %v\n%s\nwant 130, some messages moved and some left", code, err, out)
	}
	wantOrderctl(t, 0, nil, "", "dlq", "redrive", "--yes", "--wait")
	wantUser(t, marker, count, "2400.00")
}

// What orderctl says it sent before Ctrl-C is what was sent, to the cent.
func TestOrderctlInterruptedTellsWhatWasSent(t *testing.T) {
	before := readFigures(t)
	code, out := interrupted(t, 2*time.Second, "bulk", "1000000", "--json")
	var sent struct {
		Sent     int
		Failed   int
		Expected struct {
			Orders  int
			Revenue json.Number
		}
	}
	if err := json.Unmarshal(
		[]byte(out),
		&sent,
	); err != nil || code != 130 || sent.Sent == 0 || sent.Failed != 0 ||
		sent.Sent != sent.Expected.Orders {
		t.Fatalf("exit code %d, %v\n%s\nwant 130 and what was sent", code, err, out)
	}
	want := cents(t, sent.Expected.Revenue)
	want.Add(want, before.total)
	eventually(t, func() error {
		if after := readFigures(
			t,
		); after.orders != before.orders+sent.Sent ||
			after.total.Cmp(want) != 0 {
			return fmt.Errorf(
				"%d orders of %s, want %d of %s",
				after.orders,
				after.total,
				before.orders+sent.Sent,
				want,
			)
		}
		return nil
	})
}

// interrupted runs orderctl, sends it Ctrl-C's signal after a while, and returns what it wrote.
func interrupted(t *testing.T, after time.Duration, args ...string) (int, string) {
	t.Helper()
	cmd := pipeline.Command(t.Context(), "bin/orderctl", args...)
	var out, errOut strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Signal(syscall.SIGINT) })
	defer timer.Stop()
	if err := cmd.Wait(); err == nil {
		t.Fatalf("orderctl ended before it was interrupted\n%s%s", &out, &errOut)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// Whatever ends a look, and when: no message stays hidden.
func TestOrderctlReleasesWhatItHid(t *testing.T) {
	const marker, count = "ctl-release", 120
	var lines strings.Builder
	for i := range count {
		fmt.Fprintf(&lines, "%s %d\n", marker, i)
	}
	wantOrderctl(t, 0, nil, lines.String(), "populate", "-", "--lines", "--wait")
	for _, signal := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGPIPE} {
		for _, after := range []time.Duration{50, 150, 300} {
			cmd := pipeline.Command(t.Context(), "bin/orderctl", "rejected", "export")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(after * time.Millisecond)
			_ = cmd.Process.Signal(signal)
			_ = cmd.Wait()
			var l listing
			wantOrderctl(t, 0, &l, "", "rejected", "list", "--contains", marker, "--scan", "0")
			if l.Matching != count {
				t.Errorf("%v after %d ms: %d of %d messages are visible", signal, after, l.Matching, count)
			}
		}
	}
	folder := t.TempDir()
	wantOrderctl(
		t,
		0,
		nil,
		"",
		"rejected",
		"export",
		filepath.Join(folder, "gone"),
		"--contains",
		marker,
		"--delete",
		"--yes",
	)
}

// On AWS the age of the oldest message is a metric; LocalStack does not write it, but keeps what is
// written.
func TestOrderctlReadsTheAgeFromCloudWatch(t *testing.T) {
	client := cloudwatch.New(cloudwatch.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(pipeline.Endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	now := time.Now()
	for minutes, seconds := range map[int]float64{9: 700, 3: 90, 5: 400} {
		_, err := client.PutMetricData(
			t.Context(),
			&cloudwatch.PutMetricDataInput{Namespace: aws.String("AWS/SQS"), MetricData: []cw.MetricDatum{
				{
					MetricName: aws.String(
						"ApproximateAgeOfOldestMessage",
					),
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

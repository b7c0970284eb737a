package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderpipeline/localstack/deployment"
)

// second is a stack beside the first, with its own Redis database, queues, functions and alarms.
type second struct {
	outputs map[string]string
	key     string // of the API
	alarms  *cloudwatch.Client
}

// deploySecond deploys what the first stack was built from once more under another name.
func deploySecond(t *testing.T) second {
	t.Helper()
	secret := cli(t, "bin/awslocal", "secretsmanager", "describe-secret",
		"--secret-id", "order-pipeline/redis",
		"--query", "ARN", "--output", "text")
	cli(
		t, "bin/samlocal", "deploy", "--config-file", filepath.Join(pipeline.Root, "samconfig.toml"),
		"--config-env", "local", "--stack-name", "second", "--template-file",
		filepath.Join(pipeline.Folder, "build", "template.yaml"), "--parameter-overrides",
		"RedisUrl="+pipeline.FunctionsRedis(1), "RedisSecretArn="+strings.TrimSpace(string(secret)),
		"LocalEndpoint="+pipeline.Endpoint, "ApiAccess=key", "Canary=false",
		"AlarmEmail=operator@example.com",
	)
	t.Cleanup(func() { deleteStack(t, "second") })

	text := cli(t, "bin/awslocal", "cloudformation", "describe-stacks",
		"--stack-name", "second", "--output", "json",
		"--query", "Stacks[0].Outputs[].{key:OutputKey,value:OutputValue}")
	var list []struct{ Key, Value string }
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	outputs := map[string]string{}
	for _, output := range list {
		outputs[output.Key] = output.Value
	}
	key := cli(t, "bin/awslocal", "apigateway", "get-api-key", "--include-value", "--output", "text",
		"--query", "value", "--api-key", outputs["ApiKeyId"])
	metrics := cloudwatch.NewFromConfig(deployment.AWS(pipeline.Endpoint))
	return second{outputs, strings.TrimSpace(string(key)), metrics}
}

// deleteStack deletes a stack beside the first one. On a busy machine LocalStack does not delete
// every resource at the first time.
func deleteStack(t *testing.T, name string) {
	t.Helper()
	var out []byte
	for range 3 {
		cli(t, "bin/awslocal", "cloudformation", "delete-stack", "--stack-name", name)
		wait := pipeline.Command(context.WithoutCancel(t.Context()), "bin/awslocal",
			"cloudformation", "wait", "stack-delete-complete", "--stack-name", name)
		var err error
		if out, err = wait.CombinedOutput(); err == nil {
			return
		}
	}
	t.Errorf("the stack %s is still there:\n%s", name, out)
}

// cli runs a program of the repository on the deployment and returns its output.
func cli(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	var problem bytes.Buffer
	// Not t's own context: it has ended when a cleanup runs.
	cmd := pipeline.Command(context.WithoutCancel(t.Context()), name, args...)
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, problem.Bytes())
	}
	return out
}

func TestSecondStack(t *testing.T) {
	skipOnMiniStack(t, "has no composite alarms, which AlarmEmail brings")
	s := deploySecond(t)
	t.Run("shares no queue with the first", func(t *testing.T) {
		for name, url := range s.outputs {
			if strings.HasSuffix(name, "Url") && url == pipeline.Outputs[name] {
				t.Errorf("both stacks have %s %s", name, url)
			}
		}
		if got := s.outputs["OrdersQueueUrl"]; !strings.HasSuffix(got, "/second-orders") {
			t.Errorf("the queue of orders is %s, want one named second-orders", got)
		}
	})
	t.Run("counts apart from the first", s.countsApart)
	t.Run("shows figures to holders of the key", s.asksForTheKey)
	t.Run("its page asks for the key once", s.pageAsksForTheKey)
	t.Run("every alarm reaches the topic", s.alarmsReachTheTopic)
}

func (s second) countsApart(t *testing.T) {
	const user = "/users/U-second-stack/stats"
	before := s.get(t, "/stats/global")
	for i := range 3 {
		_, err := queues.SendMessage(t.Context(), &sqs.SendMessageInput{
			QueueUrl:    aws.String(s.outputs["OrdersQueueUrl"]),
			MessageBody: aws.String(newOrder(fmt.Sprintf("SECOND-%d", i), "U-second-stack").body(t)),
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	const want = `{"user_id":"U-second-stack","order_count":3,"total_spend":120.00}`
	deadline := time.Now().Add(patience)
	for s.get(t, user) != want {
		if time.Now().After(deadline) {
			t.Fatalf("the second stack says %s, want %s; before %s", s.get(t, user), want, before)
		}
		time.Sleep(100 * time.Millisecond)
	}
	if status, body := get(t, user); status != http.StatusNotFound {
		t.Errorf("the first stack answers %d %s, want 404", status, body)
	}
}

// asksForTheKey: the page and the documents hold no figures and need no key.
func (s second) asksForTheKey(t *testing.T) {
	for _, c := range []struct {
		path, key string
		want      int
	}{
		{"/stats/global", "", http.StatusForbidden},
		{"/stats/global", "no such key, but as long as one", http.StatusForbidden},
		{"/users/U-second-stack/stats", "", http.StatusForbidden},
		{"/stats/global", s.key, http.StatusOK},
		{"/dashboard", "", http.StatusOK},
		{"/docs", "", http.StatusOK},
		{"/openapi.json", "", http.StatusOK},
	} {
		if status, body := s.ask(t, c.path, c.key); status != c.want {
			t.Errorf("%s with the key %q: %d, want %d: %.200s", c.path, c.key, status, c.want, body)
		}
	}
}

// pageAsksForTheKey opens the page in Chromium, with a wrong key and with the right one.
func (s second) pageAsksForTheKey(t *testing.T) {
	page := exec.CommandContext(t.Context(),
		"go", "test", "-v", "-count=1", "-run", "^TestAKeyIsAskedForOnce$", "../browser")
	page.Env = append(os.Environ(),
		"BROWSER_API_URL="+s.outputs["ApiUrl"], "BROWSER_API_KEY="+s.key)
	out, err := page.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestAKeyIsAskedForOnce")) {
		t.Errorf("%v\n%s", err, out)
	}
}

func (s second) get(t *testing.T, path string) string {
	t.Helper()
	_, body := s.ask(t, path, s.key)
	return body
}

func (s second) ask(t *testing.T, path, key string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(
		t.Context(), http.MethodGet, s.outputs["ApiUrl"]+path, nil,
	)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		request.Header.Set("X-Api-Key", key)
	}
	status, body, _ := do(t, request)
	return status, body
}

// alarmsReachTheTopic sets each alarm to ALARM and finds its message in a queue that subscribed to
// the topic. An alarm without an action must be part of a composite alarm.
func (s second) alarmsReachTheTopic(t *testing.T) {
	single, composite := s.describe(t)
	if len(composite) != 3 || len(single) < 12 {
		t.Fatalf("%d alarms and %d composite ones, want at least 12 and 3", len(single), len(composite))
	}
	topic := composite[0].AlarmActions[0]
	inbox := s.subscribe(t, topic)

	var names []string
	rules := ""
	for _, alarm := range composite {
		names = append(names, *alarm.AlarmName)
		rules += *alarm.AlarmRule
	}
	for _, alarm := range single {
		if len(alarm.AlarmActions) > 0 {
			names = append(names, *alarm.AlarmName)
			if !slices.Equal(alarm.AlarmActions, []string{topic}) {
				t.Errorf("%s tells %v, want %s", *alarm.AlarmName, alarm.AlarmActions, topic)
			}
		} else if !strings.Contains(rules, `"`+*alarm.AlarmName+`"`) {
			t.Errorf("%s has no action and is not part of a composite alarm: %s", *alarm.AlarmName, rules)
		}
	}
	for _, name := range names {
		_, err := s.alarms.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{
			AlarmName: &name, StateValue: types.StateValueAlarm, StateReason: aws.String("test"),
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	missing := map[string]bool{}
	for _, name := range names {
		missing[name] = true
	}
	for deadline := time.Now().Add(patience); len(missing) > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("no message came about %v", missing)
		}
		for _, name := range receiveAlarms(t, inbox) {
			delete(missing, name)
		}
	}
}

func (s second) describe(t *testing.T) ([]types.MetricAlarm, []types.CompositeAlarm) {
	t.Helper()
	found, err := s.alarms.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: aws.String("second-"),
		AlarmTypes:      []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm},
		MaxRecords:      aws.Int32(100),
	})
	if err != nil {
		t.Fatal(err)
	}
	return found.MetricAlarms, found.CompositeAlarms
}

// subscribe makes a queue that gets what the topic publishes, and returns its URL.
func (s second) subscribe(t *testing.T, topic string) string {
	t.Helper()
	made, err := queues.CreateQueue(
		t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("alarms-of-second")},
	)
	if err != nil {
		t.Fatal(err)
	}
	cli(t, "bin/awslocal", "sns", "subscribe", "--topic-arn", topic, "--protocol", "sqs",
		"--notification-endpoint", "arn:aws:sqs:us-east-1:000000000000:alarms-of-second")
	return *made.QueueUrl
}

// receiveAlarms returns the names of the alarms whose messages came.
func receiveAlarms(t *testing.T, inbox string) []string {
	t.Helper()
	received, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &inbox, MaxNumberOfMessages: 10, WaitTimeSeconds: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range received.Messages {
		var envelope struct{ Message string }
		var alarm struct{ AlarmName, NewStateValue string }
		if err := json.Unmarshal([]byte(*m.Body), &envelope); err != nil {
			t.Fatalf("%v: %s", err, *m.Body)
		}
		if err := json.Unmarshal([]byte(envelope.Message), &alarm); err != nil {
			t.Fatalf("%v: %s", err, envelope.Message)
		}
		if alarm.NewStateValue == "ALARM" {
			names = append(names, alarm.AlarmName)
		}
		if _, err := queues.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{
			QueueUrl: &inbox, ReceiptHandle: m.ReceiptHandle,
		}); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

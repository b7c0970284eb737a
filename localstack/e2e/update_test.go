package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderpipeline/localstack/deployment"
	"orderpipeline/localstack/orderctl/session"
)

// Other code gets into the running stack: the alias moves to a new version, and neither the archive
// nor a queue is made again.
func TestChangedCodeIsDeployedInPlace(t *testing.T) {
	mustSend(t, newOrder("code-1", "code").body(t))
	wantUser(t, "code", 1, "40.00")
	before, running := liveCode(t), instance(t, deployment.LocalStack)
	restoreCode(t)

	if out, err := upWithOtherCode(t, "othercode"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := liveCode(t); got.version == before.version || got.sum == before.sum {
		t.Errorf("the alias leads to %+v, before it led to %+v", got, before)
	}
	if got := instance(t, deployment.LocalStack); got != running {
		t.Error("LocalStack was started again")
	}
	mustSend(t, newOrder("code-2", "code").body(t))
	wantUser(t, "code", 2, "80.00")
	objects := cli(
		t, "bin/awslocal", "s3", "ls", "--recursive", "s3://"+pipeline.Outputs["ArchiveBucketName"],
	)
	if strings.Count(string(objects), ".ndjson.zst") < 2 {
		t.Errorf("the archive was not kept:\n%s", objects)
	}
}

// An update that fails ends, and what it changed is changed back. What waits in a queue stays
// there, and the next update succeeds.
func TestFailedUpdateIsUndone(t *testing.T) {
	skipOnMiniStack(t, "does not undo an update that failed")
	mustSend(t, newOrder("update-1", "update").body(t))
	wantUser(t, "update", 1, "40.00")
	before := liveCode(t)
	dlq := pipeline.Outputs["OrdersDlqUrl"]
	const waits = `{"order_id":"it waits here"}`
	if _, err := queues.SendMessage(
		t.Context(), &sqs.SendMessageInput{QueueUrl: &dlq, MessageBody: new(waits)},
	); err != nil {
		t.Fatal(err)
	}

	failUpdate(t)
	if got := liveCode(t); got != before {
		t.Errorf("after a failed update the alias leads to %+v, before it led to %+v", got, before)
	}
	wantUpdatable(t)
	failTransform(t)
	wantUpdatable(t)

	mustSend(t, newOrder("update-2", "update").body(t))
	wantUser(t, "update", 2, "80.00")
	received, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &dlq})
	if err != nil || len(received.Messages) != 1 || *received.Messages[0].Body != waits {
		t.Fatalf("orders-dlq holds %+v, %v; want the message that was sent to it", received, err)
	}
	if _, err := queues.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{
		QueueUrl: &dlq, ReceiptHandle: received.Messages[0].ReceiptHandle,
	}); err != nil {
		t.Fatal(err)
	}
}

// failUpdate deploys another time limit of the order function, and then a mapping without a
// function.
func failUpdate(t *testing.T) {
	t.Helper()
	limit := func() string {
		return lambda(t, "get-function-configuration", "--query", "Timeout",
			"--function-name", pipeline.Outputs["OrdersFunctionName"])
	}
	before := limit()

	out := deployBroken(t, func(_, resources map[string]any) {
		orders := resources["OrdersFunction"].(map[string]any)
		orders["Properties"].(map[string]any)["Timeout"] = 17
		resources["Broken"] = map[string]any{
			"Type":      "AWS::Lambda::EventSourceMapping",
			"DependsOn": "OrdersFunction",
			"Properties": map[string]any{
				"FunctionName":   "no-such-function",
				"EventSourceArn": map[string]any{"Fn::GetAtt": []string{"OrdersDlq", "Arn"}},
			},
		}
	})

	if got := stackStatus(t); got != "UPDATE_ROLLBACK_COMPLETE" {
		t.Errorf("after a failed update the stack is in state %s:\n%s", got, out)
	}
	events := cli(t, "bin/awslocal", "cloudformation", "describe-stack-events",
		"--stack-name", session.DefaultStack, "--query", "StackEvents[].ResourceStatusReason")
	if !strings.Contains(string(events), "Function does not exist") {
		t.Errorf("the events of the stack do not say why:\n%s", events)
	}
	if got := limit(); got != before {
		t.Errorf("after a failed update the function's time limit is %s s, want %s", got, before)
	}
}

// failTransform deploys a template that SAM's transform refuses. LocalStack then takes the stack
// for one that never came up.
func failTransform(t *testing.T) {
	t.Helper()
	out := deployBroken(t, func(template, resources map[string]any) {
		template["Transform"] = "AWS::Serverless-2016-10-31"
		resources["Broken"] = map[string]any{
			"Type": "AWS::Serverless::Function", "Properties": map[string]any{},
		}
	})
	if got := stackStatus(t); strings.HasSuffix(got, "E_COMPLETE") {
		t.Errorf("after a failed transform the stack is in state %s:\n%s", got, out)
	}
}

// deployBroken deploys the template of the stack with a change that must fail.
func deployBroken(t *testing.T, change func(template, resources map[string]any)) []byte {
	t.Helper()
	text := cli(t, "bin/awslocal", "cloudformation", "get-template", "--template-stage", "Processed",
		"--stack-name", session.DefaultStack)
	var stack struct{ TemplateBody map[string]any }
	if err := json.Unmarshal(text, &stack); err != nil {
		t.Fatal(err)
	}
	change(stack.TemplateBody, stack.TemplateBody["Resources"].(map[string]any))
	body, err := json.Marshal(stack.TemplateBody)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "template.json")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	deploy := pipeline.Command(ctx, "bin/awslocal", "cloudformation", "deploy",
		"--stack-name", session.DefaultStack, "--template-file", file,
		"--s3-bucket", "order-pipeline-artifacts",
		"--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")
	deploy.WaitDelay = 10 * time.Second
	out, err := deploy.CombinedOutput()
	if err == nil || ctx.Err() != nil {
		t.Errorf("deploy: %v, want that it fails, and does not wait without end:\n%s", err, out)
	}
	return out
}

// wantUpdatable deploys the usual template.
func wantUpdatable(t *testing.T) {
	t.Helper()
	if err := pipeline.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := stackStatus(t); got != "UPDATE_COMPLETE" {
		t.Errorf("after the next update the stack is in state %s", got)
	}
}

func stackStatus(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(string(cli(t, "bin/awslocal", "cloudformation", "describe-stacks",
		"--stack-name", session.DefaultStack, "--query", "Stacks[0].StackStatus",
		"--output", "text")))
}

// upWithOtherCode deploys functions that were built with one build tag more.
func upWithOtherCode(t *testing.T, tag string) ([]byte, error) {
	t.Helper()
	// SAM waits without end for a state that a stack does not reach.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	up := pipeline.Command(ctx, "localstack/local", "up")
	up.WaitDelay = 10 * time.Second
	up.Env = append(up.Env, "MAKEFLAGS=FUNCTION_TAGS=lambda.norpc,nethttpomithttp2,"+tag)
	return up.CombinedOutput()
}

// restoreCode deploys the usual code again when the test ends.
func restoreCode(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		if err := pipeline.Up(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
}

// A code is what the order function runs.
type code struct{ version, sum string }

// liveCode returns the version of the order function that receives the messages.
func liveCode(t *testing.T) code {
	t.Helper()
	function := pipeline.Outputs["OrdersFunctionName"]
	version := lambda(t, "get-alias", "--function-name", function, "--name", "live",
		"--query", "FunctionVersion")
	sum := lambda(t, "get-function", "--function-name", function, "--qualifier", version,
		"--query", "Configuration.CodeSha256")
	return code{version, sum}
}

func lambda(t *testing.T, args ...string) string {
	t.Helper()
	args = append(append([]string{"lambda"}, args...), "--output", "text")
	return strings.TrimSpace(string(cli(t, "bin/awslocal", args...)))
}

package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"orderpipeline/localstack/orderctl/session"
)

// STACK_NAME=beside make deploy-local gives a stack beside the first. Both get orders; commands are
// aimed at either.
func TestDeployLocalOfAnotherStack(t *testing.T) {
	const name = "beside"
	first := totalOrders(t, pipeline.Outputs["ApiUrl"])
	deploy := func() (string, error) {
		up := pipeline.Command(t.Context(), "localstack/local", "up")
		up.Env = append(up.Env, "STACK_NAME="+name)
		out, err := up.CombinedOutput()
		return string(out), err
	}
	t.Cleanup(func() {
		deleteStack(t, name)
		if err := pipeline.Up(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if out, err := deploy(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	// The commands work on the stack that was deployed last, or on the one that is named.
	beside := strings.TrimSpace(string(cli(t, "localstack/local", "url")))
	if beside == pipeline.Outputs["ApiUrl"] {
		t.Fatalf("both stacks have the API %s", beside)
	}
	wantOrderctl(t, 0, nil, "", "bulk", "60", "--wait")
	wantOrderctl(t, 0, nil, "", "bulk", "40", "--wait", "--stack", session.DefaultStack)
	if got := totalOrders(t, beside); got != 60 {
		t.Errorf("%s has counted %d orders, want 60", name, got)
	}
	if got := totalOrders(t, pipeline.Outputs["ApiUrl"]); got != first+40 {
		t.Errorf("the first stack has counted %d orders, want %d", got, first+40)
	}
	status := string(cli(t, "localstack/local", "status"))
	for _, stack := range []string{session.DefaultStack, name} {
		if !strings.Contains(status, "stack "+stack+": deployed") {
			t.Errorf("status does not show %s:\n%s", stack, status)
		}
	}

	// A queue that is deleted by hand is named, also where nothing else is to be deployed.
	url := pipeline.Outputs["RejectedQueueUrl"]
	url = url[:strings.LastIndexByte(url, '/')+1] + name + "-orders-rejected"
	cli(t, "bin/awslocal", "sqs", "delete-queue", "--queue-url", url)
	code, said, _ := orderctl(t, "", "status")
	if code != 1 || !strings.Contains(said, name+"-orders-rejected: the queue does not exist") {
		t.Errorf("orderctl status: exit code %d, want 1 and the queue that is gone:\n%s", code, said)
	}
	const lacks = "the stack " + name + " lacks RejectedQueue"
	if out, err := deploy(); err == nil || !strings.Contains(out, lacks) {
		t.Errorf("make deploy-local: error %v, want %s:\n%s", err, lacks, out)
	}
}

func totalOrders(t *testing.T, api string) int {
	t.Helper()
	var totals struct {
		Orders int `json:"total_orders"`
	}
	body := readFrom(t, api, "/stats/global")
	if err := json.Unmarshal([]byte(body), &totals); err != nil {
		t.Fatalf("%s/stats/global: %s: %v", api, body, err)
	}
	return totals.Orders
}

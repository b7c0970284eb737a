package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderpipeline/localstack/deployment"
)

// These tests break the deployment on purpose. Go runs a package's files by name: this one comes
// last.

// Any program that reaches LocalStack can run code on this machine.
func TestEverythingListensOnLoopbackOnly(t *testing.T) {
	mustSend(t, newOrder("loopback-1", "loopback").body(t)) // so that both functions run
	wantUser(t, "loopback", 1, "40.00")
	if pipeline.InDocker {
		wantLoopbackPorts(t)
		return
	}
	inodes := map[string]bool{}
	for _, pid := range pipeline.Processes("") {
		folder := fmt.Sprintf("/proc/%d/fd", pid)
		files, err := os.ReadDir(folder)
		if err != nil {
			continue // it has ended since
		}
		for _, file := range files {
			if link, err := os.Readlink(folder + "/" + file.Name()); err == nil &&
				strings.HasPrefix(link, "socket:[") {
				inodes[strings.Trim(link, "socket:[]")] = true
			}
		}
	}
	const listening = "0A"
	loopback := []string{
		"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F",
	}
	found := 0
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if os.IsNotExist(err) {
			continue // no IPv6
		}
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			field := strings.Fields(line)
			if len(field) < 10 || field[3] != listening || !inodes[field[9]] {
				continue
			}
			found++
			if address, _, _ := strings.Cut(field[1], ":"); !slices.Contains(loopback, address) {
				t.Errorf("%s: a process of the deployment listens on %s", table, field[1])
			}
		}
	}
	// LocalStack, Redis, and two ports of the runtime emulator for each of the two functions.
	if found < 6 {
		t.Errorf("%d listening sockets found; want at least 6", found)
	}
}

// wantLoopbackPorts checks the ports that containers publish on this machine.
func wantLoopbackPorts(t *testing.T) {
	t.Helper()
	addresses, err := pipeline.PublishedAddresses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		if address != "127.0.0.1" {
			t.Errorf("a container of the deployment is published on %s", address)
		}
	}
	if len(addresses) != 2 { // LocalStack and Redis
		t.Errorf("%d ports are published; want 2", len(addresses))
	}
}

// The batch of a killed function is redelivered when its visibility timeout, here shortened, has
// passed.
func TestKilledFunctionIsStartedAgainAndItsBatchIsRedelivered(t *testing.T) {
	mustSend(t, newOrder("killed-1", "killed").body(t))
	wantUser(t, "killed", 1, "40.00")
	setVisibilityTimeout(t, "3")
	defer setVisibilityTimeout(t, "181")
	if err := pipeline.KillFunctions(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustSend(t, newOrder("killed-2", "killed").body(t))
	wantUser(t, "killed", 2, "80.00") // asks again when the API's function, killed too, fails once
}

func setVisibilityTimeout(t *testing.T, seconds string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	_, err := queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
		QueueUrl:   aws.String(pipeline.Outputs["OrdersQueueUrl"]),
		Attributes: map[string]string{"VisibilityTimeout": seconds},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// instance identifies the running server.
func instance(t *testing.T, server string) string {
	t.Helper()
	id, err := pipeline.Instance(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestFunctionLogsAreKept(t *testing.T) {
	mustSend(t, newOrder("logs-1", "logs").body(t))
	wantUser(t, "logs", 1, "40.00")
	for _, output := range []string{"OrdersFunctionName", "StatsFunctionName"} {
		group := "/aws/lambda/" + pipeline.Outputs[output]
		eventually(t, func() error {
			out, err := pipeline.Command(t.Context(), "bin/awslocal", "logs", "filter-log-events",
				"--log-group-name", group,
				"--query", "events[].message", "--output", "text").CombinedOutput()
			if err != nil || !strings.Contains(string(out), "REPORT RequestId:") {
				return fmt.Errorf("log group %s: %w\n%s", group, err, out)
			}
			return nil
		})
	}
}

func TestSecondRunChangesNothing(t *testing.T) {
	mustSend(t, newOrder("again-1", "again").body(t))
	wantUser(t, "again", 1, "40.00")
	api := pipeline.Outputs["ApiUrl"]
	running := instance(t, deployment.LocalStack)
	// Also where the user's shell has lost the variables of the first run.
	up := pipeline.Command(t.Context(), "localstack/local", "up")
	up.Env = slices.DeleteFunc(slices.Clone(up.Env), func(variable string) bool {
		return strings.HasPrefix(variable, "LOCALSTACK_PORT=") ||
			strings.HasPrefix(variable, "REDIS_PORT=")
	})
	if out, err := up.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := pipeline.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := instance(t, deployment.LocalStack); got != running {
		t.Error("LocalStack was started again")
	}
	if got := pipeline.Outputs["ApiUrl"]; got != api {
		t.Errorf("the API's address changed from %s to %s", api, got)
	}
	wantUser(t, "again", 1, "40.00")
}

// A port that LocalStack cannot have is reported before the running one is stopped, which would
// lose its queues.
func TestTakenPortStopsNothing(t *testing.T) {
	mustSend(t, newOrder("port-1", "port").body(t))
	wantUser(t, "port", 1, "40.00")
	running := instance(t, deployment.LocalStack)
	_, taken, _ := strings.Cut(pipeline.Redis, ":")
	up := pipeline.Command(t.Context(), "localstack/local", "up")
	up.Env = append(up.Env, "LOCALSTACK_PORT="+taken)
	out, err := up.CombinedOutput()
	holder := pipeline.Holder(deployment.Redis)
	said := strings.Contains(string(out), "port "+taken+" is taken by ") &&
		strings.Contains(string(out), holder)
	if err == nil || !said {
		t.Errorf(
			"up on Redis' port: error %v, want the taken port and %q in its output:\n%s", err, holder, out,
		)
	}
	if got := instance(t, deployment.LocalStack); got != running {
		t.Error("LocalStack was started again")
	}
	wantUser(t, "port", 1, "40.00")
}

// After LocalStack and Redis died, one more run starts everything again, and what was counted is
// still there.
func TestDeadLocalStackAndRedisHeal(t *testing.T) {
	before := messages(t)
	mustSend(t, newOrder("heal-1", "heal").body(t))
	wantCounts(t, before, counts{recorded: 1})
	for _, server := range []string{deployment.LocalStack, deployment.Redis} {
		if err := pipeline.Kill(t.Context(), server); err != nil {
			t.Fatal(err)
		}
	}
	if !pipeline.InDocker { // there the functions' containers run on until up removes them
		eventually(t, nothingRuns)
	}
	if err := pipeline.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantUser(t, "heal", 1, "40.00")
	mustSend(t, newOrder("heal-1", "heal").body(t))
	wantCounts(t, before, counts{recorded: 1, duplicate: 1})
	mustSend(t, newOrder("heal-2", "heal").body(t))
	wantUser(t, "heal", 2, "80.00")
}

func nothingRuns() error {
	if left := pipeline.Processes(""); len(left) > 0 {
		return fmt.Errorf("processes %v are left after LocalStack and Redis died", left)
	}
	return nil
}

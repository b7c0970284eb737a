// Package e2e tests the deployed pipeline from outside: messages go in through SQS, figures come
// out over HTTP.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderpipeline/localstack/deployment"
)

// One deployment serves all tests. They run one after another, because the totals are of all
// orders; each uses different customers and order ids.
var (
	pipeline *deployment.Deployment
	queues   *sqs.Client

	// startedWith are the command lines that were seen while the deployment started.
	startedWith []string
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

// onMiniStack reports whether the tests run on MiniStack 1.5.33 instead of LocalStack.
func onMiniStack() bool { return pipeline.Emulator != deployment.LocalStack }

// skipOnMiniStack skips a test of something that MiniStack lacks. The list in localstack/README.md
// names each of them.
func skipOnMiniStack(t *testing.T, lack string) {
	t.Helper()
	if onMiniStack() {
		skip(t, "MiniStack "+lack)
	}
}

// skip skips a test and adds the reason to .local/skipped, which make shows after the tests: go
// test prints nothing of a package that passes.
func skip(t *testing.T, reason string) {
	t.Helper()
	file, err := os.OpenFile(
		filepath.Join(pipeline.Root, ".local", "skipped"),
		os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644,
	)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(file, "skipped: %s: %s\n", t.Name(), reason)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	t.Skip(reason)
}

func run(m *testing.M) int {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	var err error
	watch := watchCommandLines()
	pipeline, err = deployment.Start(ctx)
	startedWith = watch.end()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	queues = deployment.SQS(pipeline.Endpoint)
	ended := make(chan int, 1)
	go func() { ended <- m.Run() }()
	var code int
	select {
	case code = <-ended:
	case <-ctx.Done():
		code = 1
	}
	if err := pipeline.Stop(context.WithoutCancel(ctx)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

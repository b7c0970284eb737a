package browser_test

import (
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderpipeline/localstack/deployment"
	"orderpipeline/shared/redistest/freeze"
)

// deployed is an API on LocalStack, described by the environment:
//
//	BROWSER_API_URL    the API's base URL with its stage
//	BROWSER_QUEUE_URL  the queue of orders
//	BROWSER_REDIS_PID  the process id of its redis-server, which a test freezes for a few seconds
//
// TestAKeyIsAskedForOnce needs BROWSER_API_URL and BROWSER_API_KEY instead.
func deployed(t *testing.T, base string) site {
	t.Helper()
	queue, err := url.Parse(os.Getenv("BROWSER_QUEUE_URL"))
	if err != nil || queue.Host == "" {
		t.Fatalf(
			"BROWSER_QUEUE_URL=%q: set it to the URL of the queue of orders",
			os.Getenv("BROWSER_QUEUE_URL"),
		)
	}
	pid, err := strconv.Atoi(os.Getenv("BROWSER_REDIS_PID"))
	if err != nil || pid <= 1 {
		t.Fatalf(
			"BROWSER_REDIS_PID=%q: set it to the process id of the API's redis-server",
			os.Getenv("BROWSER_REDIS_PID"),
		)
	}
	client := deployment.SQS(queue.Scheme + "://" + queue.Host)
	redis, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	check := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("signal redis-server %d: %v", pid, err)
		}
	}
	return site{
		url:    strings.TrimSuffix(base, "/"),
		freeze: func(t *testing.T) { check(t, freeze.Stop(redis)) },
		thaw:   func(t *testing.T) { check(t, redis.Signal(syscall.SIGCONT)) },
		send: func(t *testing.T, messages ...string) {
			t.Helper()
			for _, body := range messages {
				_, err := client.SendMessage(
					t.Context(),
					&sqs.SendMessageInput{QueueUrl: aws.String(queue.String()), MessageBody: aws.String(body)},
				)
				if err != nil {
					t.Fatal(err)
				}
			}
		},
	}
}

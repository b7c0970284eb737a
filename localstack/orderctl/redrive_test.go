package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"orderpipeline/localstack/lab/queue"
)

// pipelineOf starts an API behind which an order function works: each request takes all messages of
// the orders queue. The first fail rounds fail, and their messages go to the dead-letter queue.
func pipelineOf(t *testing.T, d *desk, fail int) string {
	t.Helper()
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch taken := d.other.Receive(1000); {
		case len(taken) == 0:
		case fail > 0:
			fail--
			d.other.Redrive(d.queue)
		default:
			d.other.Delete(handlesOf(taken))
		}
		_, _ = io.WriteString(w, `{"figures":{"totals":{"total_orders":1},"months":{}}}`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func handlesOf(messages []queue.Message) map[string]bool {
	handles := map[string]bool{}
	for _, m := range messages {
		handles[m.Handle] = true
	}
	return handles
}

func TestRedriveSaysWhatWentBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		args string
		fail int
		code int
		text string
		left int
	}{
		{"all are counted", "--wait", 0, exitDone, "moved 12 messages", 0},
		{"they fail again", "--wait", 1, exitFailed, "12 messages went back to orders-rejected", 12},
		{"until empty", "--until-empty", 2, exitDone, "moved 36 messages", 0},
		{
			"never empty", "--until-empty --wait-timeout 8s", 1000, exitTimeout, "the time limit ran out",
			-1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, 12)
			address := pipelineOf(t, d, c.fail)
			var out bytes.Buffer
			args := append(
				[]string{"dlq", "redrive", "--yes", "--api-url", address},
				strings.Fields(c.args)...)
			cmd := d.orderctl(t, args...)
			cmd.Stdout, cmd.Stderr = &out, &out
			if got := code(cmd.Run()); got != c.code || !strings.Contains(out.String(), c.text) {
				t.Errorf("exit code %d, want %d with %q:\n%s", got, c.code, c.text, &out)
			}
			if got := len(d.queue.Messages()); c.left >= 0 && got != c.left {
				t.Errorf("%d messages are in the dead-letter queue, want %d", got, c.left)
			}
		})
	}
}

// Messages that another look hides are not moved, and redrive says so.
func TestRedriveSaysWhatIsHidden(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 12)
	d.queue.Receive(5) // another look
	var out bytes.Buffer
	cmd := d.orderctl(t, "dlq", "redrive", "--yes")
	cmd.Stdout, cmd.Stderr = &out, &out
	got := code(cmd.Run())
	if got != exitFailed || !strings.Contains(out.String(), "5 messages are hidden by another look") {
		t.Errorf("exit code %d, want %d and how many are hidden:\n%s", got, exitFailed, &out)
	}
}

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"orderpipeline/localstack/lab/queue"
)

// runsMain makes the test binary behave as orderctl.
const runsMain = "ORDERCTL_TEST_RUNS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(runsMain) != "" {
		main()
	}
	os.Exit(m.Run())
}

// A desk is a queue of rejected messages behind a fake SQS, for orderctl processes.
type desk struct {
	queue    *queue.Queue
	other    *queue.Queue // orders
	endpoint string
	// slow is how long a receive waits after it hid its messages; entered is told of each one. A
	// receive that entered has no room for waits.
	slow    time.Duration
	entered chan struct{}
}

func newDesk(t *testing.T, messages int) *desk {
	t.Helper()
	return newSlowDesk(t, messages, 0, 10_000)
}

// newSlowDesk starts a desk whose answers to receives are late, with room for this many of them.
func newSlowDesk(t *testing.T, messages int, slow time.Duration, room int) *desk {
	t.Helper()
	service, err := queue.Start(http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{
		queue:   service.Queue("orders-rejected", queue.Attributes{Visibility: 15 * time.Minute}),
		other:   service.Queue("orders", queue.Attributes{}),
		entered: make(chan struct{}, room),
		slow:    slow,
	}
	for i := range messages {
		d.queue.Send(fmt.Sprintf(`{"order_id":"ORD%d","note":%q}`, i, strings.Repeat("x", 200)))
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch target := r.Header.Get("X-Amz-Target"); {
		case target == "AmazonSQS.ReceiveMessage":
			d.receive(w, r)
		case strings.Contains(target, "MessageMoveTask"):
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"com.amazonaws.sqs#InvalidAction"}`)
		default:
			service.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		server.Close()
		_ = service.Close()
	})
	d.endpoint = server.URL
	return d
}

func (d *desk) receive(w http.ResponseWriter, r *http.Request) {
	var in struct{ MaxNumberOfMessages int }
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &in)
	type message struct {
		MessageID     string `json:"MessageId"`
		ReceiptHandle string
		Body          string
		Attributes    map[string]string
	}
	out := struct{ Messages []message }{}
	for _, m := range d.queue.Receive(in.MaxNumberOfMessages) {
		out.Messages = append(out.Messages, message{m.ID, m.Handle, m.Body, map[string]string{
			"SentTimestamp": "1700000000000", "ApproximateReceiveCount": fmt.Sprint(m.Receives),
		}})
	}
	select {
	case d.entered <- struct{}{}:
	case <-r.Context().Done(): // the process has ended
	}
	time.Sleep(d.slow)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(out)
}

// hidden is how many messages are in flight.
func (d *desk) hidden() int { return len(d.queue.Messages()) - len(d.peek()) }

// peek receives all visible messages and makes them visible again.
func (d *desk) peek() []queue.Message {
	var visible []queue.Message
	for {
		m := d.queue.Receive(10)
		if len(m) == 0 {
			return visible
		}
		visible = append(visible, m...)
	}
}

// orderctl prepares an orderctl process that works on the desk.
func (d *desk) orderctl(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	all := append([]string{"--rejected-url", d.queue.URL(), "--dlq-url", d.queue.URL(),
		"--queue-url", d.other.URL()}, args...)
	cmd := exec.CommandContext(t.Context(), program, all...)
	cmd.Env = []string{runsMain + "=1", "AWS_ENDPOINT_URL=" + d.endpoint, "HOME=" + t.TempDir()}
	return cmd
}

func code(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

func TestNothingStaysHiddenWhateverEndsALook(t *testing.T) {
	t.Parallel()
	const messages = 300
	for name, signal := range map[string]syscall.Signal{
		"SIGHUP": syscall.SIGHUP, "SIGINT": syscall.SIGINT, "SIGTERM": syscall.SIGTERM,
		"SIGPIPE": syscall.SIGPIPE,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newSlowDesk(t, messages, 20*time.Millisecond, 0)
			cmd := d.orderctl(t, "rejected", "list", "--scan", "0")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// In the middle of a receive: the service has hidden its messages, and the answer is on its
			// way. The receives after it wait until the signal is sent.
			for range 5 {
				<-d.entered
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			defer close(ended)
			go func() {
				for {
					select {
					case <-d.entered:
					case <-ended:
						return
					}
				}
			}()
			got := code(cmd.Wait())
			if want := map[bool]int{
				true: exitDone, false: exitInterrupted,
			}[signal == syscall.SIGPIPE]; got != want {
				t.Errorf("exit code %d, want %d", got, want)
			}
			if n := d.hidden(); n != 0 {
				t.Errorf("%d messages are hidden", n)
			}
		})
	}
}

func TestAPipeThatEndsEarlyHidesNothing(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"rejected", "export"},
		{"dlq", "export"},
		{"rejected", "list", "--scan", "0", "--limit", "0", "--json"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, 1200)
			cmd := d.orderctl(t, args...)
			var errOut bytes.Buffer
			cmd.Stderr = &errOut
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := bufio.NewReaderSize(out, 16).ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			out.Close()
			if got := code(cmd.Wait()); got != exitPipe || errOut.Len() > 0 {
				t.Errorf("exit code %d, %q; want %d and nothing", got, &errOut, exitPipe)
			}
			if n := d.hidden(); n != 0 {
				t.Errorf("%d messages are hidden", n)
			}
		})
	}
}

func TestAFullDiskHidesNothingAndIsAnError(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 300)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil && runtime.GOOS != "linux" {
		t.Skip("there is no /dev/full on this system")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	var errOut bytes.Buffer
	cmd := d.orderctl(t, "rejected", "export")
	cmd.Stdout, cmd.Stderr = full, &errOut
	got := code(cmd.Run())
	if got != exitFailed || !strings.Contains(errOut.String(), "no space left on device") {
		t.Errorf("exit code %d, %q; want %d and the reason", got, &errOut, exitFailed)
	}
	if n := d.hidden(); n != 0 {
		t.Errorf("%d messages are hidden", n)
	}
}

func TestALookSaysWhatAnotherOneHides(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		args []string
	}{
		{"list", []string{"rejected", "list", "--scan", "0"}},
		{"export to a file", []string{"rejected", "export", filepath.Join(t.TempDir(), "messages")}},
		{"export to a pipe", []string{"rejected", "export"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, 30)
			d.queue.Receive(10) // another look
			var out, errOut bytes.Buffer
			cmd := d.orderctl(t, c.args...)
			cmd.Stdout, cmd.Stderr = &out, &errOut
			got := code(cmd.Run())
			if got != exitFailed ||
				!strings.Contains(errOut.String(), "10 messages are hidden by another look") {
				t.Errorf("exit code %d, %q; want %d and how many are hidden", got, &errOut, exitFailed)
			}
			if strings.Contains(out.String(), "--scan 0") {
				t.Errorf("a look at all offers to look at all:\n%s", &out)
			}
		})
	}
}

// figures starts an API with one order, and returns its address.
func figures(t *testing.T) string {
	t.Helper()
	answers := map[string]string{
		"/stats/top/10":   `[{"user_id":"U1","total_spend":1.00}]`,
		"/users/U1/stats": `{"user_id":"U1","order_count":1,"total_spend":1.00}`,
		"/stats/overview": `{"time":"2026-01-01T00:00:00Z","time_zone":"UTC","redis_up":true,` +
			`"queues":[],"figures":{"totals":{},"messages":{},"top":[],` +
			`"months":{"2024-01":{"orders":1,"revenue":1.00}}}}`,
		"/stats/daily": `{"2024-01-01":{"orders":1,"revenue":1.00}}`,
		"/users":       `{"users":[{"user_id":"U1","order_count":1,"total_spend":1.00}]}`,
	}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, found := answers[r.URL.Path]
		if !found {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(api.Close)
	return api.URL
}

// brokenWriter fails after left bytes, as a disk that becomes full.
type brokenWriter struct{ left int }

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, syscall.ENOSPC
	}
	return len(p), nil
}

func TestOutputThatCannotBeWrittenIsAnErrorExit(t *testing.T) {
	t.Parallel()
	address := figures(t)
	for _, line := range []string{
		"help", "--version", "top --help", "completion bash", "bulk 10 --dry-run",
		"send --user U1 --item P:1:1 --dry-run",
		"top", "top --json", "top --csv", "user U1", "user U1 --json",
		"months", "months --json", "months --csv", "days", "days --csv",
		"customers", "customers --json", "customers --csv",
	} {
		t.Run(line, func(t *testing.T) {
			var errOut bytes.Buffer
			args := append(strings.Fields(line), "--api-url", address)
			got := run(t.Context(), args, strings.NewReader(""), &brokenWriter{}, &errOut, nothing)
			if got != exitFailed || !strings.Contains(errOut.String(), "cannot be written") {
				t.Errorf("exit code %d, %q; want %d", got, &errOut, exitFailed)
			}
			if errOut.Reset(); run(
				t.Context(), args, strings.NewReader(""), io.Discard, &errOut, nothing,
			) != 0 {
				t.Errorf("it fails with a good output, too: %q", &errOut)
			}
		})
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A function is a built function's bootstrap under a Lambda Runtime API of the benchmark's own: it hands out events and takes
// answers, as Lambda does for one instance, and does nothing else.
type function struct {
	process *exec.Cmd
	server  *http.Server
	started time.Time
	first   sync.Once
	ready   chan time.Time // when the instance first asked for an event
	events  chan []byte
	answers chan []byte
	failed  chan error
	stopped chan struct{}
}

// buildFunctions builds both functions as they are deployed.
func (b *bench) buildFunctions(ctx context.Context) error {
	for name, target := range map[string]string{"orders": "build-OrdersFunction", "stats": "build-StatsFunction"} {
		artifacts, err := filepath.Abs(filepath.Dir(b.bootstrap(name)))
		if err != nil {
			return err
		}
		if err := os.MkdirAll(artifacts, 0o755); err != nil {
			return err
		}
		command := exec.CommandContext(ctx, "make", "--no-print-directory", target, "ARTIFACTS_DIR="+artifacts, "FUNCTION_ARCH="+runtime.GOARCH)
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("build the function %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

func (b *bench) bootstrap(name string) string { return filepath.Join(b.dir, name, "bootstrap") }

// settings of a function, as the template gives them.
func settings(redisURL string, more ...string) []string {
	return append([]string{
		"REDIS_URL=" + redisURL, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=none", "AWS_SECRET_ACCESS_KEY=none", "AWS_ENDPOINT_URL=http://127.0.0.1:9",
	}, more...)
}

// queueSettings name queues that nobody answers for: no measurement refuses a message. The stats function has none, because it
// would ask for their depth.
var queueSettings = []string{"ORDERS_QUEUE_URL=http://127.0.0.1:9/0/orders", "REJECTED_QUEUE_URL=http://127.0.0.1:9/0/orders-rejected"}

// startFunction starts an instance.
func startFunction(bootstrap string, environment []string) (*function, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &function{
		ready: make(chan time.Time, 1), events: make(chan []byte), answers: make(chan []byte, 1), failed: make(chan error, 1),
		stopped: make(chan struct{}),
	}
	mux := http.NewServeMux()
	const invocation = "/2018-06-01/runtime/invocation/"
	mux.HandleFunc("GET "+invocation+"next", f.next)
	mux.HandleFunc("POST "+invocation+"{id}/response", f.answer)
	mux.HandleFunc("POST "+invocation+"{id}/error", f.fail)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", f.fail)
	f.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = f.server.Serve(listener) }()

	f.process = exec.Command(bootstrap)
	f.process.Env = append(environment, "AWS_LAMBDA_RUNTIME_API="+listener.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=bench", "_HANDLER=bootstrap",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512", "AWS_LAMBDA_FUNCTION_VERSION=1")
	f.process.Stderr = os.Stderr
	f.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	f.started = time.Now()
	if err := f.process.Start(); err != nil {
		_ = f.server.Close()
		return nil, err
	}
	return f, nil
}

func (f *function) next(w http.ResponseWriter, r *http.Request) {
	f.first.Do(func() { f.ready <- time.Now() })
	select {
	case event := <-f.events:
		header := w.Header()
		header.Set("Lambda-Runtime-Aws-Request-Id", "00000000-0000-4000-8000-000000000000")
		header.Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
		header.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:bench")
		header.Set("Content-Type", "application/json")
		_, _ = w.Write(event) // an instance that is gone shows by its missing answer
	case <-f.stopped:
	case <-r.Context().Done():
	}
}

func (f *function) answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	w.WriteHeader(http.StatusAccepted)
	if err != nil {
		f.failed <- err
		return
	}
	f.answers <- body
}

func (f *function) fail(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.WriteHeader(http.StatusAccepted)
	select {
	case f.failed <- fmt.Errorf("the function reported: %s", strings.TrimSpace(string(body))):
	default:
	}
}

// invoke hands out one event and returns its answer.
func (f *function) invoke(ctx context.Context, event []byte) ([]byte, error) {
	limit := time.After(time.Minute)
	select {
	case f.events <- event:
	case err := <-f.failed:
		return nil, err
	case <-limit:
		return nil, errors.New("the function did not ask for an event within a minute")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case answer := <-f.answers:
		return answer, nil
	case err := <-f.failed:
		return nil, err
	case <-limit:
		return nil, errors.New("the function gave no answer within a minute")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// cpu is the processor time that the instance has used, to a hundredth of a second.
func (f *function) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", f.process.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), ") ") // the name before it may hold blanks
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, fmt.Errorf("not a process's statistics: %q", text)
	}
	var ticks int64
	for _, field := range fields[11:13] { // user and system time
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / 100), nil
}

// stop ends the instance.
func (f *function) stop() {
	close(f.stopped)
	_ = f.process.Process.Kill()
	_ = f.process.Wait()
	_ = f.server.Close()
}

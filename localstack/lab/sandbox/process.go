package sandbox

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// An invocation is one event and the result that its caller waits for.
type invocation struct {
	id       string
	payload  []byte
	answered chan Result // takes one
}

// A process is one start of the bootstrap with its own Runtime API: a request that a killed process
// left behind cannot be mistaken for one of the next process.
type process struct {
	sandbox     *Sandbox
	command     *exec.Cmd
	server      *http.Server
	invocations chan *invocation
	begun       time.Time
	started     chan struct{} // closed when command may be used
	gone        chan struct{} // closed when the process has ended

	first   sync.Once
	ready   chan struct{} // closed at the first request for an event
	readyAt time.Time     // set before ready is closed

	mu      sync.Mutex
	current *invocation // not answered yet
}

func (s *Sandbox) start() (*process, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the function: %w", err)
	}
	p := &process{
		sandbox:     s,
		invocations: make(chan *invocation),
		started:     make(chan struct{}),
		gone:        make(chan struct{}),
		ready:       make(chan struct{}),
	}
	p.server = &http.Server{Handler: p.routes(), ReadHeaderTimeout: time.Minute}
	go func() { _ = p.server.Serve(listener) }() // ends with the process

	p.command = exec.Command(s.function.Path)
	p.command.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(),
		"AWS_LAMBDA_FUNCTION_NAME=under-test",
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256",
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"PATH=" + os.Getenv("PATH"),
	}, s.function.Env...)
	p.command.Stdout, p.command.Stderr = &s.log, &s.log
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.begun = time.Now()
	if err := p.command.Start(); err != nil {
		_ = p.server.Close()
		return nil, err
	}
	close(p.started)
	go func() {
		_ = p.command.Wait() // only that it ended matters, not how
		close(p.gone)
		_ = p.server.Close()
	}()
	return p, nil
}

// kill ends the process at once and waits until it is gone.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.gone
}

// signal ignores errors: a process that has ended needs no signal.
func (p *process) signal(signal syscall.Signal) { _ = p.command.Process.Signal(signal) }

func (p *process) routes() http.Handler {
	const invocation = "/2018-06-01/runtime/invocation/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+invocation+"next", p.next)
	mux.HandleFunc("POST "+invocation+"{id}/response", func(w http.ResponseWriter, r *http.Request) {
		p.answer(w, r, func(body []byte) Result { return Result{Payload: body} })
	})
	mux.HandleFunc("POST "+invocation+"{id}/error", func(w http.ResponseWriter, r *http.Request) {
		p.answer(w, r, func(body []byte) Result { return Result{Error: string(body)} })
	})
	mux.HandleFunc(
		"POST /2018-06-01/runtime/init/error",
		func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
		},
	)
	return mux
}

// next freezes the process until there is an event for it, as Lambda does.
func (p *process) next(w http.ResponseWriter, r *http.Request) {
	<-p.started
	p.first.Do(func() {
		p.readyAt = time.Now()
		close(p.ready)
	})
	if !p.sandbox.function.KeepRunning {
		p.signal(syscall.SIGSTOP)
	}
	select {
	case call := <-p.invocations:
		p.mu.Lock()
		p.current = call
		p.mu.Unlock()
		if !p.sandbox.function.KeepRunning {
			p.signal(syscall.SIGCONT)
		}
		deadline := time.Now().Add(p.sandbox.function.Timeout).UnixMilli()
		header := w.Header()
		header.Set("Lambda-Runtime-Aws-Request-Id", call.id)
		header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline, 10))
		header.Set("Lambda-Runtime-Invoked-Function-Arn",
			"arn:aws:lambda:us-east-1:000000000000:function:under-test")
		header.Set("Content-Type", "application/json")
		_, _ = w.Write(call.payload) // that the process ended is noticed by Invoke
	case <-p.gone:
	case <-r.Context().Done():
	}
}

func (p *process) answer(w http.ResponseWriter, r *http.Request, result func([]byte) Result) {
	p.mu.Lock()
	call := p.current
	p.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil || call == nil || call.id != r.PathValue("id") {
		http.Error(w, "no such invocation", http.StatusBadRequest)
		return
	}

	delivered := result(body)
	switch p.sandbox.verdict(body) {
	case Kill:
		p.signal(syscall.SIGKILL) // Invoke notices that it is gone
		return
	case Hold:
		<-p.gone
		return
	case Lose:
		delivered = failed("Sandbox.Lost: the response was lost")
	}

	p.mu.Lock()
	p.current = nil
	p.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
	call.answered <- delivered
}

// A tail keeps the end of what was written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 8 << 10

func (t *tail) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, text...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(text), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

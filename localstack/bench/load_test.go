package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestLoadReadsWholeAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		write func(http.ResponseWriter)
	}{
		{"with a length", func(w http.ResponseWriter) { fmt.Fprint(w, `{"status":"ok"}`) }},
		{"empty", func(http.ResponseWriter) {}},
		{"in chunks", func(w http.ResponseWriter) {
			for range 3 {
				fmt.Fprint(w, strings.Repeat("x", 5000))
				w.(http.Flusher).Flush()
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				test.write(w)
			}))
			defer server.Close()
			l := load{
				addr:        server.Listener.Addr().String(),
				requests:    [][]byte{get("/")},
				connections: 2,
				duration:    50 * time.Millisecond,
			}
			// Two answers of a connection at least, however long that takes on a busy machine.
			var result loadResult
			counted := 0.0
			for counted < 3 {
				l.duration *= 2
				asked.Store(0)
				var err error
				if result, err = l.run(t.Context()); err != nil {
					t.Fatal(err)
				}
				counted = result.rate * l.duration.Seconds()
			}
			// Every answer that was counted was asked for, and an answer read short would have spoilt the
			// next one.
			if counted > float64(asked.Load())+0.5 {
				t.Errorf("%.1f answers counted of %d", counted, asked.Load())
			}
			if result.p50 <= 0 || result.p99 < result.p50 {
				t.Errorf("p50 %v, p99 %v", result.p50, result.p99)
			}
		})
	}
}

func TestLoadRefusesErrors(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	l := load{
		addr:        server.Listener.Addr().String(),
		requests:    [][]byte{get("/")},
		connections: 1,
		duration:    time.Minute, // it ends with the first answer
	}
	if _, err := l.run(t.Context()); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("error %v, want one that names the status", err)
	}
}

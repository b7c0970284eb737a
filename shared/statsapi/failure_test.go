package statsapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/redistest"
	"orderpipeline/shared/statsapi"
)

func decode(t *testing.T, body string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return v
}

// dataRoutes are all that read the store.
var dataRoutes = []string{
	"/health", "/users/U1/stats", "/stats/global", "/stats/top/5", "/stats/monthly", "/stats/messages",
	"/stats/overview", "/stats/daily?start=2024-01-01&end=2024-01-31", "/users", "/metrics",
}

// metricsRoute alone never answers 503.
const metricsRoute = "/metrics"

func TestRedisDownIs503AndNeverAHang(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*redistest.Server) (heal func()){
		"killed": func(s *redistest.Server) func() { s.Kill(); return s.Restart },
		"frozen": func(s *redistest.Server) func() { s.Freeze(); return s.Thaw },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			rdb, err := ledger.Connect(ledger.Connection{URL: server.URL(), Timeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			defer rdb.Close()
			var log bytes.Buffer
			store := newStore(t, rdb)
			api := statsapi.New(statsapi.Config{
				Store: store,
				Log:   slog.New(slog.NewJSONHandler(&log, nil)),
				Limit: 100 * time.Millisecond,
			})
			patient := statsapi.New(
				statsapi.Config{Store: store, Log: slog.New(slog.DiscardHandler), Limit: patience},
			)
			if got := ask(t, patient, http.MethodGet, "/health"); got.status != http.StatusOK {
				t.Fatalf("before: %d %s", got.status, got.body)
			}

			heal := fail(server)
			for _, path := range dataRoutes {
				if path == metricsRoute {
					continue
				}
				got := ask(t, api, http.MethodGet, path)
				if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
					t.Fatalf(
						"%s: status %d, Retry-After %q: %s", path, got.status,
						got.header.Get("Retry-After"), got.body,
					)
				}
				got.problem(t)
				for _, leak := range []string{
					"127.0.0.1", "dial", "redis", "Redis", "timeout", "goroutine", "context",
				} {
					if strings.Contains(got.body, leak) {
						t.Errorf("%s: the answer says %q: %s", path, leak, got.body)
					}
				}
			}
			if !strings.Contains(log.String(), `"status":503`) ||
				!strings.Contains(log.String(), "unavailable") {
				t.Errorf("the log does not tell the cause:\n%s", log.String())
			}

			heal()
			wantRecovery(t, patient, "/stats/global")
		})
	}
}

// wantRecovery asks until the API answers.
func wantRecovery(t *testing.T, api http.Handler, path string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for ask(t, api, http.MethodGet, path).status != http.StatusOK {
		if time.Now().After(deadline) {
			t.Fatal("no recovery when Redis is back")
		}
	}
}

func TestAPanicIsACleanProblem(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	api := statsapi.New(statsapi.Config{
		Store: fakeStore{
			global: func(context.Context) (ledger.Totals, error) { panic("secret of 10.0.0.7") },
		},
		Log: slog.New(slog.NewJSONHandler(&log, nil)),
	})
	got := ask(t, api, http.MethodGet, "/stats/global")
	if got.status != http.StatusInternalServerError {
		t.Fatalf("status %d", got.status)
	}
	got.problem(t)
	if strings.Contains(got.body, "secret") || strings.Contains(got.body, "goroutine") {
		t.Errorf("the answer reveals too much: %s", got.body)
	}
	id := got.header.Get("X-Request-Id")
	if id == "" || strings.Count(log.String(), id) != 2 ||
		!strings.Contains(log.String(), "secret of 10.0.0.7") ||
		!strings.Contains(log.String(), "failure_test.go") {
		t.Errorf("the log lacks the request id %q, the panic or its stack:\n%s", id, log.String())
	}
}

// brokenPipe is a connection whose client went away.
type brokenPipe struct{ http.ResponseWriter }

func (brokenPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestAClientThatGoesAwayIsNoFailure(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}) // closed when the store is asked
	request := func(ctx context.Context) *http.Request {
		return httptest.NewRequestWithContext(ctx, http.MethodGet, "/stats/global", http.NoBody)
	}
	for name, c := range map[string]struct {
		global func(context.Context) (ledger.Totals, error)
		serve  func(*testing.T, http.Handler)
	}{
		"in the middle of an answer": {
			func(context.Context) (ledger.Totals, error) { return ledger.Totals{}, nil },
			func(t *testing.T, api http.Handler) {
				api.ServeHTTP(brokenPipe{httptest.NewRecorder()}, request(t.Context()))
			},
		},
		"in the middle of a refusal": {
			func(context.Context) (ledger.Totals, error) { return ledger.Totals{}, errors.New("away") },
			func(t *testing.T, api http.Handler) {
				api.ServeHTTP(brokenPipe{httptest.NewRecorder()}, request(t.Context()))
			},
		},
		"before the store answers": {
			func(ctx context.Context) (ledger.Totals, error) {
				close(asked)
				<-ctx.Done()
				return ledger.Totals{}, ctx.Err()
			},
			func(t *testing.T, api http.Handler) {
				server := httptest.NewServer(api)
				defer server.Close() // waits for the handler
				ctx, cancel := context.WithCancel(t.Context())
				go func() {
					<-asked
					cancel()
				}()
				r, err := http.NewRequestWithContext(
					ctx, http.MethodGet, server.URL+"/stats/global", http.NoBody,
				)
				if err != nil {
					t.Fatal(err)
				}
				if response, err := server.Client().Do(r); err == nil {
					_ = response.Body.Close()
					t.Errorf("status %d for a client that left", response.StatusCode)
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			api := statsapi.New(statsapi.Config{
				Store: fakeStore{global: c.global}, Log: slog.New(slog.NewJSONHandler(&log, nil)),
				Limit: time.Minute,
			})
			c.serve(t, api)
			lines := strings.Split(strings.TrimSpace(log.String()), "\n")
			if len(lines) != 1 {
				t.Fatalf("want one line:\n%s", log.String())
			}
			if line := decode(t, lines[0]); line["status"] != 499.0 || line["level"] != "INFO" ||
				line["route"] != "/stats/global" {
				t.Errorf("want status 499 at level INFO: %s", lines[0])
			}
		})
	}
}

func TestNoCustomerIDIsLoggedAboveDebug(t *testing.T) {
	t.Parallel()
	rdb := redistest.Client(t)
	store := newStore(t, rdb)
	record(t, store, placed(t, "O1", "customer-4711", "2024-01", 1))
	for level, wantID := range map[slog.Level]bool{slog.LevelInfo: false, slog.LevelDebug: true} {
		var log bytes.Buffer
		api := statsapi.New(statsapi.Config{
			Store: store,
			Log:   slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: level})),
			Limit: patience,
		})
		for _, path := range []string{
			"/users/customer-4711/stats", "/users/customer-4712/stats",
			"/users/customer-47%0A/stats", "/customer-4711",
		} {
			ask(t, api, http.MethodGet, path)
		}
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != 4 {
			t.Fatalf("%d lines for 4 requests:\n%s", len(lines), log.String())
		}
		if got := strings.Contains(log.String(), "customer-47"); got != wantID {
			t.Errorf("at %v the log holds a customer's id: %t, want %t\n%s",
				level, got, wantID, log.String())
		}
		first := decode(t, lines[0])
		if first["route"] != "/users/{id}/stats" || first["status"] != 200.0 ||
			first["request_id"] == "" || first["duration_ms"] == nil {
			t.Errorf("the line lacks something: %s", lines[0])
		}
		if last := decode(t, lines[3]); last["route"] != "unmatched" || last["status"] != 404.0 {
			t.Errorf("the line of an unknown route: %s", lines[3])
		}
	}
}

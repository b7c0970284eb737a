package statsapi_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/redistest"
	"orderpipeline/shared/statsapi"
	"orderpipeline/shared/statsapi/answer"
)

// fiveWait is a queue service that answers at once.
var fiveWait = fakeQueues{func(context.Context) ([]answer.Queue, error) {
	return []answer.Queue{{Queue: "orders", Depth: answer.Depth{Visible: 5, InFlight: 3_000}}}, nil
}}

// During an outage of Redis the queues are what one looks at: they are shown, and no counter is.
func TestQueuesAreShownWhileRedisIsDown(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	rdb, err := ledger.Connect(ledger.Connection{URL: server.URL(), Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer rdb.Close()
	store := newStore(t, rdb)
	record(t, store, placed(t, "O1", "U1", "2024-01", 100))
	var log bytes.Buffer
	api := statsapi.New(statsapi.Config{
		Store:  store,
		Queues: fiveWait,
		Log:    slog.New(slog.NewJSONHandler(&log, nil)),
		Limit:  patience,
	})
	if body := read(t, api, "/stats/messages"); !strings.HasPrefix(body, `{"recorded":1,`) ||
		!strings.Contains(body, `"redis_up":true`) {
		t.Errorf("before: %s", body)
	}

	server.Kill()
	wantQueuesAlone(t, api, &log)
	server.Restart()

	wantRecovery(t, api, "/health")
	if body := read(t, api, "/stats/messages"); !strings.Contains(body, `"recorded":`) ||
		!strings.Contains(body, `"redis_up":true`) {
		t.Errorf("after: %s", body)
	}
}

// The clock is that of a bubble: however busy the machine is, the queues have a quarter of a second
// to answer, and need none of it.
func TestQueuesAreShownWhileRedisIsSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		wantQueuesAlone(t, statsapi.New(statsapi.Config{
			Store: silentStore(), Queues: fiveWait, Log: slog.New(slog.NewJSONHandler(&log, nil)),
		}), &log)
	})
}

// read asks for an answer with status 200.
func read(t *testing.T, api http.Handler, path string) string {
	t.Helper()
	got := ask(t, api, http.MethodGet, path)
	if got.status != http.StatusOK {
		t.Fatalf("%s: status %d: %s", path, got.status, got.body)
	}
	return got.body
}

// wantQueuesAlone checks what an API with fiveWait answers while Redis is away.
func wantQueuesAlone(t *testing.T, api http.Handler, log *bytes.Buffer) {
	t.Helper()
	const want = `{"redis_up":false,"queues":` +
		`[{"queue":"orders","visible":5,"in_flight":3000,"delayed":0}]}`
	if got := strings.TrimSpace(read(t, api, "/stats/messages")); got != want {
		t.Errorf("messages are %s, want %s", got, want)
	}
	overview := decode(t, read(t, api, "/stats/overview?user=U1"))
	if overview["redis_up"] != false || overview["figures"] != nil ||
		len(overview["queues"].([]any)) != 1 {
		t.Errorf("overview %v", overview)
	}
	families := scrape(t, api)
	if got := families["orders_redis_up"].GetMetric()[0].GetGauge().GetValue(); got != 0 {
		t.Errorf("orders_redis_up %v, want 0", got)
	}
	if got := value(families["orders_queue_messages"], "in_flight"); got != 3000 {
		t.Errorf("in flight %v, want 3000", got)
	}
	if len(families) != 2 {
		t.Errorf("%d families, want only the two that do not depend on Redis", len(families))
	}
	if got := ask(t, api, http.MethodGet, "/health"); got.status != http.StatusServiceUnavailable {
		t.Errorf("health is %d, want 503", got.status)
	}
	if !strings.Contains(log.String(), `"route":"/stats/messages","status":200`) ||
		!strings.Contains(log.String(), "unavailable") {
		t.Errorf("the log does not have the cause:\n%s", log.String())
	}
}

func TestQueuesThatDoNotAnswerCostOnlyTheirDepth(t *testing.T) {
	t.Parallel()
	for name, depths := range map[string]func(
		ctx context.Context, end <-chan struct{},
	) ([]answer.Queue, error){
		"an error": func(context.Context, <-chan struct{}) ([]answer.Queue, error) {
			return nil, errors.New("SQS is away")
		},
		"too slow": func(ctx context.Context, _ <-chan struct{}) ([]answer.Queue, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
		"deaf to the time limit": func(
			_ context.Context, end <-chan struct{},
		) ([]answer.Queue, error) {
			<-end
			return nil, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				end := make(chan struct{})
				defer close(end)
				queues := fakeQueues{func(ctx context.Context) ([]answer.Queue, error) {
					return depths(ctx, end)
				}}
				api := statsapi.New(statsapi.Config{
					Store: emptyStore(), Queues: queues, Log: slog.New(slog.DiscardHandler),
				})
				for _, path := range []string{"/stats/messages", "/metrics"} {
					if got := ask(t, api, http.MethodGet, path); got.status != http.StatusOK ||
						strings.Contains(got.body, "in_flight") {
						t.Errorf("%s: %d %s", path, got.status, got.body)
					}
				}
			})
		})
	}
}

package statsapi_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"orderpipeline/shared/metric"
	"orderpipeline/shared/redistest"
	"orderpipeline/shared/statsapi"
	"orderpipeline/shared/statsapi/answer"
)

// scrape reads /metrics with Prometheus's own parser and linter.
func scrape(t *testing.T, h http.Handler) map[string]*dto.MetricFamily {
	t.Helper()
	got := ask(t, h, http.MethodGet, "/metrics")
	if got.status != http.StatusOK || got.header.Get("Content-Type") != metric.ContentType {
		t.Fatalf("status %d, type %q: %s", got.status, got.header.Get("Content-Type"), got.body)
	}
	problems, err := promlint.New(strings.NewReader(got.body)).Lint()
	if err != nil || len(problems) > 0 {
		t.Fatalf("lint: %v %v", err, problems)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(got.body))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// value is the sum of a family's samples that have this value in one of their labels.
func value(f *dto.MetricFamily, label string) (sum float64) {
	for _, m := range f.GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetValue() == label {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
				sum += float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

func TestSeveralInstancesCountExactly(t *testing.T) {
	t.Parallel()
	rdb := redistest.Client(t)
	const instances, workers, requests = 4, 4, 50
	var everyone sync.WaitGroup
	for range instances {
		api := statsapi.New(statsapi.Config{
			Store: patientStore{newStore(t, rdb)}, Log: slog.New(slog.DiscardHandler), Limit: patience,
		})
		everyone.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			flushed := make(chan struct{})
			go func() { defer close(flushed); api.FlushEvery(ctx, time.Millisecond) }()
			var running sync.WaitGroup
			for range workers {
				running.Go(func() {
					for range requests {
						ask(t, api, http.MethodGet, "/stats/global")
						ask(t, api, http.MethodGet, "/users/U404/stats")
					}
				})
			}
			running.Wait()
			cancel()
			<-flushed
		})
	}
	everyone.Wait()

	reader := statsapi.New(statsapi.Config{
		Store: newStore(t, rdb), Log: slog.New(slog.DiscardHandler), Limit: patience,
	})
	families := scrape(t, reader)
	const each = instances * workers * requests
	for label, want := range map[string]float64{
		"/stats/global": each, "200": each, "/users/{id}/stats": each, "404": each,
	} {
		if got := value(families["orders_api_requests_total"], label); got != want {
			t.Errorf("requests with %s: %v, want %d", label, got, each)
		}
	}
	if got := value(families["orders_api_request_duration_seconds"], "/stats/global"); got != each {
		t.Errorf("latency observations: %v, want %d", got, each)
	}
}

func TestWhatCouldNotBeFlushedIsKept(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	var stored sync.Map
	api := statsapi.New(statsapi.Config{Log: slog.New(slog.DiscardHandler), Store: fakeStore{
		addCounters: func(_ context.Context, delta map[string]int64) error {
			if down.Load() {
				return errors.New("no connection")
			}
			for key, n := range delta {
				had, _ := stored.LoadOrStore(key, int64(0))
				stored.Store(key, had.(int64)+n)
			}
			return nil
		},
	}})
	count := func() int64 {
		n, _ := stored.Load(`orders_api_requests_total{route="unmatched",status="404"}`)
		have, _ := n.(int64)
		return have
	}
	down.Store(true)
	for range 3 {
		ask(t, api, http.MethodGet, "/nowhere")
		if err := api.Flush(t.Context()); err == nil {
			t.Fatal("a failed flush returned no error")
		}
	}
	down.Store(false)
	ask(t, api, http.MethodGet, "/nowhere")
	for range 2 {
		if err := api.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := count(); got != 4 {
			t.Errorf("%d requests are counted, want 4", got)
		}
	}
}

func TestAFlushIsBounded(t *testing.T) {
	t.Parallel()
	api := statsapi.New(statsapi.Config{Log: slog.New(slog.DiscardHandler), Store: fakeStore{
		addCounters: func(ctx context.Context, _ map[string]int64) error {
			<-ctx.Done()
			return ctx.Err()
		},
	}})
	ask(t, api, http.MethodGet, "/nowhere")
	if err := api.Flush(context.Background()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
}

func TestMetricsHoldEverything(t *testing.T) {
	t.Parallel()
	store := newStore(t, redistest.Client(t))
	queues := fakeQueues{func(context.Context) ([]answer.Queue, error) {
		return []answer.Queue{
			{Queue: "orders", Depth: answer.Depth{Visible: 5}},
			{Queue: "orders-dlq", Depth: answer.Depth{Visible: 2, InFlight: 1}},
		}, nil
	}}
	api := statsapi.New(statsapi.Config{
		Store: patientStore{store}, Queues: queues, Log: slog.New(slog.DiscardHandler),
		Limit: patience,
	})
	record(t, store, placed(t, "O1", "U1", "2024-01", 4205), placed(t, "O2", "U1", "2024-01", 1))
	ask(t, api, http.MethodGet, "/health")
	delta := metric.Delta{}
	metric.BatchSize.Observe(delta, 2)
	metric.BatchDuration.Observe(delta, 3_000)
	if err := store.AddCounters(t.Context(), delta); err != nil {
		t.Fatal(err)
	}
	if err := api.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}

	families := scrape(t, api)
	for _, f := range metric.Families() {
		if families[f.Name()] == nil {
			t.Errorf("%s is not exposed", f.Name())
		}
	}
	if got := families["orders_revenue_total"].GetMetric()[0].GetCounter().GetValue(); got != 42.06 {
		t.Errorf("revenue %v, want 42.06", got)
	}
	if got := families["orders_recorded_total"].GetMetric()[0].GetCounter().GetValue(); got != 2 {
		t.Errorf("recorded %v, want 2", got)
	}
	for label, want := range map[string]float64{"recorded": 2, "duplicate": 0, "failed": 0} {
		if got := value(families["orders_messages_total"], label); got != want {
			t.Errorf("messages %s: %v, want %v", label, got, want)
		}
	}
	if got := len(families["orders_messages_refused_total"].GetMetric()); got != 6 {
		t.Errorf("%d reasons, want all 6, those of zero too", got)
	}
	if got := value(families["orders_queue_messages"], "orders-dlq"); got != 3 {
		t.Errorf("dead letters %v, want 3", got)
	}
	durations := families["orders_batch_duration_seconds"].GetMetric()[0].GetHistogram()
	if got := durations.GetSampleSum(); got != 0.003 {
		t.Errorf("batch seconds %v, want 0.003", got)
	}
}

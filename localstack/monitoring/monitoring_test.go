package monitoring_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/metric"
	"orderpipeline/shared/order"
	"orderpipeline/shared/redistest"
	"orderpipeline/shared/statsapi"
	"orderpipeline/shared/statsapi/answer"
)

// dashboard is what the tests read of Grafana's model.
type dashboard struct {
	UID        string
	Panels     []panel
	Templating struct {
		List []struct {
			Name  string
			Query any
		}
	}
}

type panel struct {
	Title   string
	GridPos struct{ X, Y, W, H int }
	Targets []struct{ Expr string }
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	content, err := os.ReadFile("grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(content, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheDashboardUsesOnlyWhatIsExposed(t *testing.T) {
	t.Parallel()
	exposed := scrape(t)
	used := map[string]bool{}
	metricName := regexp.MustCompile(`\borders_[a-z_]+`)
	selector := regexp.MustCompile(`([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"`)
	by := regexp.MustCompile(`by \(([^)]*)\)`)
	for _, p := range readDashboard(t).Panels {
		if len(p.Targets) == 0 {
			t.Errorf("panel %q asks nothing", p.Title)
		}
		for _, target := range p.Targets {
			names := metricName.FindAllString(target.Expr, -1)
			if len(names) == 0 {
				t.Errorf("panel %q uses no metric: %s", p.Title, target.Expr)
			}
			for _, name := range names {
				labels, found := exposed[name]
				if !found {
					t.Errorf("panel %q uses %s, which /metrics does not have", p.Title, name)
					continue
				}
				used[strings.TrimSuffix(
					strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count",
				)] = true
				for _, group := range by.FindAllStringSubmatch(target.Expr, -1) {
					for _, label := range strings.Split(group[1], ", ") {
						if label != "job" && labels[label] == nil {
							t.Errorf("panel %q groups %s by %s, a label that it does not have", p.Title, name, label)
						}
					}
				}
				for _, s := range selector.FindAllStringSubmatch(target.Expr, -1) {
					label, operator, value := s[1], s[2], s[3]
					if label == "job" {
						continue
					}
					if labels[label] == nil || operator == "=" && !slices.Contains(labels[label], value) {
						t.Errorf("panel %q selects %s, which %s does not have", p.Title, s[0], name)
					}
				}
			}
			if strings.Count(target.Expr, "(") != strings.Count(target.Expr, ")") ||
				!strings.Contains(target.Expr, `job=~"$job"`) {
				t.Errorf("panel %q: %s", p.Title, target.Expr)
			}
		}
	}
	for _, f := range metric.Families() {
		if !used[f.Name()] {
			t.Errorf("no panel shows %s", f.Name())
		}
	}
}

func TestPanelsDoNotOverlap(t *testing.T) {
	t.Parallel()
	panels := readDashboard(t).Panels
	for i, a := range panels {
		if a.GridPos.X+a.GridPos.W > 24 {
			t.Errorf("panel %q is wider than the page", a.Title)
		}
		for _, b := range panels[i+1:] {
			p, q := a.GridPos, b.GridPos
			if p.X < q.X+q.W && q.X < p.X+p.W && p.Y < q.Y+q.H && q.Y < p.Y+p.H {
				t.Errorf("panels %q and %q overlap", a.Title, b.Title)
			}
		}
	}
}

func TestThePrometheusConfigurationScrapesMetrics(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("prometheus.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Global struct {
			Interval string `yaml:"scrape_interval"`
			Timeout  string `yaml:"scrape_timeout"`
		}
		Rules  []string `yaml:"rule_files"`
		Scrape []struct {
			Job     string `yaml:"job_name"`
			Scheme  string
			Path    string `yaml:"metrics_path"`
			Targets []struct {
				Targets []string
			} `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(content)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&config); err != nil {
		t.Fatal(err)
	}
	if len(config.Scrape) != 1 || !strings.HasSuffix(config.Scrape[0].Path, "/v1/metrics") ||
		len(config.Scrape[0].Targets) != 1 {
		t.Errorf("scrapes %+v", config.Scrape)
	}
	interval, err1 := time.ParseDuration(config.Global.Interval)
	timeout, err2 := time.ParseDuration(config.Global.Timeout)
	if err1 != nil || err2 != nil || timeout >= interval {
		t.Errorf("every %s, for at most %s", config.Global.Interval, config.Global.Timeout)
	}
}

// scrape reads /metrics of an API in which everything was counted once: for each sample name the
// values of its labels.
func scrape(t *testing.T) map[string]map[string][]string {
	t.Helper()
	store, err := ledger.New(redistest.Client(t), ledger.Options{Shards: 1, Retention: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	api := statsapi.New(statsapi.Config{
		Store:  store,
		Queues: queues{},
		Log:    slog.New(slog.DiscardHandler),
	})
	orders := []order.Order{{
		ID: "1", UserID: "U1", Placed: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), Value: 1,
	}}
	delta := metric.Delta{}
	metric.BatchSize.Observe(delta, 1)
	metric.BatchDuration.Observe(delta, 1)
	if err := store.Record(t.Context(), orders, make([]ledger.Outcome, 1)); err != nil {
		t.Fatal(err)
	}
	if err := store.AddCounters(t.Context(), delta); err != nil {
		t.Fatal(err)
	}
	answer := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		return w
	}
	answer("/health")
	if err := api.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(answer("/metrics").Body)
	if err != nil {
		t.Fatal(err)
	}

	samples := map[string]map[string][]string{}
	for name, family := range families {
		labels := map[string][]string{}
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = append(labels[l.GetName()], l.GetValue())
			}
		}
		samples[name] = labels
		if family.GetType() == dto.MetricType_HISTOGRAM {
			labels["le"] = []string{"+Inf"}
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				samples[name+suffix] = labels
			}
		}
	}
	return samples
}

type queues struct{}

func (queues) Depths(context.Context) ([]answer.Queue, error) {
	return []answer.Queue{
		{Queue: "orders"}, {Queue: "orders-dlq"}, {Queue: "orders-rejected"},
		{Queue: "orders-replay"}, {Queue: "orders-replay-dlq"},
	}, nil
}

package template

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const emfNamespace = "OrderPipeline" // metric.Namespace

// measured are the names of the metrics that the functions log.
func measured(t *testing.T) []string {
	t.Helper()
	var names []string
	call := regexp.MustCompile(`metric\.(?:Count|Milliseconds)\(\s*"(\w+)"`)
	for _, pattern := range []string{"../../shared/*/*.go", "../../functions/*/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range call.FindAllSubmatch(text, -1) {
				names = append(names, string(match[1]))
			}
		}
	}
	if len(names) == 0 {
		t.Fatal("no function logs a metric")
	}
	return names
}

// An alarm on a metric that nothing writes would never fire, and nothing would say so.
func TestAlarmsLookAtMetricsThatExist(t *testing.T) {
	t.Parallel()
	type alarm struct {
		Namespace  string `yaml:"Namespace"`
		MetricName string `yaml:"MetricName"`
		Dimensions []struct {
			Name  string    `yaml:"Name"`
			Value yaml.Node `yaml:"Value"`
		} `yaml:"Dimensions"`
	}
	names, looked := measured(t), 0
	for name, a := range of[alarm](t, readGolden(t, "own-alarms"), "AWS::CloudWatch::Alarm") {
		if a.Namespace != emfNamespace {
			continue
		}
		looked++
		if !slices.Contains(names, a.MetricName) {
			t.Errorf("%s looks at %s, which no function logs", name, a.MetricName)
		}
		if len(a.Dimensions) != 1 || a.Dimensions[0].Name != "Stack" ||
			a.Dimensions[0].Value.Value != "order-pipeline" {
			t.Errorf("%s: dimensions %v, want the stack", name, a.Dimensions)
		}
	}
	if looked < 3 {
		t.Errorf("%d alarms look at metrics of the functions, want at least Failed, Healed and "+
			"ReplayConflicts", looked)
	}
}

func TestDashboard(t *testing.T) {
	t.Parallel()
	type board struct {
		Body struct {
			Sub string `yaml:"Fn::Sub"`
		} `yaml:"DashboardBody"`
	}
	names := measured(t)
	for _, b := range of[board](t, readGolden(t, "own-alarms"), "AWS::CloudWatch::Dashboard") {
		var body struct {
			Widgets []struct {
				Properties struct {
					Title   string
					Metrics [][]string
				}
			}
		}
		if err := json.Unmarshal([]byte(b.Body.Sub), &body); err != nil {
			t.Fatalf("%v\n%s", err, b.Body.Sub)
		}
		if len(body.Widgets) == 0 {
			t.Error("the dashboard is empty")
		}
		for _, w := range body.Widgets {
			if w.Properties.Title == "" || len(w.Properties.Metrics) == 0 {
				t.Errorf("a widget lacks a title or metrics: %+v", w)
			}
			for _, m := range w.Properties.Metrics {
				if m[0] == emfNamespace && !slices.Contains(names, m[1]) {
					t.Errorf("%s shows %s, which no function logs", w.Properties.Title, m[1])
				}
			}
		}
	}
}

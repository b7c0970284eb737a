package monitoring_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// promtool is Prometheus's own test tool, on PATH or as "make test" installs it.
func promtool(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("promtool"); err == nil {
		return path
	}
	const installed = "../../.local/promtool/usr/bin/promtool"
	if _, err := os.Stat(installed); err != nil {
		t.Fatalf("promtool is not installed; make test installs it: %v", err)
	}
	return installed
}

func TestAlertsFireWhenTheyShould(t *testing.T) {
	t.Parallel()
	tool := promtool(t)
	for _, arguments := range [][]string{
		{"check", "config", "prometheus.yaml"},
		{"check", "rules", "alerts.yaml"},
		{"test", "rules", "alerts_test.yaml"},
	} {
		output, err := exec.CommandContext(t.Context(), tool, arguments...).CombinedOutput()
		if err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(arguments, " "), err, output)
		}
	}
}

type alertRules struct {
	Groups []struct {
		Rules []struct {
			Alert string
			Expr  string
		}
	}
}

// A rule over a metric or a label value that /metrics does not have would never fire.
func TestAlertsUseOnlyWhatIsExposed(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var rules alertRules
	if err := yaml.Unmarshal(content, &rules); err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile("alerts_test.yaml")
	if err != nil {
		t.Fatal(err)
	}

	exposed := scrape(t)
	selectors := regexp.MustCompile(`\b(orders_[a-z_]+)(?:\{([^}]*)\})?`)
	matchers := regexp.MustCompile(`([a-z_]+)=~?"([^"]*)"`)
	for _, rule := range rules.Groups[0].Rules {
		for _, selector := range selectors.FindAllStringSubmatch(rule.Expr, -1) {
			labels, found := exposed[selector[1]]
			if !found {
				t.Errorf("%s uses %s, which /metrics does not have", rule.Alert, selector[1])
				continue
			}
			for _, m := range matchers.FindAllStringSubmatch(selector[2], -1) {
				for _, value := range strings.Split(m[2], "|") {
					if !strings.Contains(" "+strings.Join(labels[m[1]], " ")+" ", " "+value+" ") {
						t.Errorf("%s selects %s=%q, which %s does not have", rule.Alert, m[1], value, selector[1])
					}
				}
			}
		}
		if !strings.Contains(string(tests), "alertname: "+rule.Alert+"\n        exp_alerts:") {
			t.Errorf("no test lets %s fire", rule.Alert)
		}
	}
}

package template

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"go.yaml.in/yaml/v3"

	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/config"
)

// occurrences returns what the group of a pattern matches in a file of the repository. A pattern
// that matches nothing fails the test, so that a renamed setting is noticed.
func occurrences(t *testing.T, file, pattern string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", file))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
		found = append(found, match[1])
	}
	if len(found) == 0 {
		t.Fatalf("%s: nothing matches %s", file, pattern)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// TestValuesWrittenTwiceAreEqual lists what several files must say, because neither can read the
// other.
func TestValuesWrittenTwiceAreEqual(t *testing.T) {
	t.Parallel()
	type place struct{ file, pattern string }
	for name, places := range map[string][]place{
		"build tags": {
			{"Makefile", `FUNCTION_TAGS := (\S+)`},
			{"localstack/lib/install.sh", `-trimpath -tags (\S+)`},
		},
		"version of LocalStack": {
			{"localstack/requirements/localstack.in", `localstack-core\[runtime\]==(\S+)`},
			{"localstack/lib/settings.sh", `LOCALSTACK_VERSION=(\S+)`},
		},
		"name of the stack": {
			{"samconfig.toml", `stack_name = "(order-pipeline)"`},
			{"localstack/lib/settings.sh", `STACK_NAME:-(order-pipeline)}`},
			{"localstack/orderctl/session/target.go", `DefaultStack = "(.*)"`},
		},
		"bucket of artifacts": {
			{"samconfig.toml", `s3_bucket = "(.*)"`},
			{"localstack/lib/deploy.sh", `\bBUCKET=(\S+)`},
		},
		"version of Go": {
			{"go.mod", `(?m)^go (\d+\.\d+)`},
			{"README.md", `Go (\d+\.\d+)`},
			{"localstack/local", `Go (\d+\.\d+) or newer`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := occurrences(t, places[0].file, places[0].pattern)
			for _, p := range places {
				if got := occurrences(t, p.file, p.pattern); !slices.Equal(got, first) || len(got) != 1 {
					t.Errorf("%s says %q, %s says %q", p.file, got, places[0].file, first)
				}
			}
		})
	}
}

// TestDefaultsOfTheFunctionsAreThoseOfTheTemplate compares what a function assumes where a variable
// is not set, the parameters of the template, and the settings of the local deployment.
func TestDefaultsOfTheFunctionsAreThoseOfTheTemplate(t *testing.T) {
	t.Parallel()
	defaults := map[string]string{}
	for name, parameter := range read(t).Parameters {
		if node, found := parameter["Default"]; found {
			defaults[name] = text(t, node)
		}
	}
	settings := map[string]string{
		"ORDERS_QUEUE_URL": "orders", "REJECTED_QUEUE_URL": "rejected",
		"REDIS_URL": "redis://localhost", "ARCHIVE_BUCKET": "archive",
	}
	lookup := func(name string) (string, bool) { value, found := settings[name]; return value, found }
	orders, err := config.ForOrders(lookup)
	if err != nil {
		t.Fatal(err)
	}
	for parameter, got := range map[string]int{
		"LedgerShards":      orders.Ledger.Shards,
		"SeenRetentionDays": int(orders.Ledger.Retention.Hours()) / 24,
		"RetryDelaySeconds": int(orders.FirstDelay.Seconds()),
	} {
		if want := defaults[parameter]; strconv.Itoa(got) != want {
			t.Errorf("%s: the function's default is %d, the template's %s", parameter, got, want)
		}
	}
	if got, want := orders.Ledger.Zone.String(), defaults["TimeZone"]; got != want {
		t.Errorf("TimeZone: the function's default is %s, the template's %s", got, want)
	}
	bounds := read(t).Parameters["SeenRetentionDays"]
	for name, got := range map[string]int{
		"MinValue": config.MinRetentionDays,
		"MaxValue": config.MaxRetentionDays,
	} {
		if want := text(t, bounds[name]); strconv.Itoa(got) != want {
			t.Errorf("%s of SeenRetentionDays: the function takes %d, the template %s", name, got, want)
		}
	}
	for parameter, variable := range map[string]string{
		"LedgerShards":      "LEDGER_SHARDS",
		"RedisCluster":      "REDIS_CLUSTER",
		"LogLevel":          "LOG_LEVEL",
		"RetryDelaySeconds": "RETRY_DELAY_SECONDS",
	} {
		local := occurrences(t, "localstack/lib/settings.sh", variable+`:-([^}]+)\}`)
		if want := defaults[parameter]; len(local) != 1 || local[0] != want {
			t.Errorf("%s: settings.sh says %q, the template %s", parameter, local, want)
		}
	}
	got := occurrences(t, "samconfig.toml", `stack_name = "(.*)"`)
	if !slices.Contains(got, session.DefaultStack) {
		t.Errorf("samconfig.toml names the stacks %q, orderctl looks for %s", got, session.DefaultStack)
	}
}

func text(t *testing.T, node yaml.Node) string {
	t.Helper()
	var s string
	if err := node.Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

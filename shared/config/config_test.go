package config

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/ledger"
)

func env(pairs ...string) Lookup {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func TestForOrders(t *testing.T) {
	t.Parallel()
	got, err := ForOrders(env("REDIS_URL", "redis://h:1", "ORDERS_QUEUE_URL", "a", "REJECTED_QUEUE_URL", "b",
		"LEDGER_SHARDS", "4", "REDIS_CLUSTER", "true", "SEEN_RETENTION_DAYS", "2", "LOG_LEVEL", "debug", "REDIS_PASSWORD", "p"))
	want := Orders{
		Shared: Shared{
			Redis:    ledger.Connection{URL: "redis://h:1", Cluster: true, Password: "p"},
			Auth:     AuthNone,
			Ledger:   ledger.Options{Shards: 4, Retention: 48 * time.Hour},
			LogLevel: slog.LevelDebug,
		},
		OrdersURL: "a", RejectedURL: "b", FirstDelay: 5 * time.Second,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("settings, error %v (-want +got):\n%s", err, diff)
	}
}

func TestForStats(t *testing.T) {
	t.Parallel()
	got, err := ForStats(env("REDIS_URL", "redis://h:1", "DLQ_QUEUE_URL", "d"))
	want := Stats{
		Shared: Shared{Redis: ledger.Connection{URL: "redis://h:1"}, Auth: AuthNone, Ledger: ledger.Options{Shards: 1, Retention: DefaultRetentionDays * 24 * time.Hour}},
		Queues: map[string]string{"orders-dlq": "d"},
		Listen: DefaultListen,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("settings, error %v (-want +got):\n%s", err, diff)
	}
}

func TestErrorsNameTheVariable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ variable, value string }{
		{"REDIS_URL", ""}, {"ORDERS_QUEUE_URL", ""}, {"REJECTED_QUEUE_URL", ""}, {"LEDGER_SHARDS", "0"}, {"LEDGER_SHARDS", "many"},
		{"LEDGER_SHARDS", "65"}, {"REDIS_CLUSTER", "yes"}, {"SEEN_RETENTION_DAYS", "-1"}, {"LOG_LEVEL", "loud"}, {"RETRY_DELAY_SECONDS", "901"},
		{"REDIS_AUTH", "token"}, {"REDIS_CA_PEM", "no certificate"},
	} {
		_, err := ForOrders(env(c.variable, c.value, "REDIS_URL", "redis://h:1", "ORDERS_QUEUE_URL", "a", "REJECTED_QUEUE_URL", "b"))
		if err == nil || !strings.Contains(err.Error(), c.variable) {
			t.Errorf("%s=%q: error %v, want one that names the variable", c.variable, c.value, err)
		}
	}
}

func TestNoSecretInAnError(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"redis://user:hunter2@h:port", "nonsense://user:hunter2@h", "redis://user:hunter2@h:1/x", "redis://user:hunter2@%zz"} {
		for _, cluster := range []bool{false, true} {
			_, err := Shared{Redis: ledger.Connection{URL: url, Cluster: cluster}, Ledger: ledger.Options{Shards: 1, Retention: time.Hour}}.OpenLedger(t.Context(), Cloud(env()))
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error repeats the password: %v", err)
			}
			if err == nil && !cluster {
				t.Errorf("%s was taken for a Redis URL", url)
			}
		}
	}
}

func TestLogLinesCarryTheRequestID(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := Shared{LogLevel: slog.LevelWarn}.Logger(&out)
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "id-1"})
	log.InfoContext(ctx, "too low")
	log.With("a", 1).WarnContext(ctx, "shown")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("not one line of JSON: %v\n%s", err, out.String())
	}
	if line["request_id"] != "id-1" || line["a"] != 1.0 || line["msg"] != "shown" {
		t.Errorf("line %s", out.String())
	}
}

func TestTheRequestIDStandsOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "id-1"})
	Shared{}.Logger(&out).InfoContext(ctx, "request", "request_id", "id-1", "status", 200)
	if n := strings.Count(out.String(), "request_id"); n != 1 {
		t.Errorf("request_id stands %d times in %s", n, out.String())
	}
}

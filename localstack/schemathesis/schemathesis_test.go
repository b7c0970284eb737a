package schemathesis_test

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
	"orderpipeline/shared/redistest"
	"orderpipeline/shared/statsapi"
)

// program is installed by "make test" from localstack/requirements/schemathesis.txt.
const program = "../../.local/schemathesis/bin/schemathesis"

func TestEveryAnswerIsOneThatTheDocumentPromises(t *testing.T) {
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("Schemathesis is not installed; make test installs it: %v", err)
	}
	url := os.Getenv("SCHEMATHESIS_API_URL")
	if url == "" {
		url = local(t)
	}
	for _, document := range []string{"/openapi.json", "/openapi-3.0.json"} {
		t.Run(document, func(t *testing.T) {
			run := exec.CommandContext(
				t.Context(), program, "--config-file", "schemathesis.toml", "run", url+document, "--url", url,
				"--checks", "all", "--phases", "examples,coverage,fuzzing,stateful",
				"--max-examples", "60", "--workers", "2", "--seed", "20241213",
				"--no-color", "--warnings", "off",
			)
			run.Env = append(
				os.Environ(), "HYPOTHESIS_STORAGE_DIRECTORY="+t.TempDir(), "SCHEMATHESIS_HOOKS=",
			)
			output, err := run.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			t.Logf("%s", output)
		})
	}
}

// local is the handler itself with a few orders in a new Redis.
func local(t *testing.T) string {
	t.Helper()
	store, err := ledger.New(redistest.Client(t), ledger.Options{Shards: 1, Retention: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	var orders []order.Order
	for i := range 30 {
		orders = append(orders, order.Order{
			ID: fmt.Sprint("ORD", i), UserID: fmt.Sprint("U", i%7), Value: order.Cents(100 * i),
			Placed: time.Date(2024, time.Month(1+i%12), 1, 0, 0, 0, 0, time.UTC),
		})
	}
	if err := store.Record(t.Context(), orders, make([]ledger.Outcome, len(orders))); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(statsapi.New(statsapi.Config{
		Store: store, Log: slog.New(slog.DiscardHandler),
	}))
	t.Cleanup(server.Close)
	return server.URL
}

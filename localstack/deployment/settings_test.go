package deployment

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"orderpipeline/localstack/lab"
)

// A later `make deploy-local` without variables must not move LocalStack, which would lose the
// archive and the queues, nor give the store another layout.
func TestLaterDeploymentKeepsWhereItRunsAndItsStore(t *testing.T) {
	t.Parallel()
	const first = "LOCALSTACK_PORT=4599 REDIS_PORT=6399 LEDGER_SHARDS=4 TIME_ZONE=Asia/Kathmandu " +
		"REDIS_URL=rediss://me:secret@redis.example/1 REDIS_CLUSTER=true RETRY_DELAY_SECONDS=7"
	for name, c := range map[string]struct{ then, want, says string }{
		"nothing is given": {
			"", "4599 6399 http://localhost:4599 4 Asia/Kathmandu " +
				"rediss://me:secret@redis.example/1 true 5",
			"kept as deployed before: LOCALSTACK_PORT=4599 REDIS_PORT=6399 REDIS_URL " +
				"REDIS_CLUSTER=true LEDGER_SHARDS=4 TIME_ZONE=Asia/Kathmandu ",
		},
		"what is given wins": {
			"LOCALSTACK_PORT=4566 LEDGER_SHARDS=1 REDIS_URL= REDIS_CLUSTER=false TIME_ZONE=UTC",
			"4566 6399 http://localhost:4566 1 UTC  false 5",
			"kept as deployed before: REDIS_PORT=6399 ",
		},
		"another stack has another store": {
			"STACK_NAME=second", "4599 6399 http://localhost:4599 1 UTC  false 5",
			"kept as deployed before: LOCALSTACK_PORT=4599 REDIS_PORT=6399 ",
		},
		"the same again": {first, "4599 6399 http://localhost:4599 4 Asia/Kathmandu " +
			"rediss://me:secret@redis.example/1 true 7", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := t.TempDir()
			settings(t, state, first, "use_settings asked; save_settings")

			got, said, _ := strings.Cut(settings(t, state, c.then,
				`use_settings asked; said=$(keep_settings); keep_settings >/dev/null
				echo "$LOCALSTACK_PORT $REDIS_PORT $ENDPOINT $LEDGER_SHARDS $TIME_ZONE" \
					"$REDIS_URL $REDIS_CLUSTER $RETRY_DELAY_SECONDS"; echo "$said"`), "\n")

			if got != c.want {
				t.Errorf("settings %q, want %q", got, c.want)
			}
			if !strings.HasPrefix(said, c.says) || c.says == "" && strings.TrimSpace(said) != "" {
				t.Errorf("said %q, want %q", said, c.says)
			}
			if strings.Contains(said, "secret") {
				t.Errorf("said a password: %q", said)
			}
		})
	}
}

// LocalStack deploys what the template does not allow: the functions failed, and make deploy-local
// said that the pipeline runs.
func TestSettingsThatWouldBreakTheFunctionsAreRefused(t *testing.T) {
	t.Parallel()
	for variables, want := range map[string]string{
		"": "",
		"LEDGER_SHARDS=64 RETRY_DELAY_SECONDS=900 REPLAY_DELAY_SECONDS=0 LOG_LEVEL=debug": "",
		"TIME_ZONE=America/Argentina/Buenos_Aires REDIS_CLUSTER=true":                     "",
		"LEDGER_SHARDS=0":          "LEDGER_SHARDS=0 is not a whole number from 1 to 64",
		"LEDGER_SHARDS=65":         "LEDGER_SHARDS=65 is not a whole number from 1 to 64",
		"LEDGER_SHARDS=2x":         "LEDGER_SHARDS=2x is not a whole number",
		"RETRY_DELAY_SECONDS=0":    "RETRY_DELAY_SECONDS=0 is not",
		"REPLAY_DELAY_SECONDS=-1":  "REPLAY_DELAY_SECONDS=-1 is not a whole number from 0 to 900",
		"REPLAY_DELAY_SECONDS=901": "REPLAY_DELAY_SECONDS=901 is not",
		"LOG_LEVEL=loud":           "LOG_LEVEL=loud is not one of debug info warn error",
		"REDIS_CLUSTER=yes":        "REDIS_CLUSTER=yes is not one of true false",
		"TIME_ZONE=Berlin":         "TIME_ZONE=Berlin is not a name",
		"TIME_ZONE=Europe":         "TIME_ZONE=Europe is not a name",
	} {
		t.Run(variables, func(t *testing.T) {
			t.Parallel()
			got := settings(t, t.TempDir(), "HOME="+os.Getenv("HOME")+" "+variables,
				"use_settings asked; (require_settings) 2>&1 || true")
			if want == "" && got != "" || !strings.Contains(got, want) {
				t.Errorf("said %q, want %q", got, want)
			}
		})
	}
}

// settings runs commands of the scripts' settings with nothing set but the given variables.
func settings(t *testing.T, state, variables, commands string) string {
	t.Helper()
	root, err := lab.Root()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "localstack", "lib", "settings.sh")
	cmd := exec.CommandContext(t.Context(), "bash", "-euc", "source '"+file+"'; "+commands)
	cmd.Env = slices.Concat(
		[]string{"PATH=" + os.Getenv("PATH"), "STATE_DIR=" + state}, strings.Fields(variables),
	)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", commands, err, out)
	}
	return string(out)
}

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

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/orderfile"
	"orderpipeline/localstack/orderctl/session"
)

func nothing(string) string { return "" }

// command runs one command line in the given environment.
func command(
	t *testing.T,
	env map[string]string,
	stdin string,
	args ...string,
) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(
		t.Context(), args, strings.NewReader(stdin), &o, &e,
		func(name string) string { return env[name] },
	)
	return code, o.String(), e.String()
}

func TestWrongUsageIsSaidBeforeAnythingIsDone(t *testing.T) {
	t.Parallel()
	present := filepath.Join(t.TempDir(), "present.ndjson")
	if err := os.WriteFile(present, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// A command that connects to this address has gone too far.
	env := map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
	for line, want := range map[string]string{
		"bogus":                                   `unknown command "bogus"`,
		"staus":                                   "did you mean status?",
		"rejected lst":                            "did you mean list?",
		"top --csv --json":                        "--csv cannot be combined with --json",
		"days --start 2024-12":                    "--start",
		"months --start 2024-02 --end 2024-01":    "--start is after --end",
		"dlq redrive --until-empty --contains x":  "--until-empty cannot be combined",
		"status --bogus":                          "unknown flag: --bogus",
		"bulk":                                    "accepts 1 arg",
		"bulk many":                               `"many" is not a number of orders`,
		"bulk 0":                                  "at least 1",
		"bulk 5 --broken 1.5":                     "--broken is a share between 0 and 1",
		"bulk 5 --start 2024-13":                  "--start",
		"bulk 5 --start 2024-02 --end 2024-01":    "--start is after --end",
		"bulk 5 --again":                          "--again needs the --seed",
		"bulk 5 --parallel 0":                     "--parallel",
		"bulk 5 --rate -1":                        "--rate",
		"send":                                    "an order needs --user",
		"send --user U1":                          "an order needs --user",
		"send --user U1 --item P001":              "PRODUCT:QUANTITY:PRICE",
		"send order.json --user U1":               "not both",
		"send order.json --copies 0":              "--copies",
		"send /no/such/file":                      "no such file",
		"send .":                                  "is a directory",
		"populate /no/such/file":                  "no such file",
		"populate .":                              "is a directory",
		"populate a b":                            "accepts 1 arg",
		"top 0":                                   "from 1 to 1000",
		"top ten":                                 "from 1 to 1000",
		"months --start 2024":                     "--start",
		"watch --interval 1ms":                    "--interval",
		"rejected list --reason bogus":            "--reason",
		"rejected list --since yesterday":         "--since",
		"rejected export --delete":                "--delete needs a FILE",
		"rejected export " + present:              "exists already",
		"rejected resend " + present + " --bogus": "unknown flag",
		"dlq redrive --rate 5 --contains x":       "--rate cannot be combined with a filter",
		"dlq redrive --rate 501":                  "--rate",
		"check":                                   "accepts 1 arg",
		"check /no/such/file":                     "no such file",
		"check .":                                 "is a directory",
		"check x --max -1":                        "--max",
		"import x --parallel 0":                   "--parallel",
		"import /no/such/file":                    "no such file",
		"import .":                                "is a directory",
		"archive bogus":                           `unknown command "bogus"`,
		"archive list --since yesterday":          "--since",
		"archive show":                            "accepts 1 arg",
		"archive forget":                          "accepts 1 arg",
		"archive verify --max -1":                 "--max",
		"archive replay --parallel 0":             "--parallel",
		"rebuild --parallel 0":                    "--parallel",
		"trace x --until never":                   "--until",
		"user ''":                                 "the id is empty",
		"trace ''":                                "the id is empty",
		"dlq show ''":                             "the id is empty",
		"rejected show ''":                        "the id is empty",
		"archive show ''":                         "the id is empty",
		"archive forget ''":                       "the id is empty",
		"status --aws --endpoint-url http://x":    "none of the others can be",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			args := strings.Fields(strings.ReplaceAll(line, "''", "EMPTY"))
			for i, arg := range args {
				args[i] = strings.TrimPrefix(arg, "EMPTY")
			}
			code, out, errOut := command(t, env, "", args...)
			if code != exitUsage || !strings.Contains(errOut, want) || out != "" {
				t.Errorf(
					"exit code %d, standard error %q, standard output %q; want %d with %q and nothing", code,
					errOut, out, exitUsage, want,
				)
			}
		})
	}
}

func TestErrorsAreJSONToo(t *testing.T) {
	t.Parallel()
	code, out, errOut := command(
		t, map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "", "status", "--json",
	)
	var said struct {
		Error string `json:"error"`
		Code  int    `json:"exit_code"`
	}
	if err := json.Unmarshal([]byte(errOut), &said); err != nil {
		t.Fatalf("standard error %q: %v", errOut, err)
	}
	if code != exitUnreachable {
		t.Errorf("exit code: got %d, want %d", code, exitUnreachable)
	}
	if said.Code != code {
		t.Errorf("exit code in JSON: got %d, want %d", said.Code, code)
	}
	if want := "make deploy-local"; !strings.Contains(said.Error, want) {
		t.Errorf("error: got %q, want one with %q", said.Error, want)
	}
	if out != "" {
		t.Errorf("standard output: got %q, want nothing", out)
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, exitDone},
		{session.ErrCheck, exitFailed},
		{errors.New("anything"), exitFailed},
		{api.ErrNotFound, exitFailed},
		{session.ErrUsage, exitUsage},
		{orderfile.ErrInput, exitUsage},
		{session.ErrUnreachable, exitUnreachable},
		{api.ErrUnavailable, exitUnreachable},
		{console.ErrNotConfirmed, exitUnconfirmed},
		{session.ErrTimeout, exitTimeout},
		{context.Canceled, exitInterrupted},
		{fmt.Errorf("%w: %w", console.ErrOutput, syscall.EPIPE), exitPipe},
		{fmt.Errorf("%w: %w", console.ErrOutput, syscall.ENOSPC), exitFailed},
	} {
		wrapped := c.err
		if wrapped != nil {
			wrapped = fmt.Errorf("around: %w", c.err)
		}
		if got := exitCode(wrapped); got != c.want {
			t.Errorf("exitCode(%v) = %d, want %d", c.err, got, c.want)
		}
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	env := &session.Env{
		Console: console.New(strings.NewReader(""), &out, &out, nothing),
		Getenv:  nothing,
	}
	var visit func(*cobra.Command)
	commands := 0
	visit = func(cmd *cobra.Command) {
		if cmd.Name() == "completion" { // cobra's own
			return
		}
		commands++
		if cmd.Short == "" || !strings.Contains(cmd.Example, "orderctl") {
			t.Errorf("%q has no short text or no example", cmd.CommandPath())
		}
		for line := range strings.Lines(cmd.Example) {
			if !strings.HasPrefix(line, "  ") {
				t.Errorf("%q: the example %q is not indented", cmd.CommandPath(), line)
			}
		}
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	root := newRoot(env)
	root.InitDefaultCompletionCmd()
	visit(root)
	if commands < 20 {
		t.Errorf("only %d commands were looked at", commands)
	}
	for _, path := range [][]string{
		{"send"}, {"bulk"}, {"populate"}, {"status"}, {"watch"}, {"top"}, {"user"}, {"months"},
		{"dlq", "redrive"}, {"rejected", "resend"}, {"completion", "zsh"},
	} {
		if cmd, _, err := root.Find(path); err != nil || cmd.Name() != path[len(path)-1] {
			t.Errorf("no command %v: %v", path, err)
		}
	}
}

func TestCompletionScripts(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish"} {
		code, out, errOut := command(t, nil, "", "completion", shell)
		if code != exitDone || !strings.Contains(out, "orderctl") || errOut != "" {
			t.Errorf("%s: exit code %d, %d bytes, standard error %q", shell, code, len(out), errOut)
		}
	}
	_, out, _ := command(t, nil, "", "__complete", "rejected", "list", "--reason", "")
	for _, reason := range []string{"invalid_json", "order_id_conflict"} {
		if !strings.Contains(out, reason+"\n") {
			t.Errorf("--reason is not completed with %s:\n%s", reason, out)
		}
	}
	for line, want := range map[string]string{
		"send":                   ":0", // files
		"rejected resend":        ":0",
		"user":                   ":4", // nothing
		"months --start":         ":4",
		"rejected list --reason": ":4",
	} {
		args := append([]string{"__complete"}, strings.Fields(line)...)
		_, out, _ := command(t, nil, "", append(args, "")...)
		if got := strings.TrimSpace(out); !strings.HasSuffix(got, want) {
			t.Errorf("%s: got the directive of %q, want %s", line, got, want)
		}
	}
}

// Not parallel: the AWS SDK reads the environment of the process.
func TestWhatGoesToAWSByMistakeIsAskedFor(t *testing.T) {
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	t.Setenv("AWS_PROFILE", "")
	t.Setenv("AWS_ENDPOINT_URL", "")
	t.Setenv("AWS_REGION", "eu-central-1")
	const queue = "https://sqs.eu-central-1.amazonaws.com/123456789012/orders"
	noLocalStack := map[string]string{"LOCALSTACK_PORT": "1"}
	for _, c := range []struct {
		name, key, secret string
		args              []string
		want              string
	}{
		{
			"test data", "AKIAIOSFODNN7EXAMPLE", "thesecret",
			[]string{"bulk", "5", "--aws", "--queue-url", queue}, "random test data",
		},
		{
			"made-up credentials without a queue", "test", "thesecret", []string{"top", "--aws"},
			"look made up",
		},
		{
			"made-up credentials", "test", "thesecret",
			[]string{"send", "--user", "U1", "--item", "P001:1:1", "--aws", "--queue-url", queue},
			"look made up",
		},
		{
			"LocalStack was not started", "AKIAIOSFODNN7EXAMPLE", "thesecret",
			[]string{"send", "--user", "U1", "--item", "P001:1:1", "--queue-url", ""}, "out of reach",
		},
		{"no credentials at all", "", "", []string{"status", "--aws"}, "no AWS credentials"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("AWS_ACCESS_KEY_ID", c.key)
			t.Setenv("AWS_SECRET_ACCESS_KEY", c.secret)
			if c.want == "out of reach" { // the look-up of the stack must not leave this machine
				t.Setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", "http://127.0.0.1:1")
				t.Setenv("AWS_MAX_ATTEMPTS", "1")
			}
			code, out, errOut := command(t, noLocalStack, "", c.args...)
			if code == exitDone || !strings.Contains(errOut, c.want) || out != "" {
				t.Errorf(
					"exit code %d, standard error %q, standard output %q; want a question with %q", code, errOut,
					out, c.want,
				)
			}
			if strings.Contains(errOut, "thesecret") ||
				c.key != "" && c.key != "test" && strings.Contains(errOut, c.key) {
				t.Errorf("credentials are shown: %q", errOut)
			}
		})
	}
}

func TestAFileIsSentAsItIs(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "order.json")
	const body = "{\"order_id\": \"ORD1\",\n \"broken\": "
	if err := os.WriteFile(file, []byte(body+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	type input struct{ arg, stdin string }
	for name, c := range map[string]input{"file": {file, ""}, "standard input": {"-", body + "\n"}} {
		code, out, errOut := command(t, nil, c.stdin, "send", c.arg, "--dry-run")
		if code != exitDone || out != body+"\n" || errOut != "" {
			t.Errorf("%s: exit code %d, %q, %q; want the body", name, code, out, errOut)
		}
	}
}

// An interrupted command says so. What it had not found out by then is no other failure.
func TestInterruptedBeforeItBegan(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, line := range []string{
		"bulk 1000000000 --dry-run", "status", "rejected list",
		"status --endpoint-url http://127.0.0.1:1",
	} {
		var out, errOut bytes.Buffer
		code := run(ctx, strings.Fields(line), strings.NewReader(""), &out, &errOut, nothing)
		if got := errOut.String(); code != exitInterrupted || got != "interrupted\n" || out.Len() > 0 {
			t.Errorf("%s: exit code %d, %q, %d bytes of output; want %d, interrupted, none",
				line, code, got, out.Len(), exitInterrupted)
		}
	}
}

func TestBulkDryRunIsTheSameForTheSameSeed(t *testing.T) {
	t.Parallel()
	args := []string{
		"bulk", "50", "--dry-run", "--seed", "3", "--duplicates", "0.2", "--broken", "0.2",
	}
	code, first, _ := command(t, nil, "", args...)
	_, second, _ := command(t, nil, "", args...)
	if code != exitDone || first != second || !strings.Contains(first, `"order_id":"ORD-`) {
		t.Errorf("exit code %d, first run:\n%s\nsecond run:\n%s", code, first, second)
	}
	args[4] = "4"
	if _, other, _ := command(t, nil, "", args...); other == first {
		t.Error("another seed makes the same orders")
	}
}

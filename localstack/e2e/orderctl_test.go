package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// orderctl runs the built tool and returns its exit code and what it wrote.
func orderctl(t *testing.T, stdin string, args ...string) (code int, out, errOut string) {
	t.Helper()
	cmd := pipeline.Command(t.Context(), "bin/orderctl", args...)
	var o, e strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &o, &e
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), o.String(), e.String()
}

// wantOrderctl fails the test unless orderctl exits with the code; it decodes what --json wrote.
func wantOrderctl(t *testing.T, code int, into any, stdin string, args ...string) {
	t.Helper()
	got, out, errOut := orderctl(t, stdin, append(args, "--json")...)
	if got != code {
		t.Fatalf(
			"orderctl %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, out, errOut,
		)
	}
	checkShape(t, args, out)
	if into == nil {
		return
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("orderctl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// checkShape compares the JSON of a command with its documentation.
func checkShape(t *testing.T, args []string, out string) {
	t.Helper()
	if out == "" { // it failed before it had a result
		return
	}
	name := args[0]
	if name == "dlq" || name == "rejected" || name == "archive" {
		name += " " + args[1]
	}
	text, err := os.ReadFile("../orderctl/orderctl.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("orderctl.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("orderctl.json#/$defs/" + strings.ReplaceAll(name, " ", "%20"))
	if err != nil {
		t.Fatalf("the JSON of %q is not documented: %v", name, err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		t.Errorf("orderctl %s is not as documented: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// listing is what `dlq list` and `rejected list` show.
type listing struct {
	InQueue  int            `json:"in_queue"`
	Matching int            `json:"matching"`
	ByReason map[string]int `json:"by_reason"`
	Messages []struct {
		ID         string            `json:"message_id"`
		Receives   int               `json:"receives"`
		Attributes map[string]string `json:"attributes"`
		Body       string            `json:"body"`
	} `json:"messages"`
}

// interrupted runs orderctl, sends it Ctrl-C's signal when check returns nil, and returns what it
// wrote.
func interrupted(t *testing.T, check func() error, args ...string) (int, string) {
	t.Helper()
	cmd := pipeline.Command(t.Context(), "bin/orderctl", args...)
	var out, errOut strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, check)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Errorf("interrupt orderctl: %v", err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatalf("orderctl ended before it was interrupted\n%s%s", &out, &errOut)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

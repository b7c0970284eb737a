package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemaOf compiles the definition of one command.
func schemaOf(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile("orderctl.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("orderctl.schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(
		"orderctl.schema.json#/$defs/" + strings.ReplaceAll(name, " ", "%20"),
	)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validate(t *testing.T, name string, text []byte) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Errorf("%s: %v in %q", name, err, text)
		return
	}
	if err := schemaOf(t, name).Validate(value); err != nil {
		t.Errorf("%s: %v\n%s", name, err, text)
	}
}

func TestJSONOfTheFiguresIsAsDocumented(t *testing.T) {
	t.Parallel()
	address := figures(t)
	for name, line := range map[string]string{
		"top": "top", "user": "user U1", "months": "months", "days": "days", "customers": "customers",
	} {
		code, out, errOut := command(
			t,
			nil,
			"",
			append(strings.Fields(line), "--json", "--api-url", address)...)
		if code != exitDone {
			t.Errorf("%s: exit code %d, %s", line, code, errOut)
		}
		validate(t, name, []byte(out))
	}
	_, _, errOut := command(t, nil, "", "user", "unknown", "--json", "--api-url", address)
	validate(t, "error", []byte(errOut))
}

func TestJSONOfTheQueuesIsAsDocumented(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	orders := filepath.Join(folder, "orders.ndjson")
	if err := os.WriteFile(
		orders,
		[]byte(`{"order_id":"A"}`+"\n"+`{"order_id":"B"}`),
		0o600,
	); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		line string
	}{
		{"rejected list", "rejected list"},
		{"dlq list", "dlq list --limit 1"},
		{"dlq show", "dlq show message-000002"},
		{"rejected export", "rejected export " + filepath.Join(folder, "all.ndjson")},
		{"dlq redrive", "dlq redrive --contains ORD1 --yes"},
		{"rejected resend", "rejected resend " + orders},
		{"populate", "populate " + orders},
		{"bulk", "bulk 20 --duplicates 0.2 --broken 0.2"},
		{"send", "send --user U1 --item P1:1:1"},
		{"send", "send --user U1 --item P1:1:1 --copies 3"},
	} {
		t.Run(c.line, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, 3)
			var out, errOut bytes.Buffer
			cmd := d.orderctl(t, append(strings.Fields(c.line), "--json")...)
			cmd.Stdout, cmd.Stderr = &out, &errOut
			if got := code(cmd.Run()); got != exitDone {
				t.Errorf("exit code %d, %s", got, &errOut)
			}
			validate(t, c.name, out.Bytes())
		})
	}
	d := newDesk(t, 3)
	d.queue.Receive(1)
	var out bytes.Buffer
	cmd := d.orderctl(t, "rejected", "list", "--json")
	cmd.Stdout = &out
	if got := code(cmd.Run()); got != exitFailed {
		t.Errorf("exit code %d, want %d", got, exitFailed)
	}
	validate(t, "rejected list", out.Bytes())
}

package restore

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"orderpipeline/localstack/orderctl/objects"
	"orderpipeline/localstack/orderctl/session"
)

// validate compares what a command printed with its documentation.
func validate(t *testing.T, name, output string) {
	t.Helper()
	text, err := os.ReadFile("../orderctl.schema.json")
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
		"orderctl.schema.json#/$defs/" + strings.ReplaceAll(name, " ", "%20"))
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(output))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, output)
	}
}

func TestJSONIsAsDocumented(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "orders.ndjson")
	content := manyBodies(5) + manyBodies(1) + "{}\nno json\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	aside := filepath.Join(t.TempDir(), "aside.ndjson")
	c := newCloud(t)
	c.several(12)
	c.s3.Write(c.archive(false), []byte("broken"))
	c.waiting = map[string][]sqstypes.Message{
		"orders-dlq": {{MessageId: aws.String("d"), Body: aws.String(`{"order_id":"O7"}`)}},
	}
	c.log = []map[string]any{{"timestamp": 1, "message": "about O7"}}
	delete(c.orders, "O3")

	importing := func(s *store, f importFlags) error {
		return importFile(t.Context(), s.Env, f, file,
			func(context.Context) (*store, error) { return s, nil })
	}
	for _, test := range []struct {
		name string
		run  func(*store) error
	}{
		{"check", func(s *store) error {
			return check(t.Context(), s.Env, file, strings.NewReader(content), 2)
		}},
		{"import", func(s *store) error { return importing(s, importFlags{parallel: 1}) }},
		{"import", func(s *store) error {
			return importing(s, importFlags{parallel: 1, invalid: aside})
		}},
		{"archive list", func(s *store) error { return s.list(t.Context(), objects.Window{}, false) }},
		{"archive list", func(s *store) error { return s.list(t.Context(), objects.Window{}, true) }},
		{"archive show", func(s *store) error { return s.show(t.Context(), objects.Window{}, "O7") }},
		{"archive verify", func(s *store) error { return s.verify(t.Context(), false, 2) }},
		{"archive replay", func(s *store) error {
			return s.replayWindow(t.Context(), objects.Window{}, 1)
		}},
		{"trace", func(s *store) error { return s.trace(t.Context(), traceFlags{}, "O7") }},
		{"rebuild", func(s *store) error { return s.rebuild(t.Context(), rebuildFlags{parallel: 1}) }},
		{"archive forget", func(s *store) error { return s.forget(t.Context(), "U1") }},
	} {
		s, out, _ := c.open()
		s.JSON = true
		if err := test.run(s); err != nil && !errors.Is(err, session.ErrCheck) {
			t.Errorf("%s: %v", test.name, err)
		}
		validate(t, test.name, out.String())
	}
}

package template

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const (
	// python is that of the SAM CLI; "make test" installs it.
	python = "../../.local/clients/bin/python"
	golden = "golden"
)

// The folder golden holds the template as CloudFormation would apply it, for each parameter set of
// sets.json: its diff shows what a change does to a deployment. After a change of the template:
//
//	RENEW=1 go test ./localstack/template
func TestGolden(t *testing.T) {
	if _, err := os.Stat(python); err != nil {
		t.Fatalf("the SAM CLI is not installed; make test installs it: %v", err)
	}
	now := t.TempDir()
	if os.Getenv("RENEW") != "" {
		if err := os.RemoveAll(golden); err != nil {
			t.Fatal(err)
		}
		now = golden
	}
	transform := exec.CommandContext(t.Context(), python, "transform.py", now)
	if output, err := transform.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}

	want, got := files(t, golden), files(t, now)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("templates (-want +got):\n%s", diff)
	}
	for name, text := range got {
		if diff := cmp.Diff(strings.Split(want[name], "\n"), strings.Split(text, "\n")); diff != "" {
			t.Errorf("%s/%s is not what the template says now; renew it with RENEW=1 "+
				"(-golden +now):\n%s", golden, name, diff)
		}
	}
}

func files(t *testing.T, folder string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		texts[entry.Name()] = string(text)
	}
	return texts
}

// An applied template is one of the golden files.
type applied struct {
	Resources map[string]struct {
		Type                string    `yaml:"Type"`
		DeletionPolicy      string    `yaml:"DeletionPolicy"`
		UpdateReplacePolicy string    `yaml:"UpdateReplacePolicy"`
		Properties          yaml.Node `yaml:"Properties"`
	} `yaml:"Resources"`
	Outputs map[string]yaml.Node `yaml:"Outputs"`
}

func readGolden(t *testing.T, name string) applied {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(golden, name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var doc applied
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return doc
}

// of returns the properties of all resources of a type, by logical id.
func of[T any](t *testing.T, doc applied, kind string) map[string]T {
	t.Helper()
	found := map[string]T{}
	for name, r := range doc.Resources {
		if r.Type != kind {
			continue
		}
		var properties T
		if err := r.Properties.Decode(&properties); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		found[name] = properties
	}
	if len(found) == 0 {
		t.Fatalf("there is no %s", kind)
	}
	return found
}

type named struct {
	QueueName            yaml.Node `yaml:"QueueName"`
	SqsManagedSseEnabled bool      `yaml:"SqsManagedSseEnabled"`
	RedriveAllowPolicy   struct {
		Permission string `yaml:"redrivePermission"`
	} `yaml:"RedriveAllowPolicy"`
}

func TestLocalQueuesHaveTheNamesOfTheContract(t *testing.T) {
	t.Parallel()
	var names []string
	for _, q := range of[named](t, readGolden(t, "local"), "AWS::SQS::Queue") {
		names = append(names, q.QueueName.Value)
	}
	slices.Sort(names)
	want := []string{"orders", "orders-dlq", "orders-rejected", "orders-replay", "orders-replay-dlq"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("queues (-want +got):\n%s", diff)
	}
}

// On AWS a fixed name would be taken by a second stack, and by a queue that outlived the first.
func TestQueuesOnAWS(t *testing.T) {
	t.Parallel()
	for _, set := range []string{"own", "brought"} {
		doc := readGolden(t, set)
		for name, q := range of[named](t, doc, "AWS::SQS::Queue") {
			text, err := yaml.Marshal(&q.QueueName)
			if err != nil {
				t.Fatal(err)
			}
			retained := doc.Resources[name].DeletionPolicy == "RetainExceptOnCreate"
			if wantsName := name == "OrdersQueue" || name == "ReplayQueue"; wantsName {
				if !strings.Contains(string(text), "order-pipeline-orders") || retained {
					t.Errorf("%s, %s: name %sretained: %t; want a name with the stack's",
						set, name, text, retained)
				}
			} else if !q.QueueName.IsZero() || !retained {
				t.Errorf("%s, %s: name %sretained: %t; want none, and retained", set, name, text, retained)
			}
			if q.RedriveAllowPolicy.Permission == "" {
				t.Errorf("%s, %s: any queue may use it as its dead-letter queue", set, name)
			}
			if !q.SqsManagedSseEnabled {
				t.Errorf("%s, %s is not encrypted at rest", set, name)
			}
		}
		if n := len(of[yaml.Node](t, doc, "AWS::SQS::QueuePolicy")); n != 5 {
			t.Errorf("%s: %d queue policies, want one for each of five queues", set, n)
		}
	}
}

func TestOutputs(t *testing.T) {
	t.Parallel()
	want := []string{
		"ApiUrl",
		"ArchiveBucketName",
		"EventSourceMappingId",
		"OrdersDlqUrl",
		"OrdersFunctionName",
		"OrdersQueueUrl",
		"RejectedQueueUrl",
		"ReplayDlqUrl",
		"ReplayFunctionName",
		"ReplayMappingId",
		"ReplayQueueUrl",
		"StatsFunctionName",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(readGolden(t, "local").Outputs))); diff != "" {
		t.Errorf("local outputs (-want +got):\n%s", diff)
	}
	want = append(want, "ApiKeyId")
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(readGolden(t, "own").Outputs))); diff != "" {
		t.Errorf("outputs on AWS (-want +got):\n%s", diff)
	}
}

// Package template holds the rules of template.yaml and samconfig.toml that no linter knows.
package template

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"orderpipeline/shared/config"
	"orderpipeline/shared/ledger"
)

const (
	path = "../../template.yaml"
	day  = 24 * 60 * 60 // seconds
)

// template is the part of the file that the rules are about.
type template struct {
	Parameters map[string]map[string]yaml.Node `yaml:"Parameters"`
	Globals    struct {
		Function function `yaml:"Function"`
	} `yaml:"Globals"`
	Resources map[string]resource  `yaml:"Resources"`
	Outputs   map[string]yaml.Node `yaml:"Outputs"`
}

type resource struct {
	Type       string            `yaml:"Type"`
	Metadata   map[string]string `yaml:"Metadata"`
	Properties yaml.Node         `yaml:"Properties"`
}

type function struct {
	Runtime       string `yaml:"Runtime"`
	Timeout       int    `yaml:"Timeout"`
	LoggingConfig struct {
		LogGroup string `yaml:"LogGroup"`
	} `yaml:"LoggingConfig"`
	Environment struct {
		Variables map[string]yaml.Node `yaml:"Variables"`
	} `yaml:"Environment"`
	Events map[string]struct {
		Type       string  `yaml:"Type"`
		Properties mapping `yaml:"Properties"`
	} `yaml:"Events"`
}

type mapping struct {
	BatchSize                      int      `yaml:"BatchSize"`
	MaximumBatchingWindowInSeconds int      `yaml:"MaximumBatchingWindowInSeconds"`
	FunctionResponseTypes          []string `yaml:"FunctionResponseTypes"`
}

type queue struct {
	VisibilityTimeout      int  `yaml:"VisibilityTimeout"`
	MaximumMessageSize     int  `yaml:"MaximumMessageSize"`
	MessageRetentionPeriod int  `yaml:"MessageRetentionPeriod"`
	SqsManagedSseEnabled   bool `yaml:"SqsManagedSseEnabled"`
	RedrivePolicy          struct {
		Target          string `yaml:"deadLetterTargetArn"`
		MaxReceiveCount int    `yaml:"maxReceiveCount"`
	} `yaml:"RedrivePolicy"`
}

type logGroup struct {
	LogGroupName    string `yaml:"LogGroupName"`
	RetentionInDays int    `yaml:"RetentionInDays"`
}

func read(t *testing.T) template {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc template
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return doc
}

// properties reads one resource, and fails the test when the template has none of that name and
// type.
func properties[T any](t *testing.T, doc template, name, kind string) T {
	t.Helper()
	var p T
	r, ok := doc.Resources[name]
	if !ok || r.Type != kind {
		t.Fatalf("template has no %s %s", kind, name)
	}
	if err := r.Properties.Decode(&p); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return p
}

func ofType(doc template, kind string) []string {
	var names []string
	for name, r := range doc.Resources {
		if r.Type == kind {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestOrdersMapping(t *testing.T) {
	t.Parallel()
	orders := properties[function](t, read(t), "OrdersFunction", "AWS::Serverless::Function")
	want := mapping{
		BatchSize:                      1000,
		MaximumBatchingWindowInSeconds: 1,
		// Without it one failed order would bring the whole batch back.
		FunctionResponseTypes: []string{"ReportBatchItemFailures"},
	}
	if diff := cmp.Diff(want, orders.Events["Queue"].Properties); diff != "" {
		t.Errorf("event source mapping (-want +got):\n%s", diff)
	}
}

func TestVisibilityTimeoutOutlastsSixTries(t *testing.T) {
	t.Parallel()
	doc := read(t)
	orders := properties[function](t, doc, "OrdersFunction", "AWS::Serverless::Function")
	got := properties[queue](t, doc, "OrdersQueue", "AWS::SQS::Queue").VisibilityTimeout
	window := orders.Events["Queue"].Properties.MaximumBatchingWindowInSeconds
	if least := 6*orders.Timeout + window; orders.Timeout == 0 || got < least {
		t.Errorf(
			"VisibilityTimeout of orders is %d s; want at least 6 x %d s + %d s = %d s",
			got,
			orders.Timeout,
			window,
			least,
		)
	}
}

func TestRedrive(t *testing.T) {
	t.Parallel()
	doc := read(t)
	orders := properties[queue](t, doc, "OrdersQueue", "AWS::SQS::Queue")
	dlq := properties[queue](t, doc, "OrdersDlq", "AWS::SQS::Queue")
	got := orders.RedrivePolicy
	if got.Target != "OrdersDlq.Arn" || got.MaxReceiveCount != config.DefaultMaxReceives {
		t.Errorf("RedrivePolicy of orders is %+v; want OrdersDlq after %d receives",
			got, config.DefaultMaxReceives)
	}
	// The function delays a message after each failed receive but the last: it must know which that
	// is.
	f := properties[function](t, doc, "OrdersFunction", "AWS::Serverless::Function")
	told := f.Environment.Variables["ORDERS_MAX_RECEIVES"]
	if told.Value != strconv.Itoa(orders.RedrivePolicy.MaxReceiveCount) {
		t.Errorf("ORDERS_MAX_RECEIVES is %q, maxReceiveCount of orders %d",
			told.Value, orders.RedrivePolicy.MaxReceiveCount)
	}
	// A message keeps its age on the way into the dead-letter queue.
	if dlq.MessageRetentionPeriod <= orders.MessageRetentionPeriod {
		t.Errorf(
			"orders-dlq keeps messages for %d s; want longer than orders, %d s",
			dlq.MessageRetentionPeriod,
			orders.MessageRetentionPeriod,
		)
	}
}

func TestOrderIDIsRememberedLongerThanAMessageLives(t *testing.T) {
	t.Parallel()
	doc := read(t)
	life := properties[queue](t, doc, "OrdersQueue", "AWS::SQS::Queue").MessageRetentionPeriod +
		properties[queue](t, doc, "OrdersDlq", "AWS::SQS::Queue").MessageRetentionPeriod
	for _, key := range []string{"Default", "MinValue"} {
		if days := number(t, doc, "SeenRetentionDays", key); days*day < life {
			t.Errorf(
				"SeenRetentionDays.%s is %d; want at least %d, the retention of orders and of orders-dlq "+
					"together",
				key,
				days,
				life/day,
			)
		}
	}
}

// The reason of a refusal counts towards a message's size.
func TestRefusedOrderOfTheLargestSizeHasRoomForItsReason(t *testing.T) {
	t.Parallel()
	doc := read(t)
	orders := properties[queue](t, doc, "OrdersQueue", "AWS::SQS::Queue").MaximumMessageSize
	rejected := properties[queue](t, doc, "RejectedQueue", "AWS::SQS::Queue").MaximumMessageSize
	if orders == 0 || rejected < orders+4096 {
		t.Errorf("orders takes messages of %d bytes, orders-rejected of %d; want at least 4096 more",
			orders, rejected)
	}
}

func TestShardLimitIsTheLedgers(t *testing.T) {
	t.Parallel()
	if got := number(t, read(t), "LedgerShards", "MaxValue"); got != ledger.MaxShards {
		t.Errorf("LedgerShards.MaxValue is %d; want %d, as the ledger has it", got, ledger.MaxShards)
	}
}

// number reads a whole number from a parameter's declaration.
func number(t *testing.T, doc template, parameter, key string) int {
	t.Helper()
	node := doc.Parameters[parameter][key]
	var n int
	if err := node.Decode(&n); err != nil {
		t.Fatalf("%s.%s: %v", parameter, key, err)
	}
	return n
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	doc := read(t)
	if got := doc.Globals.Function.Runtime; got != "provided.al2023" {
		t.Errorf("runtime is %q; want provided.al2023", got)
	}
	names := ofType(doc, "AWS::Serverless::Function")
	if len(names) < 2 {
		t.Fatalf("functions %v, want at least those of orders and of the figures", names)
	}
	for _, name := range names {
		f := properties[function](t, doc, name, "AWS::Serverless::Function")
		if got := doc.Resources[name].Metadata["BuildMethod"]; got != "makefile" {
			t.Errorf("%s: BuildMethod is %q; want makefile", name, got)
		}
		if f.Timeout == 0 {
			t.Errorf("%s: no Timeout", name)
		}
		// Left to itself Lambda makes a log group that keeps everything for ever.
		group := properties[logGroup](t, doc, f.LoggingConfig.LogGroup, "AWS::Logs::LogGroup")
		if group.RetentionInDays == 0 {
			t.Errorf("%s: log group %s has no retention", name, group.LogGroupName)
		}
	}
}

// A binary for another processor would start nowhere: the Makefile must build what the template
// asks for.
func TestMakefileBuildsForTheDefaultArchitecture(t *testing.T) {
	t.Parallel()
	doc := read(t)
	node := doc.Parameters["Architecture"]["Default"]
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("\nFUNCTION_ARCH ?= %s\n", node.Value)
	if !strings.Contains(string(makefile), want) {
		t.Errorf("the Makefile does not say %q", strings.TrimSpace(want))
	}
}

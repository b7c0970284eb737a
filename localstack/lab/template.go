package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"orderpipeline/localstack/lab/queue"
)

// A Template is template.yaml, as far as the lab takes settings from it.
type Template struct {
	Parameters map[string]struct {
		Default string `yaml:"Default"`
	} `yaml:"Parameters"`
	Resources map[string]struct {
		Type       string               `yaml:"Type"`
		Properties map[string]yaml.Node `yaml:"Properties"`
	} `yaml:"Resources"`
}

// ReadTemplate reads template.yaml of the repository.
func ReadTemplate() (*Template, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		return nil, err
	}
	t := &Template{}
	if err := yaml.Unmarshal(text, t); err != nil {
		return nil, fmt.Errorf("template.yaml: %w", err)
	}
	return t, nil
}

// Queue returns the attributes of a queue by its logical id. The dead-letter queue is left out: its
// user connects the queues.
func (t *Template) Queue(logicalID string) (queue.Attributes, error) {
	resource, found := t.Resources[logicalID]
	if !found || resource.Type != "AWS::SQS::Queue" {
		return queue.Attributes{}, fmt.Errorf("template.yaml has no queue %s", logicalID)
	}
	properties := resource.Properties
	var redrive struct {
		MaxReceives yaml.Node `yaml:"maxReceiveCount"`
	}
	policy := properties["RedrivePolicy"]
	if !policy.IsZero() {
		if err := policy.Decode(&redrive); err != nil {
			return queue.Attributes{}, fmt.Errorf("template.yaml, %s: %w", logicalID, err)
		}
	}
	numbers := map[string]int{}
	for name, node := range map[string]yaml.Node{
		"VisibilityTimeout":      properties["VisibilityTimeout"],
		"DelaySeconds":           properties["DelaySeconds"],
		"MaximumMessageSize":     properties["MaximumMessageSize"],
		"MessageRetentionPeriod": properties["MessageRetentionPeriod"],
		"maxReceiveCount":        redrive.MaxReceives,
	} {
		n, err := t.number(node)
		if err != nil {
			return queue.Attributes{}, fmt.Errorf("template.yaml, %s, %s: %w", logicalID, name, err)
		}
		numbers[name] = n
	}
	return queue.Attributes{
		Visibility:  time.Duration(numbers["VisibilityTimeout"]) * time.Second,
		Delay:       time.Duration(numbers["DelaySeconds"]) * time.Second,
		Retention:   time.Duration(numbers["MessageRetentionPeriod"]) * time.Second,
		MaxReceives: numbers["maxReceiveCount"],
		MaxBytes:    numbers["MaximumMessageSize"],
	}, nil
}

// number reads a number, or the default of the parameter that is referred to. A property that is
// absent is zero.
func (t *Template) number(node yaml.Node) (int, error) {
	if node.IsZero() {
		return 0, nil
	}
	text := node.Value
	if node.Tag == "!Ref" {
		parameter, found := t.Parameters[text]
		if !found {
			return 0, fmt.Errorf("no parameter %s", text)
		}
		text = parameter.Default
	}
	return strconv.Atoi(text)
}

// Timeout returns the time limit of a function by its logical id.
func (t *Template) Timeout(logicalID string) (time.Duration, error) {
	seconds, err := t.number(t.Resources[logicalID].Properties["Timeout"])
	if err == nil && seconds == 0 {
		err = fmt.Errorf("no Timeout")
	}
	if err != nil {
		return 0, fmt.Errorf("template.yaml, %s: %w", logicalID, err)
	}
	return time.Duration(seconds) * time.Second, nil
}

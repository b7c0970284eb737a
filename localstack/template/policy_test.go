package template

import (
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

type role struct {
	Policies []struct {
		PolicyDocument struct {
			Statement []statement `yaml:"Statement"`
		} `yaml:"PolicyDocument"`
	} `yaml:"Policies"`
	ManagedPolicyArns []yaml.Node `yaml:"ManagedPolicyArns"`
}

type statement struct {
	Effect   string    `yaml:"Effect"`
	Action   yaml.Node `yaml:"Action"`
	Resource yaml.Node `yaml:"Resource"`
}

// withoutResource are the actions that AWS offers for no single resource: Lambda itself needs them
// to place a function into a VPC, and to trace it.
var withoutResource = []string{
	"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",
	"ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
	"xray:PutTraceSegments", "xray:PutTelemetryRecords",
}

func TestPoliciesNameTheirResources(t *testing.T) {
	t.Parallel()
	for _, set := range []string{"local", "own", "brought"} {
		for name, r := range of[role](t, readGolden(t, set), "AWS::IAM::Role") {
			if name == "ApiLogRole" || name == "CodeDeployServiceRole" {
				continue // AWS's own policies for API Gateway's logs and for CodeDeploy
			}
			if len(r.ManagedPolicyArns) > 0 {
				t.Errorf("%s, %s: managed policies allow more than the function needs", set, name)
			}
			if len(r.Policies) == 0 {
				t.Errorf("%s, %s: no policy", set, name)
			}
			for _, p := range r.Policies {
				for _, s := range p.PolicyDocument.Statement {
					checkStatement(t, set+", "+name, s)
				}
			}
		}
	}
}

func checkStatement(t *testing.T, where string, s statement) {
	t.Helper()
	actions := values(s.Action)
	if len(actions) == 0 {
		t.Errorf("%s: a statement without an action", where)
	}
	for _, action := range actions {
		if strings.Contains(action, "*") {
			t.Errorf("%s: action %s is a wildcard", where, action)
		}
		if slices.Contains(values(s.Resource), "*") && !slices.Contains(withoutResource, action) {
			t.Errorf("%s: %s is allowed on every resource", where, action)
		}
	}
}

// values are the texts of a scalar or of a list.
func values(node yaml.Node) []string {
	if node.Kind == yaml.ScalarNode {
		return []string{node.Value}
	}
	var list []string
	for _, n := range node.Content {
		list = append(list, n.Value)
	}
	return list
}

// The functions log in to the stack's own store with IAM, and to another with its secret.
func TestLoginOfTheFunctions(t *testing.T) {
	t.Parallel()
	type function struct {
		Environment struct {
			Variables map[string]yaml.Node `yaml:"Variables"`
		} `yaml:"Environment"`
	}
	for name, f := range of[function](t, readGolden(t, "own"), "AWS::Lambda::Function") {
		for variable, want := range map[string]string{
			"REDIS_AUTH": "iam", "REDIS_CLUSTER": "true", "TIME_ZONE": "UTC", "STACK_NAME": "order-pipeline",
		} {
			if got := f.Environment.Variables[variable].Value; got != want {
				t.Errorf("own, %s: %s is %q, want %q", name, variable, got, want)
			}
		}
	}
	for name, f := range of[function](t, readGolden(t, "local"), "AWS::Lambda::Function") {
		if got := f.Environment.Variables["REDIS_AUTH"].Value; got != "secret" {
			t.Errorf("local, %s: REDIS_AUTH is %q, want secret", name, got)
		}
	}
}

package target

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/smithy-go"
)

// DefaultStack is the stack's name in samconfig.toml.
const DefaultStack = "order-pipeline"

// OrdersQueue is the URL of the queue that orders are sent to.
func (t *Target) OrdersQueue(ctx context.Context) (string, error) {
	return t.find(ctx, t.options.QueueURL, "OrdersQueueUrl", "--queue-url")
}

// DLQ is the URL of the queue of orders that could not be recorded.
func (t *Target) DLQ(ctx context.Context) (string, error) {
	return t.find(ctx, t.options.DLQURL, "OrdersDlqUrl", "--dlq-url")
}

// RejectedQueue is the URL of the queue of messages that were refused.
func (t *Target) RejectedQueue(ctx context.Context) (string, error) {
	return t.find(ctx, t.options.RejectedURL, "RejectedQueueUrl", "--rejected-url")
}

// API is the base URL of the HTTP API, without a slash at its end.
func (t *Target) API(ctx context.Context) (string, error) {
	if t.options.APIURL != "" {
		return strings.TrimRight(t.options.APIURL, "/"), nil
	}
	found, err := t.find(ctx, "", "ApiUrl", "--api-url")
	if err != nil {
		return "", err
	}
	found = strings.TrimRight(found, "/")
	if t.Local {
		return localAPI(found, t.Endpoint)
	}
	return found, nil
}

// Mapping is the id of the event source mapping between the orders queue and its function.
func (t *Target) Mapping(ctx context.Context) (string, error) {
	return t.find(ctx, "", "EventSourceMappingId", "--stack")
}

// ChosenByName says whether the user named AWS or the queue, so that sending there cannot be an accident.
func (t *Target) ChosenByName() bool {
	return t.options.AWS || t.options.QueueURL != "" || t.options.Profile != ""
}

func (t *Target) find(ctx context.Context, said, output, flag string) (string, error) {
	if said != "" {
		return said, nil
	}
	if t.outputs == nil {
		if err := t.describe(ctx); err != nil {
			return "", err
		}
	}
	if v := t.outputs[output]; v != "" {
		return v, nil
	}
	return "", fmt.Errorf("%w: the stack %s has no output %s: deploy it again, or use %s", ErrUnreachable, t.options.Stack, output, flag)
}

func (t *Target) describe(ctx context.Context) error {
	answer, err := cloudformation.NewFromConfig(t.AWS).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(t.options.Stack)})
	if err != nil {
		var api smithy.APIError
		if errors.As(err, &api) && api.ErrorCode() == "ValidationError" {
			how := "sam deploy"
			if t.Local {
				how = "make deploy-local"
			}
			return fmt.Errorf("%w: there is no stack %s on %s: deploy it with `%s`, or name it with --stack", ErrUnreachable, t.options.Stack, t.Name(), how)
		}
		return fmt.Errorf("%w: ask for the outputs of the stack %s: %w", ErrUnreachable, t.options.Stack, err)
	}
	t.outputs = map[string]string{}
	for _, stack := range answer.Stacks {
		for _, o := range stack.Outputs {
			t.outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
		}
	}
	return nil
}

// localAPI brings an API URL of LocalStack into the form that needs no name resolution and goes to the endpoint in use:
// <endpoint>/_aws/execute-api/<id>/<stage>.
func localAPI(found, endpoint string) (string, error) {
	u, err := url.Parse(found)
	if err != nil {
		return "", fmt.Errorf("%w: the stack's ApiUrl %q is not a URL", ErrUnreachable, found)
	}
	if id, _, ok := strings.Cut(u.Hostname(), ".execute-api."); ok {
		return endpoint + "/_aws/execute-api/" + id + u.Path, nil
	}
	if strings.HasPrefix(u.Path, "/_aws/execute-api/") || strings.HasPrefix(u.Path, "/restapis/") {
		return endpoint + u.Path, nil
	}
	return found, nil
}

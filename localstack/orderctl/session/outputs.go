package session

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"orderpipeline/localstack/orderctl/queue"
)

// resolve fills in what is needed, from the flags or else from the stack's outputs.
func (s *Session) resolve(ctx context.Context, needs Need) error {
	for _, part := range []struct {
		need               Need
		url                *string
		said, output, flag string
	}{
		{Orders, &s.Orders.URL, s.Options.QueueURL, "OrdersQueueUrl", "--queue-url"},
		{DLQ, &s.DLQ.URL, s.Options.DLQURL, "OrdersDlqUrl", "--dlq-url"},
		{Rejected, &s.Rejected.URL, s.Options.RejectedURL, "RejectedQueueUrl", "--rejected-url"},
		{API, &s.API.Base, s.Options.APIURL, "ApiUrl", "--api-url"},
	} {
		*part.url = part.said
		if needs&part.need == 0 || part.said != "" {
			continue
		}
		var err error
		if *part.url, err = s.Output(ctx, part.output, part.flag); err != nil {
			return err
		}
	}
	s.Orders.Service, s.DLQ.Service, s.Rejected.Service = s.SQS, s.SQS, s.SQS

	var err error
	s.API.Base = strings.TrimRight(s.API.Base, "/")
	if s.Local && s.Options.APIURL == "" && needs&API != 0 {
		s.API.Base, err = localAPI(s.API.Base, s.Endpoint)
	}
	if err == nil && needs&Stack != 0 {
		err = s.describe(ctx)
	}
	return err
}

// Output returns an output of the stack. flag is the option that can replace it, for the error.
func (s *Session) Output(ctx context.Context, name, flag string) (string, error) {
	if err := s.describe(ctx); err != nil {
		return "", err
	}
	if v := s.Outputs[name]; v != "" {
		return v, nil
	}
	return "", fmt.Errorf("%w: the stack %s has no output %s: deploy it again, or use %s",
		ErrUnreachable, s.Stack, name, flag)
}

// describe reads the stack's outputs, once.
func (s *Session) describe(ctx context.Context) error {
	if s.Outputs != nil {
		return nil
	}
	if s.Dummy {
		return fmt.Errorf("%w: the AWS credentials look made up for LocalStack, but no LocalStack is "+
			"chosen: name it with --endpoint-url", ErrUnreachable)
	}
	client := cloudformation.NewFromConfig(s.AWS)
	answer, err := client.DescribeStacks(ctx,
		&cloudformation.DescribeStacksInput{StackName: aws.String(s.Stack)})
	if err != nil {
		if queue.ErrorCode(err) == "ValidationError" {
			how := "sam deploy"
			if s.Local {
				how = "make deploy-local"
			}
			return fmt.Errorf("%w: there is no stack %s on %s: deploy it with `%s`, or name it with --stack",
				ErrUnreachable, s.Stack, s.Where(), how)
		}
		return fmt.Errorf("%w: read the outputs of the stack %s: %w", ErrUnreachable, s.Stack, err)
	}

	s.Outputs = map[string]string{}
	for _, stack := range answer.Stacks {
		for _, o := range stack.Outputs {
			s.Outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
		}
	}
	return nil
}

// localAPI converts an API URL of LocalStack to a form that needs no name resolution and goes to
// the endpoint in use: <endpoint>/_aws/execute-api/<id>/<stage>.
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

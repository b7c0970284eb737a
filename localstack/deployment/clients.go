package deployment

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderpipeline/localstack/orderctl/session"
)

// AWS is the configuration of clients of an emulator.
func AWS(endpoint string) aws.Config {
	return aws.Config{
		BaseEndpoint: &endpoint,
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// SQS returns a client of an emulator's queues that loses no answer and so repeats no message.
func SQS(endpoint string) *sqs.Client {
	return sqs.NewFromConfig(AWS(endpoint), session.ReadAtOnce)
}

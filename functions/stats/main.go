// The stats function: answers queries about the ledger's figures. In Lambda it serves API Gateway;
// anywhere else it is a plain HTTP server on LISTEN.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // the Lambda runtime and the container image may lack zone files

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderpipeline/shared/config"
	"orderpipeline/shared/setup"
	"orderpipeline/shared/statsapi"
	"orderpipeline/shared/statsapi/depth"
)

// An answer may take answerLimit. Redis gets less than half of it, so that a connection that died
// while the sandbox was frozen costs one retry and not the answer.
const (
	answerLimit = 2 * time.Second
	redisLimit  = 900 * time.Millisecond
)

func main() {
	if err := run(); err != nil {
		setup.Exit("the stats function cannot run", err)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	settings, err := config.ForStats(os.LookupEnv)
	if err != nil {
		return err
	}
	settings.Redis.Timeout = redisLimit
	parts, err := setup.Open(ctx, settings.Shared)
	if err != nil {
		return err
	}

	c := statsapi.Config{
		Store:  parts.Ledger,
		Queues: depth.Queues{Client: sqs.NewFromConfig(parts.Cloud, noRetry), URLs: settings.Queues},
		Log:    parts.Log,
		Zone:   settings.Ledger.Zone,
		Limit:  answerLimit,
	}
	if !settings.InLambda {
		return statsapi.New(c).Serve(ctx, settings.Listen)
	}
	c.EMF = &parts.EMF
	lambda.Start(statsapi.Lambda(statsapi.New(c)))
	return nil
}

// noRetry makes the SQS client send each request once: queue depths are best effort, and the page
// polls anyway.
func noRetry(o *sqs.Options) { o.Retryer = aws.NopRetryer{} }

// The order function counts the orders of a batch in the ledger and archives the batch.
package main

import (
	"context"
	"math/rand/v2"
	"os"
	"time"
	_ "time/tzdata" // the Lambda runtime may lack zone files

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderpipeline/shared/archive"
	"orderpipeline/shared/config"
	"orderpipeline/shared/intake"
	"orderpipeline/shared/setup"
)

func main() {
	handler, err := build(context.Background())
	if err != nil {
		setup.Exit("the order function cannot start", err)
	}
	lambda.Start(handler)
}

func build(ctx context.Context) (lambda.Handler, error) {
	settings, err := config.ForOrders(os.LookupEnv)
	if err != nil {
		return nil, err
	}
	parts, err := setup.Open(ctx, settings.Shared)
	if err != nil {
		return nil, err
	}
	return intake.New(intake.Config{
		Ledger:      parts.Ledger,
		Archive:     archive.NewBucket(parts.Cloud, settings.ArchiveBucket),
		SQS:         sqs.NewFromConfig(parts.Cloud),
		OrdersURL:   settings.OrdersURL,
		RejectedURL: settings.RejectedURL,
		Log:         parts.Log,
		EMF:         parts.EMF,
		Now:         time.Now,
		FirstDelay:  settings.FirstDelay,
		MaxReceives: settings.MaxReceives,
		Jitter:      rand.Float64,
	}), nil
}

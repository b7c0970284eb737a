// The replay function: archived orders into the ledger again.
package main

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"
	_ "time/tzdata" // the Lambda runtime may lack zone files

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderpipeline/shared/archive"
	"orderpipeline/shared/config"
	"orderpipeline/shared/ledger"
	"orderpipeline/shared/metric"
	"orderpipeline/shared/replay"
	"orderpipeline/shared/setup"
)

func main() {
	handler, err := build(context.Background())
	if err != nil {
		slog.New(slog.NewJSONHandler(os.Stderr, nil)).
			Error("the replay function cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(handler)
}

func build(ctx context.Context) (lambda.Handler, error) {
	settings, err := config.ForReplay(os.LookupEnv)
	if err != nil {
		return nil, err
	}
	log := setup.Logger(os.Stdout, settings.LogLevel)
	ledger.LogTo(log)
	cloud := setup.Cloud(settings.AWS)
	store, err := setup.Ledger(ctx, settings.Shared, cloud)
	if err != nil {
		return nil, err
	}
	return replay.New(replay.Config{
		Ledger:      store,
		Archive:     archive.NewBucket(cloud, settings.ArchiveBucket),
		SQS:         sqs.NewFromConfig(cloud),
		ReplayURL:   settings.ReplayURL,
		DLQURL:      settings.DLQURL,
		RejectedURL: settings.RejectedURL,
		Stack:       settings.StackName,
		Log:         log,
		EMF:         metric.EMF{Stack: settings.StackName},
		Now:         time.Now,
		FirstDelay:  settings.FirstDelay,
		MaxReceives: settings.MaxReceives,
		Jitter:      rand.Float64,
	}), nil
}

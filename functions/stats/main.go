// The stats function: answers questions about the ledger's figures. In Lambda it stands behind API Gateway; anywhere else
// it is a plain HTTP server on LISTEN (127.0.0.1:8080).
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderpipeline/shared/config"
	"orderpipeline/shared/ledger"
	"orderpipeline/shared/statsapi"
)

// An answer may take answerLimit. Redis gets less than half of it, so that a connection that died while the sandbox was
// frozen costs one retry and not the answer.
const (
	answerLimit = 2 * time.Second
	redisLimit  = 900 * time.Millisecond
)

func main() {
	if err := run(); err != nil {
		slog.New(slog.NewJSONHandler(os.Stderr, nil)).Error("the stats function cannot run", "error", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	settings, err := config.ForStats(os.LookupEnv)
	if err != nil {
		return err
	}
	log := settings.Logger(os.Stdout)
	ledger.LogTo(log)
	settings.Redis.Timeout = redisLimit
	cloud := config.Cloud(os.LookupEnv)
	store, err := settings.OpenLedger(ctx, cloud)
	if err != nil {
		return err
	}
	api := statsapi.New(statsapi.Config{
		Store:  store,
		Queues: queues{sqs.NewFromConfig(cloud, once), settings.Queues},
		Log:    log,
		Limit:  answerLimit,
	})
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		lambda.Start(statsapi.Lambda(api, func(ctx context.Context) { _ = api.Flush(ctx) })) // logged, and tried again
		return nil
	}
	return serve(ctx, api, log)
}

// once makes SQS be asked one time only: an answer waits a moment for the depths of the queues, and whoever wants them asks again.
func once(o *sqs.Options) { o.Retryer = aws.NopRetryer{} }

// serve answers over HTTP until it is interrupted, and then finishes the requests under way.
func serve(ctx context.Context, api *statsapi.API, log *slog.Logger) error {
	address := os.Getenv("LISTEN")
	if address == "" {
		address = "127.0.0.1:8080"
	}
	server := &http.Server{Addr: address, Handler: api, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	done := make(chan error, 1)
	go func() { done <- server.ListenAndServe() }()
	log.InfoContext(ctx, "listening", "address", address)
	flushing, stopFlushing := context.WithCancel(context.WithoutCancel(ctx))
	flushed := make(chan struct{})
	go func() {
		defer close(flushed)
		api.FlushEvery(flushing, time.Second)
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = server.Shutdown(ending)
	}
	stopFlushing()
	<-flushed
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", address, err)
	}
	return nil
}

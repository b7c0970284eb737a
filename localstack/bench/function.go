package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orderpipeline/localstack/lab"
	"orderpipeline/localstack/lab/sandbox"
)

// buildFunctions builds the functions as they are deployed. It returns the paths of their
// bootstraps, by the short names of this package.
func buildFunctions(ctx context.Context) (map[string]string, error) {
	built := map[string]string{}
	for name, logicalID := range map[string]string{
		"orders": "OrdersFunction",
		"stats":  "StatsFunction",
		"replay": "ReplayFunction",
	} {
		var err error
		if built[name], err = lab.Build(ctx, workDir, logicalID); err != nil {
			return nil, err
		}
	}
	return built, nil
}

// statsSettings are the environment of the stats function. It gets no queues, because it would ask
// for their depth.
func statsSettings(redisURL string, more ...string) []string {
	return append([]string{"REDIS_URL=" + redisURL, "AWS_ENDPOINT_URL=http://127.0.0.1:9"}, more...)
}

// startFunction starts an instance that is not frozen between two events.
func startFunction(ctx context.Context, path string, environment []string) (
	s *sandbox.Sandbox, ready time.Duration, err error,
) {
	s = sandbox.New(sandbox.Function{
		Path: path, Env: environment, Timeout: time.Minute, KeepRunning: true,
	})
	if ready, err = s.Start(ctx); err != nil {
		s.Close()
		return nil, 0, err
	}
	return s, ready, nil
}

// invoke passes one event to an instance. A failed invocation is an error.
func invoke(s *sandbox.Sandbox, event []byte) ([]byte, error) {
	result, err := s.Invoke(event)
	if err == nil && result.Error != "" {
		err = errors.New(result.Error)
	}
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, s.Log())
	}
	return result.Payload, nil
}

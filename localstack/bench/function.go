package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orderpipeline/localstack/lab"
	"orderpipeline/localstack/lab/sandbox"
)

// bootstraps are the paths of the built functions, by the short names of this package.
type bootstraps map[string]string

// buildFunctions builds the functions as they are deployed, once a run.
func (b *benchmark) buildFunctions(ctx context.Context) error {
	if b.functions != nil {
		return nil
	}
	built := bootstraps{}
	for name, logicalID := range map[string]string{
		"orders": "OrdersFunction",
		"stats":  "StatsFunction",
		"replay": "ReplayFunction",
	} {
		var err error
		if built[name], err = lab.Build(ctx, b.dir, logicalID); err != nil {
			return err
		}
	}
	b.functions = built
	return nil
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

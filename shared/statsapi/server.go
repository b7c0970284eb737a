package statsapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	flushInterval = time.Second
	shutdownLimit = 5 * time.Second
)

// Serve answers over plain HTTP until ctx is done, then finishes the requests under way. What was
// counted is flushed once a second and at the end.
func (a *API) Serve(ctx context.Context, address string) error {
	server := &http.Server{
		Addr:              address,
		Handler:           a,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
	}
	done := make(chan error, 1)
	go func() { done <- server.ListenAndServe() }()
	a.config.Log.InfoContext(ctx, "listening", "address", address)

	flushing, stopFlushing := context.WithCancel(context.WithoutCancel(ctx))
	flushed := make(chan struct{})
	go func() {
		defer close(flushed)
		a.FlushEvery(flushing, flushInterval)
	}()

	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
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

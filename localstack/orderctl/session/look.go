package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
)

// Look receives up to limit messages of a queue (0: all) and calls use. Whatever happens, all that
// use does not delete are released.
func (s *Session) Look(
	ctx context.Context, q queue.Queue, limit int, use func(*queue.Look) error,
) (err error) {
	look := &queue.Look{Queue: q, Wait: time.Second}
	if s.Local {
		look.Wait = 0
	}
	defer func() { err = errors.Join(err, look.Close(ctx)) }()

	status := s.Status()
	err = look.All(ctx, limit, func(n int) {
		status.Set(fmt.Sprintf("looking into %s: %s of about %s messages", q.Name(),
			console.Count(n), console.Count(look.Depth.Total())))
	})
	status.Clear()
	if err == nil {
		err = use(look)
	}
	return err
}

// Read receives up to limit messages of a queue (0: all), and releases them before it returns:
// writing them may take long, when a program at the other end of a pipe does not read.
func (s *Session) Read(
	ctx context.Context, q queue.Queue, limit int,
) (look *queue.Look, err error) {
	err = s.Look(ctx, q, limit, func(seen *queue.Look) error {
		look = seen
		return nil
	})
	return look, err
}

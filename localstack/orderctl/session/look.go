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
// use does not return as gone are released.
func (s *Session) Look(
	ctx context.Context, q queue.Queue, limit int,
	use func(*queue.Look) (gone map[string]bool, err error),
) (err error) {
	look := &queue.Look{Queue: q, Wait: time.Second}
	if s.Local {
		look.Wait = 0
	}
	var gone map[string]bool
	defer func() { err = errors.Join(err, look.Close(ctx, gone)) }()

	status := s.Status()
	err = look.All(ctx, limit, func(n int) {
		status.Set(fmt.Sprintf("looking into %s: %s of about %s messages", q.Name(),
			console.Count(int64(n)), console.Count(look.Depth.Total())))
	})
	status.Clear()
	if err == nil {
		gone, err = use(look)
	}
	return err
}

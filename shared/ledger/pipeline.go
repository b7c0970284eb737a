package ledger

import (
	"context"
	"errors"
	"net"

	"github.com/redis/go-redis/v9"
)

// pipelined sends idempotent commands in one round trip and returns them with their answers. The
// error is the first one of the commands.
func (s *Store) pipelined(
	ctx context.Context, commands func(redis.Pipeliner),
) (answered []redis.Cmder, err error) {
	err = retryOnce(ctx, func() error {
		pipe := s.rdb.Pipeline()
		commands(pipe)
		answered, err = shareError(pipe.Exec(ctx))
		return err
	})
	return answered, err
}

// shareError takes what a pipeline's Exec returned, and returns the error of the first command that
// failed. An error that ended the pipeline before any command was answered, such as a refused
// login, becomes the error of each command: go-redis leaves them without one (its issue 2871), so
// that a caller could take them for answered.
func shareError(cmds []redis.Cmder, err error) ([]redis.Cmder, error) {
	if err == nil {
		return cmds, nil
	}
	for _, cmd := range cmds {
		if first := cmd.Err(); first != nil {
			return cmds, first // says more than EXECABORT, which ends a transaction
		}
	}
	for _, cmd := range cmds {
		cmd.SetErr(err)
	}
	return cmds, err
}

// retryOnce retries when the connection was dead: the first one of a sandbox that was frozen often
// is. It retries neither an error reply of Redis nor a timeout: Redis may still be working on what
// timed out, and would have to do it twice. (Measured with 400 callers at once: more than half of
// all batches failed, because each timeout sent its work once more.) Only for what is idempotent,
// as every script and every reading is.
func retryOnce(ctx context.Context, do func() error) error {
	err := do()
	if err == nil || ctx.Err() != nil || isReply(err) || isTimeout(err) {
		return err
	}
	return do()
}

// isReply reports whether Redis answered, with an error.
func isReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

// isTimeout reports whether the answer, the connection or a place in the pool took too long.
func isTimeout(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout() || errors.Is(err, redis.ErrPoolTimeout)
}

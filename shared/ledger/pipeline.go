package ledger

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// pipelined sends idempotent commands in one round trip and returns them with their answers. The
// error is the first one of the commands.
func (s *Store) pipelined(
	ctx context.Context, commands func(redis.Pipeliner),
) (answered []redis.Cmder, err error) {
	err = retry(ctx, func() error {
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

// attempts is how often something is tried whose connection was closed each time.
const attempts = 4

// retry repeats what met a dead connection: the first one of a sandbox that was frozen often is. A
// server that ends all sessions, as after the rotation of a password, closes every connection of
// the pool, and the next one may be dead as well before its end has arrived: so what was closed is
// tried four times. After any other error of the network, such as a refused connection, it is tried
// twice.
//
// It repeats neither an error reply of Redis nor a timeout: Redis may still be working on what
// timed out, and would have to do it twice. (Measured with 400 callers at once: more than half of
// all batches failed, because each timeout sent its work once more.) Only for what is idempotent,
// as every script and every reading is.
func retry(ctx context.Context, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		if err == nil || ctx.Err() != nil || isReply(err) || isTimeout(err) ||
			n >= 2 && !isClosed(err) || n == attempts {
			return err
		}
	}
}

// isClosed reports whether the connection was made and then closed by the other side.
func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
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

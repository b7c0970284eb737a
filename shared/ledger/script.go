package ledger

import (
	"context"
	"crypto/sha1"
	_ "embed"
	"encoding/hex"
	"errors"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// The scripts stand beside the methods that run them, each with its keys, arguments and answer.
var (
	//go:embed seen.lua
	seenText string
	//go:embed record.lua
	recordText string
	//go:embed claim.lua
	claimText string
	//go:embed release.lua
	releaseText string
	//go:embed refuse.lua
	refuseText string

	recordScript  = newScript(seenText + recordText)
	claimScript   = newScript(seenText + claimText)
	releaseScript = newScript(releaseText)
	refuseScript  = newScript(refuseText)
)

type script struct{ text, sha string }

func newScript(text string) script {
	sum := sha1.Sum([]byte(text))
	return script{text, hex.EncodeToString(sum[:])}
}

// scriptArgs is the number of a call's arguments before its first key.
const scriptArgs = 3

// newArgs begins the arguments of one call, with room for keys and values.
func newArgs(keys, values int) []any {
	args := make([]any, scriptArgs, scriptArgs+keys+values)
	args[2] = strconv.Itoa(keys)
	return args
}

// run gives all calls to Redis in one round trip, and again as a whole text those whose node had lost the script:
// a restart or SCRIPT FLUSH forgets it, and EVALSHA in a pipeline has no fallback of its own.
func (s *Store) run(ctx context.Context, sc script, calls [][]any) []*redis.Cmd {
	answers := s.send(ctx, "evalsha", sc.sha, calls)
	var lost []int
	var again [][]any
	for i, answer := range answers {
		if redis.HasErrorPrefix(answer.Err(), "NOSCRIPT") {
			lost, again = append(lost, i), append(again, calls[i])
		}
	}
	if len(lost) > 0 {
		for i, answer := range s.send(ctx, "eval", sc.text, again) {
			answers[lost[i]] = answer
		}
	}
	return answers
}

func (s *Store) send(ctx context.Context, command, body string, calls [][]any) []*redis.Cmd {
	answers := make([]*redis.Cmd, len(calls))
	_ = again(ctx, func() error {
		pipe := s.rdb.Pipeline()
		for i, args := range calls {
			args[0], args[1] = command, body
			answers[i] = redis.NewCmd(ctx, args...)
			answers[i].SetFirstKeyPos(scriptArgs)
			_ = pipe.Process(ctx, answers[i])
		}
		_, err := pipe.Exec(ctx)
		return err
	})
	return answers // each holds its own error
}

// pipelined gives reading commands to Redis in one round trip, and returns them with their answers.
func (s *Store) pipelined(ctx context.Context, commands func(redis.Pipeliner)) ([]redis.Cmder, error) {
	return s.readings.do(ctx, commands)
}

// snapshot gives reading commands to Redis in one round trip that shows them all the same moment, and returns them with their
// answers. Their keys are of one shard.
func (s *Store) snapshot(ctx context.Context, commands func(redis.Pipeliner)) ([]redis.Cmder, error) {
	return s.snapshots.do(ctx, commands)
}

// again tries once more when the connection failed, not when Redis itself said no: the first connection out of a sandbox
// that was frozen may be dead. Only for what may be done twice, which every script and every reading may.
func again(ctx context.Context, do func() error) error {
	err := do()
	var said redis.Error
	if err == nil || errors.As(err, &said) || ctx.Err() != nil {
		return err
	}
	return do()
}

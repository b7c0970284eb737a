package ledger

import (
	"context"
	"crypto/sha1"
	_ "embed"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Each script is in a separate file, whose header lists its keys, arguments and answer. The text
// that Redis gets begins with the constants and, for scripts that look for markers, seen.lua.
var (
	//go:embed seen.lua
	seenText string
	//go:embed clear.lua
	clearText string
	//go:embed open.lua
	openText string
	//go:embed record.lua
	recordText string
	//go:embed claim.lua
	claimText string
	//go:embed release.lua
	releaseText string
	//go:embed refuse.lua
	refuseText string

	clearScript   = newScript(constants, seenText, clearText)
	openScript    = newScript(constants, seenText, openText)
	recordScript  = newScript(constants, seenText, recordText)
	claimScript   = newScript(constants, seenText, claimText)
	releaseScript = newScript(releaseText)
	refuseScript  = newScript(refuseText)
)

// constants gives the scripts the names and limits that Go uses too.
var constants = luaConstants([][2]any{
	{"TOTALS", totalsKey},
	{"LAYOUT", fieldLayout},
	{"ORDERS", fieldOrders},
	{"REVENUE", fieldRevenue},
	{"DUPLICATES", fieldDuplicates},
	{"MISMATCHES", fieldMismatches},
	{"HEALED", fieldHealed},
	{"BEGUN", fieldBegun},
	{"SINCE", fieldSince},
	{"SLOT", fieldSlot},
	{"SLOTS", slots},
	{"MARGIN", int64(clockMargin / time.Second)},
	{"CENTS", centsMark},
	{"MAX_SPEND", int64(MaxSpend)},
	{"MAX_REVENUE", int64(MaxRevenue)},
	{"PLACES", MaxTop},
	{"RECORDED", string(Recorded)},
	{"DUPLICATE", string(Duplicate)},
	{"CONFLICT", string(Conflict)},
	{"OVERFLOW", string(Overflow)},
	{"CLAIMED", string(claimed)},
	{"OTHER_LAYOUT", layoutPrefix},
	{"TOO_OLD", tooOldReply},
})

// luaConstants writes names and values, which are integers or ASCII strings, as Lua locals.
func luaConstants(list [][2]any) string {
	var text strings.Builder
	for _, constant := range list {
		value, isText := constant[1].(string)
		if !isText {
			fmt.Fprintf(&text, "local %s = %d\n", constant[0], constant[1])
			continue
		}
		fmt.Fprintf(&text, "local %s = '", constant[0])
		for _, char := range []byte(value) {
			fmt.Fprintf(&text, `\%03d`, char)
		}
		text.WriteString("'\n")
	}
	return text.String()
}

type script struct{ text, sha string }

func newScript(parts ...string) script {
	text := strings.Join(parts, "")
	sum := sha1.Sum([]byte(text))
	return script{text, hex.EncodeToString(sum[:])}
}

// scriptArgs is the number of a call's arguments before its first key: command, script, key count.
const scriptArgs = 3

// newArgs begins the arguments of one call, with capacity for its keys and values.
func newArgs(keys, values int) []any {
	args := make([]any, scriptArgs, scriptArgs+keys+values)
	args[2] = strconv.Itoa(keys)
	return args
}

// send sends all calls of a script in one round trip. Calls whose node had lost the script, as
// after a restart or SCRIPT FLUSH, are sent once more with its text: EVALSHA in a pipeline has no
// fallback.
func (s *Store) send(ctx context.Context, sc script, calls [][]any) []*redis.Cmd {
	answers := s.sendAs(ctx, "evalsha", sc.sha, calls)
	var lost []int
	var lostCalls [][]any
	for i, answer := range answers {
		if redis.HasErrorPrefix(answer.Err(), "NOSCRIPT") {
			lost = append(lost, i)
			lostCalls = append(lostCalls, calls[i])
		}
	}
	if len(lost) > 0 {
		for i, answer := range s.sendAs(ctx, "eval", sc.text, lostCalls) {
			answers[lost[i]] = answer
		}
	}
	return answers
}

// sendAs returns one answer for each call. Each holds its own error.
func (s *Store) sendAs(ctx context.Context, command, body string, calls [][]any) []*redis.Cmd {
	answers := make([]*redis.Cmd, len(calls))
	_ = retry(ctx, func() error {
		pipe := s.rdb.Pipeline()
		for i, args := range calls {
			args[0], args[1] = command, body
			answers[i] = redis.NewCmd(ctx, args...)
			answers[i].SetFirstKeyPos(scriptArgs)
			_ = pipe.Process(ctx, scriptCall{answers[i]}) // only queues it
		}
		_, err := shareError(pipe.Exec(ctx))
		return err
	})
	return answers
}

// A scriptCall is not retried by the client of a cluster, which would repeat it after a timeout.
// The client still follows redirections to another node.
type scriptCall struct{ *redis.Cmd }

// NoRetry is asked by the client.
func (scriptCall) NoRetry() bool { return true }

// codesOf returns the characters that a script answered, one for each of n orders.
func codesOf(answer *redis.Cmd, n int) (string, error) {
	codes, err := answer.Text()
	if err == nil && len(codes) != n {
		err = fmt.Errorf("%d answers for %d orders", len(codes), n)
	}
	return codes, err
}

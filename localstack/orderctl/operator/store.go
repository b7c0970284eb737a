package operator

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/session"
)

// A store is one of the two queues that hold messages which were not counted.
type store struct {
	name    string // of the command
	reasons bool   // its messages carry a reason
	need    session.Need
	queue   func(*session.Session) queue.Queue
}

var (
	dlq = store{
		name: "dlq", need: session.DLQ,
		queue: func(s *session.Session) queue.Queue { return s.DLQ },
	}
	rejected = store{
		name: "rejected", reasons: true, need: session.Rejected,
		queue: func(s *session.Session) queue.Queue { return s.Rejected },
	}
)

func dlqCommand(env *session.Env) *cobra.Command {
	return session.Group(&cobra.Command{
		Use:   dlq.name,
		Short: "Look at the dead-letter queue, and redrive its orders",
		Long: `The dead-letter queue holds valid orders that could not be recorded in all their receives,
such as during a long outage of Redis. Once the cause is gone, redrive moves them back to the
orders queue; each is counted once.`,
		Example: session.Example("orderctl dlq list", "orderctl dlq redrive"),
	}, listCommand(env, dlq), showCommand(env, dlq), redriveCommand(env), exportCommand(env, dlq))
}

func rejectedCommand(env *session.Env) *cobra.Command {
	return session.Group(&cobra.Command{
		Use:   rejected.name,
		Short: "Look at the messages that were refused, and resend them repaired",
		Long: `The queue of rejected messages holds, unchanged, every message that is not a valid order,
with the reason, the field and a sentence as message attributes.`,
		Example: session.Example("orderctl rejected list --reason invalid_json",
			"orderctl rejected export broken.ndjson",
			"orderctl rejected resend fixed.ndjson --delete"),
	}, listCommand(env, rejected), showCommand(env, rejected), exportCommand(env, rejected),
		resendCommand(env))
}

const limits = `SQS has no way to read a message without receiving it. While a command looks, other
consumers do not see the messages; at the end, also after an interruption, all are released at
once. Each look raises a message's receive count, which has no effect in this queue. Two looks at
the same time each see a part of the messages: a look says how many another one hides, and its
exit code is 1 then. At most 100,000 messages can be looked at.`

// hidden are messages that another look, or another consumer, hides.
type hidden struct {
	Count int64     `json:"hidden,omitempty"`
	Until time.Time `json:"hidden_until,omitzero"`
}

// report says how many messages are hidden. Its error wraps session.ErrCheck: the command did less
// than it was asked to do.
func (h hidden) report(s *session.Session) error {
	if h.Count == 0 {
		return nil
	}
	text := fmt.Sprintf("%s messages are hidden by another look: they are visible when it ends, "+
		"at the latest at %s", console.Count(h.Count), h.Until.Format("15:04:05 UTC"))
	s.Hintf("%s\n", s.Warn(text))
	return fmt.Errorf("%w: %s", session.ErrCheck, text)
}

// hiddenMessages are n messages that a look did not see.
func hiddenMessages(s *session.Session, n int64) hidden {
	if n <= 0 {
		return hidden{}
	}
	return hidden{n, time.Now().Add(queue.LongestHold).UTC().Truncate(time.Second)}
}

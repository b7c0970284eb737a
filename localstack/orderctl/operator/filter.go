package operator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/order"
)

// A filter chooses messages of a queue.
type filter struct {
	reasons  []order.Reason
	contains string
	after    time.Time
}

func (f *filter) add(cmd *cobra.Command, withReason bool) {
	flags := cmd.Flags()
	if withReason {
		flags.Func("reason", "only messages refused for this `reason`; may be repeated", f.addReasons)
		var names []string
		for _, r := range order.Reasons() {
			names = append(names, string(r))
		}
		// The only error is a flag that does not exist.
		_ = cmd.RegisterFlagCompletionFunc("reason",
			cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
	}
	flags.StringVar(&f.contains, "contains", "", "only messages whose body contains this text")
	session.TimeFlag(cmd, &f.after, "since", "only messages sent at that `time` (UTC) or later")
}

func (f *filter) addReasons(text string) error {
	for name := range strings.SplitSeq(text, ",") {
		if !slices.Contains(order.Reasons(), order.Reason(name)) {
			return fmt.Errorf("it is none of %v", order.Reasons())
		}
		f.reasons = append(f.reasons, order.Reason(name))
	}
	return nil
}

// active says whether anything is left out.
func (f *filter) active() bool {
	return len(f.reasons) > 0 || f.contains != "" || !f.after.IsZero()
}

func (f *filter) match(h queue.Held) bool {
	reason := order.Reason(h.Attributes[order.AttributeReason])
	return (len(f.reasons) == 0 || slices.Contains(f.reasons, reason)) &&
		strings.Contains(h.Body, f.contains) &&
		!h.Sent.Before(f.after)
}

func (f *filter) choose(messages []queue.Held) []queue.Held {
	var chosen []queue.Held
	for _, h := range messages {
		if f.match(h) {
			chosen = append(chosen, h)
		}
	}
	return chosen
}

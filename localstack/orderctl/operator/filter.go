package operator

import (
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
	reasons  []string
	contains string
	since    string

	after time.Time
}

func (f *filter) add(cmd *cobra.Command, withReason bool) {
	if withReason {
		cmd.Flags().StringSliceVar(&f.reasons, "reason", nil,
			"only messages refused for this reason; may be repeated")
		var names []string
		for _, r := range order.Reasons() {
			names = append(names, string(r))
		}
		// The only error is a flag that does not exist.
		_ = cmd.RegisterFlagCompletionFunc("reason",
			cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
	}
	cmd.Flags().StringVar(&f.contains, "contains", "", "only messages whose body contains this text")
	cmd.Flags().StringVar(&f.since, "since", "",
		"only messages sent since: 30m, 24h, 2024-12-13 or 2024-12-13T10:00:00Z")
}

// complete reads the texts of the flags.
func (f *filter) complete(now time.Time) error {
	for _, r := range f.reasons {
		if !slices.Contains(order.Reasons(), order.Reason(r)) {
			return session.Usage("--reason %q is none of %v", r, order.Reasons())
		}
	}
	var err error
	f.after, err = session.ParseTime("--since", f.since, now)
	return err
}

// active says whether anything is left out.
func (f *filter) active() bool { return len(f.reasons) > 0 || f.contains != "" || f.since != "" }

func (f *filter) match(h queue.Held) bool {
	return (len(f.reasons) == 0 || slices.Contains(f.reasons, h.Attribute(order.AttributeReason))) &&
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

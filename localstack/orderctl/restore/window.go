package restore

import (
	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/objects"
	"orderpipeline/localstack/orderctl/session"
)

// addWindow declares the flags that choose objects of the archive by the time when they were
// written.
func addWindow(cmd *cobra.Command, w *objects.Window) {
	session.TimeFlag(cmd, &w.Since, "since", "only what was archived at that `time` (UTC) or later")
	session.TimeFlag(cmd, &w.Until, "until", "only what was archived before that `time`")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if !w.Until.IsZero() && !w.Since.Before(w.Until) {
			return session.Usage("--since must be before --until")
		}
		return nil
	}
}

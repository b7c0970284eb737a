package restore

import (
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/objects"
	"orderpipeline/localstack/orderctl/session"
)

// windowFlags choose objects of the archive by the time when they were written.
type windowFlags struct{ since, until string }

func (w *windowFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.since, "since", "",
		"only what was archived at that time or later: 2026-03-01,\n"+
			"2026-03-01T10:00:00Z, or 36h for 36 hours ago")
	cmd.Flags().StringVar(&w.until, "until", "", "only what was archived before that time")
}

// window reads the flags.
func (w windowFlags) window(now time.Time) (found objects.Window, err error) {
	if found.Since, err = session.ParseTime("--since", w.since, now); err != nil {
		return found, err
	}
	if found.Until, err = session.ParseTime("--until", w.until, now); err != nil {
		return found, err
	}
	if !found.Until.IsZero() && !found.Since.Before(found.Until) {
		return found, session.Usage("--since must be before --until")
	}
	return found, nil
}

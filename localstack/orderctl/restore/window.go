package restore

import (
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/objects"
	"orderpipeline/localstack/orderctl/session"
)

// windowFlags choose objects of the archive by the time when they were written.
type windowFlags struct {
	since, until string
	objects.Window
}

// add declares the flags, which are read before the command runs.
func (w *windowFlags) add(env *session.Env, cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.since, "since", "",
		"only what was archived at that time or later: 2026-03-01,\n"+
			"2026-03-01T10:00:00Z, or 36h for 36 hours ago")
	cmd.Flags().StringVar(&w.until, "until", "", "only what was archived before that time")
	cmd.PreRunE = func(*cobra.Command, []string) error { return w.complete(env.Now()) }
}

func (w *windowFlags) complete(now time.Time) (err error) {
	if w.Since, err = session.ParseTime("--since", w.since, now); err != nil {
		return err
	}
	if w.Until, err = session.ParseTime("--until", w.until, now); err != nil {
		return err
	}
	if !w.Until.IsZero() && !w.Since.Before(w.Until) {
		return session.Usage("--since must be before --until")
	}
	return nil
}

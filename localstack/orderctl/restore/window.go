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
	if found.Since, err = moment("--since", w.since, now); err != nil {
		return found, err
	}
	if found.Until, err = moment("--until", w.until, now); err != nil {
		return found, err
	}
	if !found.Until.IsZero() && !found.Since.Before(found.Until) {
		return found, session.Usage("--since must be before --until")
	}
	return found, nil
}

// moment reads a time, or how long ago it was. An empty text is the zero time.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, session.Usage(
		"%s %q: write a time in UTC, such as 2026-03-01 or 2026-03-01T10:00:00Z, "+
			"or how long ago it was, such as 36h",
		flag,
		text,
	)
}

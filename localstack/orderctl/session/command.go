package session

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// Example indents command lines as cobra shows them.
func Example(lines ...string) string { return "  " + strings.Join(lines, "\n  ") }

// Usage returns an error about the command line.
func Usage(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUsage, fmt.Errorf(format, args...))
}

// subcommand is the Args of a command that only has subcommands: it names similar ones where one
// was mistyped.
func subcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
	if cmd.SuggestionsMinimumDistance == 0 {
		cmd.SuggestionsMinimumDistance = 2
	}
	if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
		text += ": did you mean " + strings.Join(similar, " or ") + "?"
	}
	return fmt.Errorf("%s", text)
}

// Group makes a command that only has subcommands.
func Group(cmd *cobra.Command, subcommands ...*cobra.Command) *cobra.Command {
	cmd.Args = subcommand
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(subcommands...)
	return cmd
}

// OneID is the Args of a command about one thing. An empty id, such as that of a variable that is
// not set, is refused: it would match everything or nothing.
func OneID(cmd *cobra.Command, args []string) error {
	if err := cobra.ExactArgs(1)(cmd, args); err != nil {
		return err
	}
	if args[0] == "" {
		return errors.New("the id is empty")
	}
	return nil
}

// CompleteFiles completes the names of files. No other argument is completed with them.
var CompleteFiles = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)

// A Positive is the value of a flag: a whole number of at least 1.
type Positive int

// Set reads the flag.
func (p *Positive) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return errors.New("it must be a whole number of at least 1")
	}
	*p = Positive(n)
	return nil
}

func (p *Positive) String() string { return strconv.Itoa(int(*p)) }

// Type names the value in a help text.
func (*Positive) Type() string { return "int" }

// TimeFlag declares a flag that is a time, or how long ago it was.
func TimeFlag(cmd *cobra.Command, t *time.Time, name, usage string) {
	usage += ":\n2026-03-01, 2026-03-01T10:00:00Z, or 36h for 36 hours ago"
	ParsedFlag(cmd, t, name, usage, parseTime)
}

// ParsedFlag declares a flag that parse reads.
func ParsedFlag[T any](
	cmd *cobra.Command, value *T, name, usage string, parse func(string) (T, error),
) {
	cmd.Flags().Func(name, usage, func(text string) (err error) {
		*value, err = parse(text)
		return err
	})
}

func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil // no limit
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return time.Now().Add(-ago), nil
	}
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly,
	} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("write a time in UTC, such as 2026-03-01 or " +
		"2026-03-01T10:00:00Z, or how long ago it was, such as 36h")
}

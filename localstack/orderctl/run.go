package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/orderfile"
	"orderpipeline/localstack/orderctl/session"
)

// The exit codes, as `orderctl --help` lists them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitUnconfirmed = 4
	exitTimeout     = 5
	exitInterrupted = 130
	exitPipe        = 141
)

const exitCodes = `Exit codes:
  0    done
  1    failed, did only a part, or a check found a difference or a fault
  2    wrong usage, or input that cannot be read
  3    out of reach: no LocalStack, AWS, stack or API answers
  4    not confirmed (see --yes)
  5    the time limit of --wait ran out
  130  interrupted
  141  the program that reads the output ended`

// run runs one command line and returns the exit code. It is the whole program except for the
// process around it.
func run(
	ctx context.Context, args []string, in io.Reader, out, errOut io.Writer,
	getenv func(string) string,
) int {
	env := &session.Env{Console: console.New(in, out, errOut, getenv), Getenv: getenv}
	root := newRoot(env)
	root.SetArgs(args)
	started := false
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		// Cobra does this later, after PreRunE; it is about the command line too.
		if err := cmd.ValidateFlagGroups(); err != nil {
			return err
		}
		started = true
		if env.CSV && env.JSON { // the flags of a command and of the program are not one group
			return session.Usage("--csv cannot be combined with --json")
		}
		return nil
	}
	cmd, err := root.ExecuteContextC(ctx)
	switch failed := env.Failed(); {
	case failed != nil && (err == nil || !started):
		err = failed // a failure, even where the command itself did not notice
	case err != nil && !started:
		err = fmt.Errorf("%w: %w", session.ErrUsage, err)
	}
	code := exitCode(err)
	report(env, err, code)
	if code == exitUsage && !started && !env.JSON {
		env.Notef("See %s --help.\n", cmd.CommandPath())
	}
	return code
}

func exitCode(err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, syscall.EPIPE):
		return exitPipe
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, session.ErrUsage), errors.Is(err, orderfile.ErrInput):
		return exitUsage
	case errors.Is(err, session.ErrUnreachable), errors.Is(err, api.ErrUnavailable):
		return exitUnreachable
	case errors.Is(err, console.ErrNotConfirmed):
		return exitUnconfirmed
	case errors.Is(err, session.ErrTimeout):
		return exitTimeout
	}
	return exitFailed
}

// report writes the error, once, to standard error.
func report(env *session.Env, err error, code int) {
	switch {
	case err == nil:
	case code == exitPipe:
		if text := notAbout(err, console.ErrOutput); text != "" {
			env.Notef("orderctl: %s\n", console.Clean(text))
		}
	case env.JSON:
		line, _ := json.Marshal(map[string]any{"error": err.Error(), "exit_code": code})
		env.Notef("%s\n", line)
	case errors.Is(err, session.ErrCheck):
	case code == exitInterrupted:
		env.Notef("interrupted\n")
		if text := notAbout(err, context.Canceled); text != "" {
			env.Notef("orderctl: %s\n", console.Clean(text))
		}
	default:
		env.Notef("orderctl: %s\n", console.Clean(err.Error()))
	}
}

// notAbout returns what else went wrong in a command that ended because of known, such as messages
// that could not be released.
func notAbout(err, known error) string {
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // of this error itself
	if !ok {
		return ""
	}
	for _, e := range joined.Unwrap() {
		if !errors.Is(e, known) && !errors.Is(known, e) && !errors.Is(e, syscall.EPIPE) {
			return e.Error()
		}
	}
	return ""
}

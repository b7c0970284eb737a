package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/source"
	"orderpipeline/localstack/orderctl/target"
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
)

const exitCodes = `Exit codes:
  0    done
  1    failed, or a check found a difference or a fault
  2    wrong usage, or input that cannot be read
  3    out of reach: no LocalStack, AWS, stack or API answers
  4    not confirmed (see --yes)
  5    the time limit of --wait ran out
  130  interrupted`

var (
	// errUsage: the command line is wrong.
	errUsage = errors.New("wrong usage")
	// errCheck: the command worked, and what it looked at is not as it should be. It has been shown already.
	errCheck = errors.New("the check failed")
	// errTimeout: --wait took longer than it may.
	errTimeout = errors.New("the time limit ran out")
)

// apiTimeout bounds one question to the API, which itself answers within seconds even when Redis is down.
const apiTimeout = 15 * time.Second

// An app is what all commands share.
type app struct {
	*console.Console
	options target.Options
	getenv  func(string) string
	found   *target.Target
}

// run runs one command line and returns the exit code. It is the whole program but for the process around it.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer, getenv func(string) string) int {
	a := &app{Console: console.New(in, out, errOut, getenv), getenv: getenv}
	root := a.root()
	root.SetArgs(args)
	started := false
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		// Cobra does this only later; it is still about the command line.
		if err := cmd.ValidateFlagGroups(); err != nil {
			return err
		}
		started = true
		return nil
	}
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !started {
		err = fmt.Errorf("%w: %w", errUsage, err)
	}
	code := exitCode(err)
	a.complain(err, code)
	if !started && err != nil && !a.JSON {
		a.Notef("See %s --help.\n", cmd.CommandPath())
	}
	return code
}

func exitCode(err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, errUsage), errors.Is(err, source.ErrInput):
		return exitUsage
	case errors.Is(err, target.ErrUnreachable), errors.Is(err, api.ErrUnavailable):
		return exitUnreachable
	case errors.Is(err, console.ErrNotConfirmed):
		return exitUnconfirmed
	case errors.Is(err, errTimeout):
		return exitTimeout
	}
	return exitFailed
}

// complain says the error, once, on standard error.
func (a *app) complain(err error, code int) {
	switch {
	case err == nil:
	case a.JSON:
		line, _ := json.Marshal(map[string]any{"error": err.Error(), "exit_code": code})
		a.Notef("%s\n", line)
	case errors.Is(err, errCheck):
	case errors.Is(err, context.Canceled):
		a.Notef("interrupted\n")
	default:
		a.Notef("orderctl: %s\n", console.Clean(err.Error()))
	}
}

// target finds what to work on, once.
func (a *app) target(ctx context.Context) (*target.Target, error) {
	if a.found == nil {
		t, err := target.Find(ctx, a.options, a.getenv)
		if err != nil {
			return nil, err
		}
		a.found = t
	}
	return a.found, nil
}

func (a *app) sqs(ctx context.Context) (*sqs.Client, error) {
	t, err := a.target(ctx)
	if err != nil {
		return nil, err
	}
	return sqs.NewFromConfig(t.AWS), nil
}

// api does not need AWS when the address is given.
func (a *app) api(ctx context.Context) (*api.Client, error) {
	client := &api.Client{Base: a.options.APIURL, HTTP: &http.Client{Timeout: apiTimeout}}
	if client.Base != "" {
		return client, nil
	}
	t, err := a.target(ctx)
	if err != nil {
		return nil, err
	}
	client.Base, err = t.API(ctx)
	return client, err
}

// sleep waits, or returns false when the context ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Package session is what the commands of orderctl share: the flags, what they work on (queues, API
// and clients of the deployed stack), and how they ask, act, wait and report.
package session

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/api"
	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/queue"
)

var (
	// ErrUsage says that the command line is wrong.
	ErrUsage = errors.New("wrong usage")
	// ErrCheck says that the command worked, but what it looked at is not as it should be, or that it
	// could do only a part of what was asked. The command has shown it already.
	ErrCheck = errors.New("the check failed")
	// ErrTimeout says that --wait took longer than its limit.
	ErrTimeout = errors.New("the time limit ran out")
)

// apiTimeout bounds one request to the API, which answers within seconds even when Redis is down.
const apiTimeout = 15 * time.Second

// An Env is what is known before a command runs: the streams, the flags and the environment.
type Env struct {
	*console.Console
	Options Options
	Getenv  func(string) string

	Wait      bool // the user asked for --wait
	WaitLimit time.Duration
}

// Need names what a command works on. It is looked up before the command runs, so that a command
// can rely on it; what is not named is not looked up.
type Need uint16

// What a command can need. Stack is everything that the stack's outputs name.
const (
	API Need = 1 << iota
	Orders
	DLQ
	Rejected
	Stack
	Queues = Orders | DLQ | Rejected
)

// A Session is what a command works on.
type Session struct {
	*Env
	*Target
	Outputs map[string]string // of the stack; only where they were needed

	API     *api.Client
	SQS     *sqs.Client
	Lambda  *lambda.Client
	Metrics *cloudwatch.Client

	Orders, DLQ, Rejected queue.Queue
}

// Run returns a cobra RunE that opens a session with what is needed and calls command with it.
// Flags are validated in PreRunE, before anything is asked.
func (e *Env) Run(
	needs Need, command func(ctx context.Context, s *Session, args []string) error,
) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		s, err := e.Open(cmd.Context(), needs)
		if err != nil {
			return err
		}
		return command(cmd.Context(), s, args)
	}
}

// Open finds what the command needs, and what --wait needs. An error wraps ErrUnreachable and says
// what to start or to set.
func (e *Env) Open(ctx context.Context, needs Need) (*Session, error) {
	if e.Wait {
		needs |= API | DLQ
	}
	s := &Session{Env: e, Target: &Target{}}
	s.API = &api.Client{Base: e.Options.APIURL, HTTP: &http.Client{Timeout: apiTimeout}}
	if needs == API && s.API.Base != "" {
		return s, nil // works without AWS
	}

	var err error
	if s.Target, err = Find(ctx, e.Options, e.Getenv); err != nil {
		return nil, err
	}
	if s.Unnamed {
		e.Hintf("orderctl works on %s\n", s.Where())
	}
	s.SQS = sqs.NewFromConfig(s.AWS, ReadAtOnce)
	s.Lambda = lambda.NewFromConfig(s.AWS)
	s.Metrics = cloudwatch.NewFromConfig(s.AWS)
	return s, s.resolve(ctx, needs)
}

package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"orderpipeline/localstack/orderctl/queue"
	"orderpipeline/shared/replay/protocol"
)

// An invoker calls a Lambda function. *lambda.Client is one.
type invoker interface {
	Invoke(
		context.Context, *lambda.InvokeInput, ...func(*lambda.Options),
	) (*lambda.InvokeOutput, error)
}

// A replayer gives objects of the archive to the replay function, and waits for its answers.
// Replaying is idempotent, so a call whose answer was lost is repeated.
type replayer struct {
	invoker  invoker
	function string
}

// A functionError is an error that the function returned.
type functionError struct{ text string }

func (e *functionError) Error() string { return e.text }

// final says whether repeating the call gives the same error.
func (e *functionError) final() bool {
	return protocol.Final(e.text)
}

const (
	attempts     = 8
	firstPause   = 250 * time.Millisecond
	longestPause = 10 * time.Second
)

// replay gives one object to the function.
func (r replayer) replay(
	ctx context.Context,
	kind, key string,
) (counted protocol.Counted, err error) {
	in := protocol.Request{Operation: protocol.Replay, Kind: kind, Key: key}
	if err = r.call(ctx, in, &counted); err != nil {
		return counted, fmt.Errorf("replay %s: %w", key, err)
	}
	return counted, nil
}

// call invokes the function, and retries what may succeed later.
func (r replayer) call(ctx context.Context, in protocol.Request, answer any) error {
	payload, err := json.Marshal(in)
	if err != nil {
		return err
	}
	wait := firstPause
	for attempt := 1; ; attempt++ {
		err := r.once(ctx, payload, answer)
		if err == nil || attempt == attempts || !passing(ctx, err) {
			return err
		}
		if !queue.Sleep(ctx, wait) {
			return ctx.Err()
		}
		wait = min(2*wait, longestPause)
	}
}

// passing says whether the call may succeed later.
func passing(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if failed, ok := errors.AsType[*functionError](err); ok {
		return !failed.final()
	}
	switch queue.ErrorCode(err) {
	case "AccessDeniedException", "ResourceNotFoundException", "InvalidRequestContentException",
		"RequestTooLargeException", "UnrecognizedClientException", "ExpiredTokenException":
		return false
	}
	return true
}

func (r replayer) once(ctx context.Context, payload []byte, answer any) error {
	out, err := r.invoker.Invoke(ctx, &lambda.InvokeInput{FunctionName: &r.function, Payload: payload})
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("call the function %s: %w", r.function, err)
	}
	if aws.ToString(out.FunctionError) != "" {
		return &functionError{errorText(out.Payload)}
	}
	if err := json.Unmarshal(out.Payload, answer); err != nil {
		return fmt.Errorf("the function %s answered %.200q: %w", r.function, out.Payload, err)
	}
	return nil
}

// errorText is the message of a function error.
func errorText(payload []byte) string {
	var said struct {
		Message string `json:"errorMessage"`
	}
	if json.Unmarshal(payload, &said) == nil && said.Message != "" {
		return said.Message
	}
	return string(payload)
}

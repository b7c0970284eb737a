package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"

	"orderpipeline/shared/order"
)

// Kinds of replay.
const (
	healing    = "replay"
	rebuilding = "rebuild"
	importing  = "import"
)

// An invoker calls a Lambda function. *lambda.Client is one.
type invoker interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// A replayer gives objects of the archive to the replay function, and waits for its answers. Replaying is idempotent,
// so a call whose answer was lost is repeated.
type replayer struct {
	invoker  invoker
	function string
	sleep    func(context.Context, time.Duration) bool
	log      func(format string, args ...any)
}

// A replayed says what became of the orders of one object, or of several.
type replayed struct {
	Orders    int64       `json:"orders"`
	Recorded  int64       `json:"recorded"`  // counted now
	Duplicate int64       `json:"duplicate"` // had been counted before
	Conflict  int64       `json:"conflict"`  // another order has the id
	Overflow  int64       `json:"overflow"`  // a sum would pass its limit
	Value     order.Cents `json:"value"`     // of the orders counted now
}

func (r *replayed) add(other replayed) {
	r.Orders += other.Orders
	r.Recorded += other.Recorded
	r.Duplicate += other.Duplicate
	r.Conflict += other.Conflict
	r.Overflow += other.Overflow
	r.Value += other.Value
}

// A request is the payload of a direct invocation.
type request struct {
	Operation string `json:"orderpipeline"`
	Kind      string `json:"kind,omitempty"`
	Key       string `json:"key,omitempty"`
	Confirm   string `json:"confirm,omitempty"`
}

// A functionError is an error that the function returned.
type functionError struct{ text string }

func (e *functionError) Error() string { return e.text }

// What the function's errors begin with when repeating the call cannot help.
const (
	unreadable = "unreadable: "
	tooOld     = "too old: "
)

// final says whether repeating the call gives the same error.
func (e *functionError) final() bool {
	return strings.HasPrefix(e.text, unreadable) || strings.HasPrefix(e.text, tooOld)
}

const (
	attempts     = 8
	firstPause   = 250 * time.Millisecond
	longestPause = 10 * time.Second
)

// replay gives one object to the function.
func (r replayer) replay(ctx context.Context, kind, key string) (replayed, error) {
	var answer struct {
		replayed
		Value json.RawMessage `json:"value"`
	}
	if err := r.call(ctx, request{Operation: "replay", Kind: kind, Key: key}, &answer); err != nil {
		return replayed{}, fmt.Errorf("replay %s: %w", key, err)
	}
	var err error
	answer.replayed.Value, err = readCents(answer.Value)
	return answer.replayed, err
}

// readCents reads an amount, as a JSON number or string with two decimals.
func readCents(text json.RawMessage) (order.Cents, error) {
	if len(text) == 0 {
		return 0, nil
	}
	var c order.Cents
	if err := json.Unmarshal([]byte(strings.Trim(string(text), `"`)), &c); err != nil {
		return 0, fmt.Errorf("the replay function answered the value %s: %w", text, err)
	}
	return c, nil
}

// call invokes the function, and repeats what fails for a passing reason.
func (r replayer) call(ctx context.Context, in request, answer any) error {
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
		if !r.sleep(ctx, wait) {
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
	var failed *functionError
	if errors.As(err, &failed) {
		return !failed.final()
	}
	var refused smithy.APIError
	if errors.As(err, &refused) {
		switch refused.ErrorCode() {
		case "AccessDeniedException", "ResourceNotFoundException", "InvalidRequestContentException",
			"RequestTooLargeException", "UnrecognizedClientException", "ExpiredTokenException":
			return false
		}
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

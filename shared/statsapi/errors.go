package statsapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"orderpipeline/shared/ledger"
)

const (
	storeAway     = "The figures cannot be read right now. Try again in a moment."
	badCursor     = "cursor: this is not the next of a page that this API answered."
	unknownUser   = "This customer has no orders."
	noSuchRoute   = "There is nothing at this path. See openapi.json for the routes."
	onlyGet       = "Every route of this API is read with GET."
	internalError = "Something went wrong here. The log has the details under this request id."
)

// A badRange is a query whose parameters are valid one by one, but not together.
type badRange struct{ detail string }

func (e badRange) Error() string { return e.detail }

// register adds a route. Its handler returns figures or a domain error.
func register[I, O any](
	a *API, api huma.API, o huma.Operation, handle func(context.Context, *I) (*O, error),
) {
	huma.Register(api, o, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, asProblem(ctx, err)
		}
		return out, nil
	})
}

// asProblem maps an error of a handler to the answer. Only a 503 hides its cause, which goes to the
// log.
func asProblem(ctx context.Context, err error) error {
	var refused huma.StatusError
	var outside badRange
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &outside):
		return huma.Error400BadRequest(outside.detail)
	case errors.Is(err, ledger.ErrNotFound):
		return huma.Error404NotFound(unknownUser)
	case errors.Is(err, ledger.ErrBadCursor):
		return huma.Error422UnprocessableEntity(badCursor)
	}
	logCause(ctx, err)
	return huma.ErrorWithHeaders(
		huma.NewError(http.StatusServiceUnavailable, storeAway),
		http.Header{"Retry-After": {"1"}})
}

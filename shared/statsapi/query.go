package statsapi

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

const unreadableQuery = "The query string cannot be parsed: percent-encode it."

// strictQuery refuses a query string that the route does not understand completely. net/http and
// huma drop what they cannot parse or do not know, and would answer with the default.
func strictQuery(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		var known []string
		for _, p := range ctx.Operation().Parameters {
			if p.In == "query" {
				known = append(known, p.Name)
			}
		}

		address := ctx.URL()
		refused, err := checkQuery(address.RawQuery, known)
		switch {
		case err != nil:
			_ = huma.WriteErr(api, ctx, http.StatusUnprocessableEntity, unreadableQuery)
		case len(refused) > 0:
			_ = huma.WriteErr(api, ctx, http.StatusUnprocessableEntity, "validation failed", refused...)
		default:
			next(ctx)
		}
	}
}

// checkQuery returns one error for each parameter that is unknown, repeated or empty, and err for a
// query string that is none.
func checkQuery(raw string, known []string) (refused []error, err error) {
	if raw == "" {
		return nil, nil
	}
	query, err := url.ParseQuery(raw)
	if err != nil {
		return nil, err
	}
	for name, values := range query {
		switch {
		case !slices.Contains(known, name):
			refused = append(refused, refuseParameter(name, values[0], unknownParameter(known)))
		case len(values) > 1:
			message := fmt.Sprintf("given %d times", len(values))
			refused = append(refused, refuseParameter(name, values[0], message))
		case values[0] == "":
			refused = append(refused, refuseParameter(name, "", "expected a value"))
		}
	}
	return refused, nil
}

func refuseParameter(name, value, message string) error {
	return &huma.ErrorDetail{Location: "query." + name, Message: message, Value: value}
}

func unknownParameter(known []string) string {
	if len(known) == 0 {
		return "unknown parameter, this route has none"
	}
	return "unknown parameter, this route has " + strings.Join(known, ", ")
}

// withoutQuery serves a page or a document, none of which has a parameter.
func withoutQuery(handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		refused, err := checkQuery(r.URL.RawQuery, nil)
		switch {
		case err != nil:
			writeProblem(w, http.StatusUnprocessableEntity, unreadableQuery)
		case len(refused) > 0:
			writeProblem(w, http.StatusUnprocessableEntity, "This route has no query parameters.")
		default:
			handle(w, r)
		}
	}
}

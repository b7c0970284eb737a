package statsapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// documentConfig is the OpenAPI document's head. The library's own routes for documents and pages are left out: ours are in
// page.go, and work under any prefix.
func documentConfig() huma.Config {
	config := huma.DefaultConfig("Order statistics", "1.0.0")
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil
	config.Transformers = []huma.Transformer{explain}
	config.Info.Description = "Figures over all recorded orders: totals, customers, months, the leaderboard, and what became of " +
		"the messages. Every answer is JSON; every error is a problem (RFC 9457) with a detail for people. " +
		"Money is a number with exactly two decimals."
	config.Info.License = &huma.License{Name: "MIT", Identifier: "MIT"}
	// Relative to the document itself, so that it is right under every stage and host.
	config.Servers = []*huma.Server{{URL: ".", Description: "Where this document comes from"}}
	config.Tags = []*huma.Tag{
		{Name: tagFigures, Description: "What was ordered."},
		{Name: tagOperation, Description: "How the pipeline is doing."},
	}
	return config
}

const (
	tagFigures   = "Figures"
	tagOperation = "Operation"
)

// operation describes a route. Every one can answer 503; refusal is one more status of its own, or zero.
func operation(id, path, summary, description string, refusal int) huma.Operation {
	o := huma.Operation{
		OperationID: id, Method: http.MethodGet, Path: path, Summary: summary, Description: description,
		Tags:   []string{tagFigures},
		Errors: []int{http.StatusServiceUnavailable},
	}
	if refusal != 0 {
		o.Errors = append(o.Errors, refusal)
	}
	if id == "health" || id == "message-stats" || id == "metrics" {
		o.Tags = []string{tagOperation}
	}
	return o
}

func metricsOperation() huma.Operation {
	o := operation("metrics", "/metrics", "Metrics",
		"Everything that is counted, over all function instances together, in the Prometheus text format.", 0)
	o.Responses = map[string]*huma.Response{"200": {
		Description: "OK",
		Content: map[string]*huma.MediaType{"text/plain": {
			Schema:  &huma.Schema{Type: huma.TypeString},
			Example: "# HELP orders_recorded_total Orders counted in the totals.\n# TYPE orders_recorded_total counter\norders_recorded_total 3\n",
		}},
	}}
	return o
}

// explain says in the detail itself what is wrong with a request; the library says it only in the list of errors.
func explain(_ huma.Context, _ string, answer any) (any, error) {
	p, ok := answer.(*huma.ErrorModel)
	if !ok || p.Status != http.StatusUnprocessableEntity || len(p.Errors) == 0 {
		return answer, nil
	}
	told := make([]string, len(p.Errors))
	for i, e := range p.Errors {
		_, name, _ := strings.Cut(e.Location, ".")
		told[i] = name + ": " + e.Message
	}
	p.Detail = strings.Join(told, "; ") + "."
	return p, nil
}

// problemExamples are what the document shows for each status that is no success.
func problemExamples() map[string]huma.ErrorModel {
	return map[string]huma.ErrorModel{
		"400": {Detail: "start (2024-02) is after end (2024-01)."},
		"404": {Detail: "This customer has no orders."},
		"422": {Detail: "n: expected number <= 1000.", Errors: []*huma.ErrorDetail{{Message: "expected number <= 1000", Location: "path.n", Value: 5000}}},
		"500": {Detail: "Something went wrong here. The log tells more under this request id."},
		"503": {Detail: storeAway},
	}
}

// describeProblems gives every problem in the document an example of its own.
func describeProblems(document *huma.OpenAPI) {
	for _, property := range document.Components.Schemas.Map()["ErrorModel"].Properties {
		property.Examples = nil
	}
	for _, path := range document.Paths {
		for code, response := range path.Get.Responses {
			content, found := response.Content["application/problem+json"]
			if !found {
				continue
			}
			example := problemExamples()[code]
			example.Status, _ = strconv.Atoi(code)
			example.Title = http.StatusText(example.Status)
			content.Example = example
			if code == "503" {
				response.Headers = map[string]*huma.Param{"Retry-After": {
					Description: "After how many seconds it is worth trying again.",
					Schema:      &huma.Schema{Type: huma.TypeInteger},
				}}
			}
		}
	}
}

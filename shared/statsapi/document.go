package statsapi

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// documentConfig is the OpenAPI document's head. The library's own routes for documents and pages are left out: ours are in
// page.go, and work under any prefix.
func documentConfig() huma.Config {
	config := huma.DefaultConfig("Order statistics", "1.0.0")
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil
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

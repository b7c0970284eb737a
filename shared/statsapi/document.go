package statsapi

import (
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

// documentConfig is the OpenAPI document's head. The library's own routes for documents and pages
// are left out: ours are in page.go, and work under any prefix.
func documentConfig() huma.Config {
	config := huma.DefaultConfig("Order statistics", "1.0.0")
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil
	config.Transformers = []huma.Transformer{explain}
	format := huma.DefaultJSONFormat
	format.Marshal = writeJSON
	config.Formats = map[string]huma.Format{"application/json": format, "json": format}
	config.Info.Description = "Figures over all recorded orders: totals, customers, months, days, " +
		"the leaderboard, and what happened to the messages. " +
		"Every answer is JSON; every error is a problem " +
		"(RFC 9457) with a detail for people. Money is a number with exactly two decimals. A query " +
		"parameter that a route does not know is refused."
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

// describeTypes tells the document what the types of money and of periods look like as JSON. The
// types themselves are shared with clients and know nothing of OpenAPI.
func describeTypes(schemas huma.Registry) {
	schemas.RegisterTypeAlias(reflect.TypeFor[order.Cents](), reflect.TypeFor[moneySchema]())
	schemas.RegisterTypeAlias(reflect.TypeFor[answer.Months](), reflect.TypeFor[periodsSchema]())
	schemas.RegisterTypeAlias(reflect.TypeFor[answer.Days](), reflect.TypeFor[periodsSchema]())
}

type moneySchema struct{}

func (moneySchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeNumber,
		Description: "Money in units of the currency, always with two decimals. " +
			"Exact: it is kept in whole cents.",
		Examples: []any{59.97},
	}
}

type periodsSchema struct{}

func (periodsSchema) Schema(registry huma.Registry) *huma.Schema {
	return huma.SchemaFromType(registry, reflect.TypeFor[map[string]answer.Period]())
}

// operation describes a route. Each can answer 422 for its query and 503; refusals are further
// statuses.
func operation(id, path, summary, description string, refusals ...int) huma.Operation {
	o := huma.Operation{
		OperationID: id, Method: http.MethodGet, Path: path, Summary: summary, Description: description,
		Tags: []string{tagFigures},
		Errors: append([]int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
			refusals...),
	}
	if slices.Contains([]string{"health", "message-stats", "metrics", "overview"}, id) {
		o.Tags = []string{tagOperation}
	}
	return o
}

const metricsExample = "# HELP orders_recorded_total Orders counted in the totals.\n" +
	"# TYPE orders_recorded_total counter\norders_recorded_total 3\n"

// textOperation describes a route that answers with plain text.
func textOperation(example string, o huma.Operation) huma.Operation {
	o.Responses = answers("text/plain", &huma.MediaType{
		Schema:  &huma.Schema{Type: huma.TypeString},
		Example: example,
	})
	return o
}

// schemaOperation describes a route that answers with a JSON Schema.
func schemaOperation(o huma.Operation) huma.Operation {
	o.Responses = answers("application/schema+json", &huma.MediaType{
		Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true},
	})
	return o
}

func answers(contentType string, content *huma.MediaType) map[string]*huma.Response {
	return map[string]*huma.Response{"200": {
		Description: "OK",
		Content:     map[string]*huma.MediaType{contentType: content},
	}}
}

// explain says in the detail itself what is wrong with a request; huma says it only in the list of
// errors.
func explain(_ huma.Context, _ string, answer any) (any, error) {
	p, ok := answer.(*huma.ErrorModel)
	if !ok || p.Status != http.StatusUnprocessableEntity || len(p.Errors) == 0 {
		return answer, nil
	}
	sentences := make([]string, len(p.Errors))
	for i, e := range p.Errors {
		_, name, _ := strings.Cut(e.Location, ".")
		sentences[i] = name + ": " + e.Message
	}
	slices.Sort(sentences)
	p.Detail = strings.Join(sentences, "; ") + "."
	return p, nil
}

// problemExamples are what the document shows for each status that is no success.
func problemExamples() map[string]huma.ErrorModel {
	return map[string]huma.ErrorModel{
		"400": {Detail: "start (2024-02) is after end (2024-01)."},
		"404": {Detail: unknownUser},
		"422": {
			Detail: "n: expected number <= 1000.",
			Errors: []*huma.ErrorDetail{
				{Message: "expected number <= 1000", Location: "path.n", Value: 5000},
			},
		},
		"500": {Detail: internalError},
		"503": {Detail: storeAway},
	}
}

// describeProblems gives each problem in the document its example.
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

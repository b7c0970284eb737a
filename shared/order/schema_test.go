package order_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"orderpipeline/shared/order"
)

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(order.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	if err := compiler.AddResource("order.schema.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("order.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

var (
	// hugeExponent would make the validator, which is exact, compute a number of that many digits.
	hugeExponent  = regexp.MustCompile(`[eE][+-]?[0-9]{4,}`)
	surrogate     = regexp.MustCompile(`\\u[dD][89a-fA-F]`)
	plainDecimal  = regexp.MustCompile(`^[0-9]+(\.[0-9]{1,9})?$`)
	doubleEncoded = regexp.MustCompile(`^\s*"`)
)

// The schema and the parser are two descriptions of one contract. Documents of the same generator
// as in the differential test go to both: they may only differ in what the schema's description
// lists.
func TestTheSchemaAcceptsWhatTheParserAccepts(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	w := writer{rand.New(rand.NewPCG(2020, 12))}
	accepted, refused := 0, 0
	for range 6_000 {
		body := w.message()
		if hugeExponent.MatchString(body) || doubleEncoded.MatchString(body) || !utf8.ValidString(body) {
			continue
		}
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
		if err != nil {
			continue // not JSON: nothing that a schema could judge
		}

		invalid := schema.Validate(document)
		_, parseErr := order.Parse(body)
		var refusal *order.Refusal
		switch errors.As(parseErr, &refusal); {
		case invalid == nil && refusal == nil:
			accepted++
		case invalid != nil && refusal != nil:
			refused++
		case invalid == nil && !beyondSchema(document, body, refusal):
			t.Errorf("the schema accepts, the parser says %v:\n%s", refusal, body)
		case invalid != nil && !beyondPatterns(document):
			t.Errorf("the parser accepts, the schema says %v:\n%s", invalid, body)
		}
	}
	if accepted < 1_000 || refused < 200 {
		t.Errorf("only %d accepted and %d refused: the test compares too little", accepted, refused)
	}
}

// beyondSchema says whether a refusal is one that the schema's description lists.
func beyondSchema(document any, body string, r *order.Refusal) bool {
	object := document.(map[string]any)
	switch {
	case r.Reason == order.OrderTooLarge, surrogate.MatchString(body):
		return true
	case r.Reason == order.InvalidJSON:
		return strings.Contains(body, strings.Repeat("[", 400)) // nested too deep
	case r.Field == "order_timestamp":
		text := object["order_timestamp"].(string)
		day, err := time.Parse(time.DateOnly, text[:10])
		return err != nil || day.Year() == 1970 || day.Year() == 9999 // moved by its offset
	case strings.HasSuffix(r.Field, ".price_per_unit"):
		return hasLongPrice(object)
	}
	return false
}

// hasLongPrice says whether a price is a number with more than nine decimals.
func hasLongPrice(object map[string]any) bool {
	for _, item := range object["items"].([]any) {
		number, ok := item.(map[string]any)["price_per_unit"].(json.Number)
		if !ok {
			continue
		}
		price, ok := new(big.Rat).SetString(number.String())
		if ok && !price.Mul(price, big.NewRat(1e9, 1)).IsInt() {
			return true
		}
	}
	return false
}

// beyondPatterns says whether an order is written in one of the forms that the schema leaves out:
// numbers in strings with an exponent, a sign or more digits, and local times of 1969 or 0000.
func beyondPatterns(document any) bool {
	object := document.(map[string]any)
	if text := object["order_timestamp"].(string); text < "1970" {
		return true
	}
	for _, item := range object["items"].([]any) {
		for _, name := range []string{"quantity", "price_per_unit"} {
			text, quoted := item.(map[string]any)[name].(string)
			if quoted && !plainDecimal.MatchString(text) {
				return true
			}
		}
	}
	return false
}

func TestTheSchemaSaysTheExampleOfTheContract(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	example := map[string]any{
		"order_id":        "ORD1234",
		"user_id":         "U5678",
		"order_timestamp": "2024-12-13T10:00:00Z",
		"order_value":     json.Number("99.99"),
		"items": []any{
			map[string]any{
				"product_id": "P001", "quantity": json.Number("2"), "price_per_unit": json.Number("20.0"),
			},
		},
	}
	if err := schema.Validate(example); err != nil {
		t.Errorf("the example is refused: %v", err)
	}
	for name, change := range map[string]any{
		"order_id": "", "user_id": "a\nb", "order_timestamp": "13.12.2024", "order_value": "much",
		"items": []any{},
	} {
		changed := map[string]any{}
		for k, v := range example {
			changed[k] = v
		}
		changed[name] = change
		if err := schema.Validate(changed); err == nil {
			t.Errorf("%s %q is accepted", name, change)
		}
	}
}

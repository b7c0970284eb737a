package order

import _ "embed" // the schema

//go:embed order.schema.json
var schema string

// Schema is the JSON Schema (2020-12) of an order message. Its description lists what it cannot
// say.
func Schema() string { return schema }

// Package schemathesis holds the API to its own OpenAPI document: Schemathesis makes up valid and
// broken requests out of the document, and checks that every answer is one that it promises. It
// runs against the handler itself with a real Redis, or, when SCHEMATHESIS_API_URL is set, against
// a deployed API.
package schemathesis

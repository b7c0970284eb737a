// Package browser holds tests that look at the pages in a real Chromium: what a person sees, in
// light and dark, on a narrow screen, by keyboard, and when Redis is away. They run against the
// handler itself with a real Redis, or, when BROWSER_API_URL is set, against a deployed API (see
// deployed_test.go). Screenshots are kept in .local/screenshots.
package browser

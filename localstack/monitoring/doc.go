// Package monitoring holds a Prometheus configuration, alert rules and a Grafana dashboard for
// /metrics, and the tests that they fit it and that each rule fires when it should.
package monitoring

// Package monitoring holds a Prometheus configuration, alert rules and a Grafana dashboard for
// /metrics. Tests compare them with /metrics, and check that each rule fires when it should.
package monitoring

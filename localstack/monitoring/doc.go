// Package monitoring holds a Prometheus configuration and a Grafana dashboard for /metrics, and the test that both fit it.
package monitoring

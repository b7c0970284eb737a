// Package metric declares every metric family of the pipeline, and writes them in the Prometheus
// text format.
//
// A counter in the memory of one function instance means nothing: instances come and go. So a
// family holds no value here. Counting adds to a Delta, a Delta is added to the counters that all
// instances share in Redis, and those counters, read back, are what WriteText writes. Values are
// whole numbers throughout: a duration is kept in microseconds and money in cents, and only the
// text has a decimal point.
package metric

import (
	"fmt"
	"strings"
)

// A Delta holds numbers by sample key, such as
// orders_api_requests_total{route="/health",status="200"}: increments on their way to the shared
// counters, or the shared counters themselves. It is not safe for concurrent use.
type Delta = map[string]int64

// A Family is one metric: a Counter, a Gauge or a Histogram.
type Family interface {
	// Name is the name as Prometheus sees it, without a histogram's suffixes.
	Name() string
	append(to []byte, samples []sample) []byte
}

// family is what all kinds have in common.
type family struct {
	name   string
	help   string
	labels []string
	// decimals of the unit in which it is shown: 6 shows microseconds as seconds, 2 cents as money
	scale int
}

// Name is the name as Prometheus sees it, without a histogram's suffixes.
func (f family) Name() string { return f.name }

// key writes a sample's key. It is the sample as the text format writes it, so that showing it
// needs no parsing.
func (f family) key(suffix, le string, values []string) string {
	if len(values) != len(f.labels) {
		panic(fmt.Sprintf("metric %s has %d labels, %d values given", f.name, len(f.labels), len(values)))
	}
	var b strings.Builder
	size := len(f.name) + len(suffix) + len(`{le=""}`) + len(le)
	for i, label := range f.labels {
		size += len(label) + len(values[i]) + len(`="",`)
	}
	b.Grow(size)
	b.WriteString(f.name)
	b.WriteString(suffix)
	separator := byte('{')
	for i, label := range f.labels {
		writeLabel(&b, separator, label, values[i])
		separator = ','
	}
	if le != "" {
		writeLabel(&b, separator, "le", le)
		separator = ','
	}
	if separator == ',' {
		b.WriteByte('}')
	}
	return b.String()
}

func writeLabel(b *strings.Builder, separator byte, name, value string) {
	b.WriteByte(separator)
	b.WriteString(name)
	b.WriteString(`="`)
	if strings.ContainsAny(value, "\\\"\n") {
		value = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value)
	}
	b.WriteString(value)
	b.WriteByte('"')
}

// A Counter only grows.
type Counter struct{ family }

// Add adds n to the sample with these label values, in the order in which the family declares its
// labels.
func (c Counter) Add(d Delta, n int64, values ...string) { d[c.key("", "", values)] += n }

// A Gauge goes up and down. It is read at the moment of a scrape and never kept in Redis.
type Gauge struct{ family }

// Set sets the sample with these label values.
func (g Gauge) Set(d Delta, n int64, values ...string) { d[g.key("", "", values)] = n }

// A Histogram counts observations in buckets with fixed upper bounds.
type Histogram struct {
	family
	// ascending, in the unit of storage, inclusive; what is above the last is counted in +Inf
	bounds []int64
}

// Observe counts one observation, given in the unit of storage: microseconds for a duration. It
// costs two increments: the one bucket that v falls in, and the sum. Buckets are added up only when
// they are written, and the count of observations is the sum of the buckets.
func (h Histogram) Observe(d Delta, v int64, values ...string) {
	le := infinity
	for _, bound := range h.bounds {
		if v <= bound {
			le = decimal(bound, h.scale)
			break
		}
	}
	d[h.key(bucketSuffix, le, values)]++
	d[h.key(sumSuffix, "", values)] += v
}

const (
	bucketSuffix = "_bucket"
	sumSuffix    = "_sum"
	countSuffix  = "_count"
	infinity     = "+Inf"
)

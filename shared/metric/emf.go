package metric

import (
	"log/slog"
	"time"
)

// Namespace is the CloudWatch namespace of all metrics that the functions log.
const Namespace = "OrderPipeline"

// stackDimension is the CloudWatch dimension that distinguishes two stacks in one account.
const stackDimension = "Stack"

// An EMF turns log lines into CloudWatch metrics (Embedded Metric Format). It costs no call to
// AWS: CloudWatch Logs extracts the metrics from the line itself.
type EMF struct {
	// Stack is the value of the dimension Stack. Without it the metrics have no dimension.
	Stack string
}

// A Measurement is one metric of a line.
type Measurement struct {
	name  string
	unit  string
	value slog.Value
}

// Count is a number of events.
func Count(name string, n int) Measurement {
	return Measurement{name, "Count", slog.IntValue(n)}
}

// Milliseconds is a duration, to the microsecond.
func Milliseconds(name string, d time.Duration) Measurement {
	return Measurement{name, "Milliseconds", slog.Float64Value(float64(d.Microseconds()) / 1000)}
}

type (
	emfHead struct {
		Timestamp         int64 // milliseconds since 1970
		CloudWatchMetrics []emfDirective
	}
	emfDirective struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []emfMetric
	}
	emfMetric struct{ Name, Unit string }
)

// Attrs returns the attributes that make a JSON log line a line of metrics: the head _aws, which
// names the members of the line that are metrics, the dimension and the values.
func (e EMF) Attrs(now time.Time, all ...Measurement) []slog.Attr {
	directive := emfDirective{
		Namespace:  Namespace,
		Dimensions: [][]string{{}},
		Metrics:    make([]emfMetric, len(all)),
	}
	attrs := make([]slog.Attr, 1, 2+len(all)+8) // the caller adds more
	if e.Stack != "" {
		directive.Dimensions = [][]string{{stackDimension}}
		attrs = append(attrs, slog.String(stackDimension, e.Stack))
	}
	for i, m := range all {
		directive.Metrics[i] = emfMetric{m.name, m.unit}
		attrs = append(attrs, slog.Attr{Key: m.name, Value: m.value})
	}
	attrs[0] = slog.Any("_aws", emfHead{now.UnixMilli(), []emfDirective{directive}})
	return attrs
}

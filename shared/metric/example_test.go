package metric_test

import (
	"fmt"
	"os"
	"strings"

	"orderpipeline/shared/metric"
)

// An instance counts in a Delta; the sums of all instances are written as text.
func Example() {
	delta := metric.Delta{}
	metric.Messages.Add(delta, 2, metric.OutcomeRecorded)
	metric.Messages.Add(delta, 1, metric.OutcomeDuplicate)

	var text strings.Builder
	if err := metric.WriteText(&text, delta, metric.Families()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	for line := range strings.Lines(text.String()) {
		if strings.HasPrefix(line, "orders_messages_total") {
			fmt.Print(line)
		}
	}
	// Output:
	// orders_messages_total{outcome="duplicate"} 1
	// orders_messages_total{outcome="recorded"} 2
}

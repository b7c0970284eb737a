package metric_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/metric"
)

func TestALineOfMetricsNamesItsMembers(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_732_270_000_123)
	for name, test := range map[string]struct {
		stack      string
		dimensions []any
		value      any
	}{
		"a stack": {"shop", []any{[]any{"Stack"}}, "shop"},
		"none":    {"", []any{[]any{}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			attrs := metric.EMF{Stack: test.stack}.Attrs(now,
				metric.Count("Received", 3), metric.Milliseconds("Duration", 1_234_567*time.Nanosecond))
			var out bytes.Buffer
			slog.New(slog.NewJSONHandler(&out, nil)).LogAttrs(t.Context(), slog.LevelInfo, "batch", attrs...)

			var line map[string]any
			if err := json.Unmarshal(out.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			want := map[string]any{
				"Timestamp": 1_732_270_000_123.0,
				"CloudWatchMetrics": []any{map[string]any{
					"Namespace":  "OrderPipeline",
					"Dimensions": test.dimensions,
					"Metrics": []any{
						map[string]any{"Name": "Received", "Unit": "Count"},
						map[string]any{"Name": "Duration", "Unit": "Milliseconds"},
					},
				}},
			}
			if diff := cmp.Diff(want, line["_aws"]); diff != "" {
				t.Errorf("_aws (-want +got):\n%s", diff)
			}
			if line["Received"] != 3.0 || line["Duration"] != 1.234 {
				t.Errorf("values %v and %v, want 3 and 1.234", line["Received"], line["Duration"])
			}
			if line["Stack"] != test.value {
				t.Errorf("Stack is %v, want %v", line["Stack"], test.value)
			}
		})
	}
}

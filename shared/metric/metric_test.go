package metric_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"orderpipeline/shared/metric"
)

func TestKeyIsTheSampleAsPrometheusWritesIt(t *testing.T) {
	t.Parallel()
	d := metric.Delta{}
	metric.APIRequests.Add(d, 2, "/stats/global", "200")
	metric.APIRequests.Add(d, 3, "/stats/global", "200")
	metric.Mismatches.Add(d, 1)
	metric.Messages.Add(d, 0, metric.OutcomeFailed)
	metric.QueueMessages.Set(d, 7, "orders", metric.StateVisible)
	metric.QueueMessages.Set(d, 4, "orders", metric.StateVisible)
	want := metric.Delta{
		`orders_api_requests_total{route="/stats/global",status="200"}`: 5,
		`orders_value_mismatches_total`:                                 1,
		`orders_messages_total{outcome="failed"}`:                       0,
		`orders_queue_messages{queue="orders",state="visible"}`:         4,
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("delta (-want +got):\n%s", diff)
	}
}

func TestAnObservationCostsTwoIncrements(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		micros int64
		le     string
	}{
		"nothing":               {0, "0.00025"},
		"exactly a bound":       {1_000, "0.001"},
		"just above a bound":    {1_001, "0.0025"},
		"a whole second":        {1_000_000, "1"},
		"above the last bound":  {60_000_000, "+Inf"},
		"the clock ran back":    {-5, "0.00025"},
		"a hundred and a half ": {100_500, "0.25"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := metric.Delta{}
			metric.APIDuration.Observe(d, test.micros, "/health")
			want := metric.Delta{
				`orders_api_request_duration_seconds_bucket{route="/health",le="` + test.le + `"}`: 1,
				`orders_api_request_duration_seconds_sum{route="/health"}`:                         test.micros,
			}
			if diff := cmp.Diff(want, d); diff != "" {
				t.Errorf("delta (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheWrongNumberOfLabelsIsAMistakeInTheProgram(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	metric.APIRequests.Add(metric.Delta{}, 1, "/health")
}

func TestTextOfCountersAndGauges(t *testing.T) {
	t.Parallel()
	d := metric.Delta{}
	metric.Revenue.Add(d, 123_456_789_012_345_678)
	metric.Refused.Add(d, 3, "invalid_json")
	metric.APIRequests.Add(d, 1, "a \"quoted\"\\\nlabel", "404")
	metric.QueueMessages.Set(d, 12, "orders-dlq", metric.StateInFlight)
	families := parse(t, text(t, d))

	for name, want := range map[string]float64{
		`orders_revenue_total`:                                             1234567890123456.78,
		`orders_messages_refused_total reason=invalid_json`:                3,
		"orders_api_requests_total route=a \"quoted\"\\\nlabel status=404": 1,
		`orders_queue_messages queue=orders-dlq state=in_flight`:           12,
		`orders_recorded_total`:                                            0,
		`orders_value_mismatches_total`:                                    0,
	} {
		if got, found := plainSamples(families)[name]; !found || got != want {
			t.Errorf("%s is %v (found: %t), want %v", name, got, found, want)
		}
	}
	if !strings.Contains(text(t, d), "\norders_revenue_total 1234567890123456.78\n") {
		t.Error("revenue is not written exactly")
	}
	if _, found := families["orders_messages_total"]; found {
		t.Error("a family with labels and no sample is written")
	}
}

func TestTextOfHistograms(t *testing.T) {
	t.Parallel()
	d := metric.Delta{}
	for _, micros := range []int64{100, 300, 300, 700_000, 9_000_000} {
		metric.APIDuration.Observe(d, micros, "/stats/global")
	}
	metric.APIDuration.Observe(d, 1_000, "/health")
	metric.BatchSize.Observe(d, 1_000)
	// A bound that this version does not have is still an observation.
	d[`orders_batch_messages_bucket{le="77"}`] = 1

	families := parse(t, text(t, d))
	global := histogramOf(t, families, "orders_api_request_duration_seconds", "/stats/global")
	if got := global.GetSampleCount(); got != 5 {
		t.Errorf("count is %d, want 5", got)
	}
	if got := global.GetSampleSum(); got != 9.7007 {
		t.Errorf("sum is %v s, want 9.7007", got)
	}
	cumulative := map[float64]uint64{}
	for _, b := range global.GetBucket() {
		cumulative[b.GetUpperBound()] = b.GetCumulativeCount()
	}
	for le, want := range map[float64]uint64{0.00025: 1, 0.0005: 3, 0.5: 3, 1: 4, 2.5: 4} {
		if cumulative[le] != want {
			t.Errorf("bucket %v holds %d, want %d", le, cumulative[le], want)
		}
	}
	requests := histogramOf(t, families, "orders_api_request_duration_seconds", "/health")
	if got := requests.GetSampleCount(); got != 1 {
		t.Errorf("the other route's count is %d, want 1", got)
	}
	if got := histogramOf(t, families, "orders_batch_messages", "").GetSampleCount(); got != 2 {
		t.Errorf("count of batches is %d, want 2", got)
	}
	durations := histogramOf(t, families, "orders_batch_duration_seconds", "")
	if got := durations.GetSampleCount(); got != 0 {
		t.Errorf("count of unobserved durations is %d, want 0", got)
	}
}

func TestDeltasOfManyInstancesAddUp(t *testing.T) {
	t.Parallel()
	shared := metric.Delta{}
	for instance := range 7 {
		d := metric.Delta{}
		for range 100 {
			metric.APIDuration.Observe(d, int64(instance)*400, "/health")
		}
		for key, n := range d {
			shared[key] += n
		}
	}
	h := histogramOf(t, parse(t, text(t, shared)), "orders_api_request_duration_seconds", "/health")
	if h.GetSampleCount() != 700 || h.GetSampleSum() != 0.84 {
		t.Errorf("got %d observations, sum %v s; want 700 and 0.84", h.GetSampleCount(), h.GetSampleSum())
	}
}

func TestSamplesOfAnotherVersionAreLeftOut(t *testing.T) {
	t.Parallel()
	got := text(t, metric.Delta{`orders_of_yesterday_total{a="b"}`: 1, `}{`: 2, ``: 3})
	if strings.Contains(got, "yesterday") {
		t.Errorf("an undeclared sample is written:\n%s", got)
	}
	parse(t, got)
}

func TestEveryFamilyKeepsTheNamingRules(t *testing.T) {
	t.Parallel()
	full := everything()
	problems, err := promlint.New(strings.NewReader(text(t, full))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	families := parse(t, text(t, full))
	names := slices.Sorted(maps.Keys(families))
	var declared []string
	for _, f := range metric.Families() {
		declared = append(declared, f.Name())
	}
	slices.Sort(declared)
	if diff := cmp.Diff(declared, names); diff != "" {
		t.Errorf("families written (-declared +written):\n%s", diff)
	}
}

// everything has at least one sample of each family.
func everything() metric.Delta {
	d := metric.Delta{}
	metric.Messages.Add(d, 1, metric.OutcomeRecorded)
	metric.Refused.Add(d, 1, "invalid_json")
	metric.APIRequests.Add(d, 1, "/health", "200")
	metric.APIDuration.Observe(d, 1, "/health")
	metric.QueueMessages.Set(d, 1, "orders", metric.StateDelayed)
	return d
}

func text(t *testing.T, d metric.Delta) string {
	t.Helper()
	var b bytes.Buffer
	if err := metric.WriteText(&b, d, metric.Families()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func parse(t *testing.T, text string) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("not the Prometheus text format: %v\n%s", err, text)
	}
	return families
}

func plainSamples(families map[string]*dto.MetricFamily) map[string]float64 {
	samples := map[string]float64{}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			key := name
			for _, l := range m.GetLabel() {
				key += " " + l.GetName() + "=" + l.GetValue()
			}
			samples[key] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return samples
}

func histogramOf(
	t *testing.T, families map[string]*dto.MetricFamily, name, route string,
) *dto.Histogram {
	t.Helper()
	for _, m := range families[name].GetMetric() {
		if labels := m.GetLabel(); len(labels) == 0 && route == "" || len(labels) == 1 &&
			labels[0].GetValue() == route {
			return m.GetHistogram()
		}
	}
	t.Fatalf("no histogram %s of %q", name, route)
	return nil
}

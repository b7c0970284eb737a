package intake

import (
	"context"
	"log/slog"
	"time"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/metric"
	"orderpipeline/shared/order"
)

// keepRefused bounds how many refused messages an instance remembers to count while Redis is down.
const keepRefused = 100_000

// count adds the batch to the shared counters and writes its log line, which is a CloudWatch metric too. The cause says
// why messages must come back.
func (b *batch) count(ctx context.Context, started time.Time, cause error) {
	taken := b.Now().Sub(started)
	var by [rejected + 1]int
	for _, f := range b.fates {
		by[f]++
	}
	notDone := by[failed] + by[accepted] + by[refused]

	metric.BatchSize.Observe(b.uncounted, int64(len(b.messages)))
	metric.BatchDuration.Observe(b.uncounted, taken.Microseconds())
	if notDone > 0 {
		b.uncounted[ledger.FailedMessages] += int64(notDone)
	}
	if !b.ledgerDown {
		b.addUncounted(ctx)
	}

	level := slog.LevelInfo
	if notDone > 0 {
		level = slog.LevelWarn
	}
	log := b.Log
	if reasons := b.byReason(); len(reasons) > 0 {
		log = log.With("refused_by_reason", reasons)
	}
	if cause != nil {
		log = log.With("cause", plain(cause.Error(), maxDetail))
	}
	log.LogAttrs(ctx, level, "batch",
		slog.Any("_aws", embeddedMetrics(b.Now())),
		slog.Int("Received", len(b.messages)),
		slog.Int("Recorded", by[recorded]),
		slog.Int("Duplicate", by[duplicate]),
		slog.Int("Refused", by[rejected]),
		slog.Int("Failed", notDone),
		slog.Int("Mismatch", b.mismatches),
		slog.Float64("Duration", float64(taken.Microseconds())/1000))
}

// addUncounted adds what this and earlier batches of the instance left to count.
func (b *batch) addUncounted(ctx context.Context) {
	ctx, cancel := withReserve(ctx, answerTime/2)
	defer cancel()
	if err := b.Ledger.AddCounters(ctx, b.uncounted); err != nil {
		b.Log.WarnContext(ctx, "counters are added with a later batch", "error", err)
		return
	}
	clear(b.uncounted)
	if len(b.Handler.refused) == 0 {
		return
	}
	if err := b.Ledger.CountRefused(ctx, b.Handler.refused); err != nil {
		b.Handler.refused = b.Handler.refused[:min(len(b.Handler.refused), keepRefused)]
		b.Log.WarnContext(ctx, "refused messages are counted with a later batch", "error", err)
		return
	}
	b.Handler.refused = b.Handler.refused[:0]
}

// byReason counts the messages that are now in the queue of rejected messages.
func (b *batch) byReason() map[order.Reason]int {
	counts := map[order.Reason]int{}
	for i, refusal := range b.refusals {
		if b.fates[i] == rejected {
			counts[refusal.Reason]++
		}
	}
	return counts
}

// Namespace of the CloudWatch metrics.
const Namespace = "OrderPipeline"

type (
	emf struct {
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

// embeddedMetrics is the head of a line in CloudWatch's Embedded Metric Format: it names the members of the same line that
// CloudWatch makes metrics of.
func embeddedMetrics(now time.Time) emf {
	return emf{now.UnixMilli(), []emfDirective{{
		Namespace: Namespace, Dimensions: [][]string{{}},
		Metrics: []emfMetric{
			{"Received", "Count"}, {"Recorded", "Count"}, {"Duplicate", "Count"}, {"Refused", "Count"},
			{"Failed", "Count"}, {"Mismatch", "Count"}, {"Duration", "Milliseconds"},
		},
	}}}
}

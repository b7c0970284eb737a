package intake

import (
	"context"
	"log/slog"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/metric"
	"orderpipeline/shared/order"
)

// keepRefused bounds how many refused messages an instance remembers to count while Redis is down.
const keepRefused = 100_000

// count adds the batch to the shared counters and writes its log line, which is a CloudWatch metric
// too.
func (b *batch) count(ctx context.Context, failed int) {
	taken := b.config.Now().Sub(b.started)
	uncounted := b.handler.uncounted
	metric.BatchSize.Observe(uncounted, int64(len(b.entries)))
	metric.BatchDuration.Observe(uncounted, taken.Microseconds())
	if failed > 0 {
		uncounted[ledger.FailedMessages] += int64(failed)
	}
	if !b.ledgerDown {
		b.addUncounted(ctx)
	}

	var by [quarantined + 1]int
	for i := range b.entries {
		by[b.entries[i].fate]++
	}
	level := slog.LevelInfo
	if failed > 0 {
		level = slog.LevelWarn
	}
	attrs := b.config.EMF.Attrs(b.config.Now(),
		metric.Count("Received", len(b.entries)),
		// An order that was recorded counts here, also when its message failed afterwards and will be a
		// duplicate: the sum is that of the ledger.
		metric.Count("Recorded", b.recorded),
		metric.Count("Duplicate", by[duplicate]),
		metric.Count("Refused", by[quarantined]),
		metric.Count("Failed", failed),
		metric.Count("Mismatch", b.mismatches),
		metric.Milliseconds("Duration", taken))
	if reasons := b.byReason(); len(reasons) > 0 {
		attrs = append(attrs, slog.Any("refused_by_reason", reasons))
	}
	if b.cause != nil {
		attrs = append(attrs, slog.String("cause", plainText(b.cause.Error(), maxDetail)))
	}
	b.config.Log.LogAttrs(ctx, level, "batch", attrs...)
}

// addUncounted adds what this batch and earlier ones of the instance left to count.
func (b *batch) addUncounted(ctx context.Context) {
	ctx, cancel := withReserve(ctx, answerTime/2)
	defer cancel()
	h := b.handler
	if err := h.config.Ledger.AddCounters(ctx, h.uncounted); err != nil {
		b.config.Log.WarnContext(ctx, "counters are added with a later batch", "error", err)
		return
	}
	clear(h.uncounted)
	if len(h.uncountedRefused) == 0 {
		return
	}
	if err := h.config.Ledger.CountRefused(ctx, h.uncountedRefused); err != nil {
		h.uncountedRefused = h.uncountedRefused[:min(len(h.uncountedRefused), keepRefused)]
		b.config.Log.WarnContext(ctx, "refused messages are counted with a later batch", "error", err)
		return
	}
	h.uncountedRefused = h.uncountedRefused[:0]
}

// byReason counts the messages that are now in orders-rejected.
func (b *batch) byReason() map[order.Reason]int {
	counts := map[order.Reason]int{}
	for i := range b.entries {
		if b.entries[i].fate == quarantined {
			counts[b.entries[i].refusal.Reason]++
		}
	}
	return counts
}

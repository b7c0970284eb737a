package replay

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
)

// wrapped is a ledger whose Replay is followed by a function that may change what it returns.
type wrapped struct {
	*ledger.Store
	after func(orders []order.Order, outcomes []ledger.Outcome, err error) error
}

func (w wrapped) Replay(
	ctx context.Context, archivedAt time.Time, kind ledger.ReplayKind,
	orders []order.Order, outcomes []ledger.Outcome,
) error {
	err := w.Store.Replay(ctx, archivedAt, kind, orders, outcomes)
	return w.after(orders, outcomes, err)
}

// When the ledger fails half way, what it settled is reported as healed at once: the next attempt
// finds duplicates. A conflict is rejected by the attempt that succeeds, and so only once.
func TestWhatAFailedCallSettledIsReported(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.record(makeOrder("taken", 7))
	key := r.archived(time.Minute, append(makeOrders("a", 3), makeOrder("taken", 1))...)
	fail := func(_ []order.Order, outcomes []ledger.Outcome, _ error) error {
		outcomes[0] = ledger.Unsettled
		return ledger.ErrUnavailable
	}
	r.config.Ledger = wrapped{r.store, fail}
	if _, err := r.deliver(notify(key)); !errors.Is(err, ledger.ErrUnavailable) {
		t.Fatalf("error %v, want that of the ledger", err)
	}
	if !strings.Contains(r.log.String(), `"Healed":2`) {
		t.Errorf("two healed orders are not reported:\n%s", r.log)
	}
	if len(r.rejected) != 0 {
		t.Errorf("%d conflicts rejected by a call that failed", len(r.rejected))
	}

	r.config.Ledger = r.store
	if failed, err := r.deliver(notify(key)); err != nil || len(failed) != 0 {
		t.Fatalf("failed %v, error %v", failed, err)
	}
	if len(r.rejected) != 1 || r.totals().Orders != 4 {
		t.Errorf("%d conflicts rejected, totals %+v; want one, and 4 orders", len(r.rejected), r.totals())
	}
}

func TestAPanicFailsItsMessageAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	bad := r.archived(time.Minute, makeOrder("bad", 1))
	good := r.archived(time.Minute, makeOrder("good", 1))
	panicOnBad := func(orders []order.Order, _ []ledger.Outcome, err error) error {
		if orders[0].ID == "bad" {
			panic("secret")
		}
		return err
	}
	r.config.Ledger = wrapped{r.store, panicOnBad}
	failed, err := r.deliver(notify(bad), notify(good))
	if err != nil || !slices.Equal(failed, []string{"0"}) {
		t.Errorf("failed %v, error %v; want the first alone", failed, err)
	}
	if r.totals().Orders != 2 {
		t.Errorf("totals %+v, want both orders", r.totals())
	}
	if strings.Contains(r.log.String(), "secret") {
		t.Errorf("the log quotes the panic:\n%s", r.log)
	}
}

package ledger

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"orderpipeline/shared/order"
)

// A model is what the store must hold, kept by the plainest means: a map of the orders that were counted.
type model struct {
	counted map[string]order.Order // by order id
}

func newModel() *model { return &model{counted: map[string]order.Order{}} }

// count tells what recording o must answer, and takes it over.
func (m *model) count(o order.Order) Outcome {
	before, seen := m.counted[o.ID]
	switch {
	case !seen:
		m.counted[o.ID] = o
		return Recorded
	case before.UserID == o.UserID && before.Placed.Equal(o.Placed) && before.Value == o.Value:
		return Duplicate
	}
	return Conflict
}

// withoutConflicts counts the orders, and returns those whose order in time does not matter: all but contradicting ones.
func (m *model) withoutConflicts(orders []order.Order) []order.Order {
	return slices.DeleteFunc(orders, func(o order.Order) bool { return m.count(o) == Conflict })
}

// check compares every figure of the store with the model's.
func (m *model) check(ctx context.Context, t *testing.T, store *Store) {
	t.Helper()
	var totals Totals
	users, months := map[string]UserStats{}, map[order.Month]MonthTotals{}
	var mismatches int64
	for _, o := range m.counted {
		totals.Orders++
		totals.Revenue += o.Value
		u := users[o.UserID]
		users[o.UserID] = UserStats{o.UserID, u.OrderCount + 1, u.TotalSpend + o.Value}
		month := months[o.Month()]
		months[o.Month()] = MonthTotals{o.Month(), month.Orders + 1, month.Revenue + o.Value}
		if o.Mismatch {
			mismatches++
		}
	}

	got, err := store.Global(ctx)
	equal(t, "totals", got, err, totals)

	var top []Spender
	for _, u := range users {
		stats, err := store.User(ctx, u.UserID)
		equal(t, "user "+u.UserID, stats, err, u)
		top = append(top, Spender{u.UserID, u.TotalSpend})
	}
	slices.SortFunc(top, bySpend)
	for _, n := range []int{1, 3, 1000} {
		spenders, err := store.Top(ctx, n)
		equal(t, fmt.Sprintf("top %d", n), spenders, err, append([]Spender{}, top[:min(n, len(top))]...))
	}

	var byMonth []MonthTotals
	for _, month := range months {
		byMonth = append(byMonth, month)
	}
	slices.SortFunc(byMonth, func(a, b MonthTotals) int { return cmp.Compare(a.Month, b.Month) })
	monthly, err := store.Monthly(ctx, month("2023-01"), month("2025-12"))
	equal(t, "months", monthly, err, byMonth)

	counts, err := store.Messages(ctx)
	equal(t, "mismatches", counts.Mismatch, err, mismatches)
	equal(t, "recorded messages", counts.Recorded, nil, totals.Orders)
}

// bySpend orders the highest first, equal ones by descending bytes of the id.
func bySpend(a, b Spender) int {
	return cmp.Or(cmp.Compare(b.TotalSpend, a.TotalSpend), strings.Compare(b.UserID, a.UserID))
}

func equal[T any](t *testing.T, what string, got T, err error, want T) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func month(text string) order.Month {
	m, err := order.ParseMonth(text)
	if err != nil {
		panic(err)
	}
	return m
}

// makeOrder makes an order of 2024 whose figures all follow from the arguments.
func makeOrder(id, user string, cents order.Cents) order.Order {
	return order.Order{ID: id, UserID: user, Value: cents, Placed: time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)}
}

// randomOrders makes orders of few customers, some of which repeat an earlier one and some contradict it.
func randomOrders(random *rand.Rand, n int) []order.Order {
	orders := make([]order.Order, 0, n)
	for len(orders) < n {
		o := makeOrder(fmt.Sprintf("ORD-%d", len(orders)), fmt.Sprintf("U%d", random.IntN(40)), order.Cents(random.IntN(5000)))
		o.Placed = o.Placed.AddDate(0, random.IntN(24)-12, 0)
		o.Mismatch = random.IntN(20) == 0
		if len(orders) > 0 && random.IntN(4) == 0 {
			before := orders[random.IntN(len(orders))]
			if random.IntN(3) > 0 {
				o = before
			} else {
				o.ID = before.ID // other content, perhaps another customer: a conflict, or by chance the same
				o.Mismatch = before.Mismatch
			}
		}
		orders = append(orders, o)
	}
	return orders
}

package ledger

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"orderpipeline/shared/order"
)

// A model is what the store must hold, kept in the simplest way: a map of the orders counted.
type model struct {
	counted map[string]order.Order // by order id
	zone    *time.Location
}

func newModel() *model { return &model{counted: map[string]order.Order{}, zone: time.UTC} }

// count returns what recording o must answer, and counts it.
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

// withoutConflicts counts the orders and returns those without a conflict: their sequence does not
// matter.
func (m *model) withoutConflicts(orders []order.Order) []order.Order {
	return slices.DeleteFunc(orders, func(o order.Order) bool { return m.count(o) == Conflict })
}

// check compares every figure of the store with the model's.
func (m *model) check(ctx context.Context, t *testing.T, store *Store) {
	t.Helper()
	var totals Totals
	users := map[string]UserStats{}
	months := map[string]MonthTotals{}
	days := map[string]DayTotals{}
	var mismatches int64
	for _, o := range m.counted {
		totals.Orders++
		totals.Revenue += o.Value
		u := users[o.UserID]
		users[o.UserID] = UserStats{o.UserID, u.Orders + 1, u.Spend + o.Value}
		date := o.Placed.In(m.zone).Format(time.DateOnly)
		inMonth := months[date[:7]]
		months[date[:7]] = MonthTotals{
			month(date[:7]), inMonth.Orders + 1, inMonth.Revenue + o.Value}
		onDay := days[date]
		days[date] = DayTotals{day(date), onDay.Orders + 1, onDay.Revenue + o.Value}
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
		top = append(top, Spender{u.UserID, u.Spend})
	}
	slices.SortFunc(top, bySpend)
	for _, n := range []int{1, 3, 1000} {
		spenders, err := store.Top(ctx, n)
		equal(t, fmt.Sprintf("top %d", n), spenders, err, append([]Spender{}, top[:min(n, len(top))]...))
	}

	byMonth := inOrder(months)
	monthly, err := store.Monthly(ctx, month("2022-01"), month("2026-12"))
	equal(t, "months", monthly, err, byMonth)
	all, err := store.Months(ctx)
	equal(t, "all months", all, err, append([]MonthTotals{}, byMonth...))
	daily, err := store.Daily(ctx, day("2022-01-01"), day("2026-12-31"))
	equal(t, "days", daily, err, inOrder(days))
	m.checkPages(ctx, t, store, users)

	counts, err := store.Messages(ctx)
	equal(t, "mismatches", counts.Mismatch, err, mismatches)
	equal(t, "recorded messages", counts.Recorded, nil, totals.Orders)
}

// checkPages compares the pages of all customers, of several sizes.
func (m *model) checkPages(
	ctx context.Context, t *testing.T, store *Store, want map[string]UserStats,
) {
	t.Helper()
	for _, limit := range []int{7, MaxPage} {
		got := map[string]UserStats{}
		cursor := ""
		for pages := 0; pages == 0 || cursor != ""; pages++ {
			page, next, err := store.Customers(ctx, cursor, limit)
			if err != nil {
				t.Fatalf("page %d of %d customers: %v", pages, limit, err)
			}
			if len(page) > limit || next != "" && len(page) < limit {
				t.Errorf("page %d has %d customers, want %d", pages, len(page), limit)
			}
			for _, customer := range page {
				if _, twice := got[customer.UserID]; twice {
					t.Errorf("%q is on two pages", customer.UserID)
				}
				got[customer.UserID] = customer
			}
			cursor = next
		}
		equal(t, fmt.Sprintf("customers by pages of %d", limit), got, nil, want)
	}
}

// inOrder returns the values in the order of their keys.
func inOrder[T any](values map[string]T) (list []T) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		list = append(list, values[key])
	}
	return list
}

// bySpend orders the highest first, equal ones by descending bytes of the id.
func bySpend(a, b Spender) int {
	return cmp.Or(cmp.Compare(b.Spend, a.Spend), strings.Compare(b.UserID, a.UserID))
}

func equal[T any](t *testing.T, what string, got T, err error, want T) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
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

func day(text string) order.Day {
	d, err := order.ParseDay(text)
	if err != nil {
		panic(err)
	}
	return d
}

// makeOrder makes an order of 2024 whose figures all follow from the arguments.
func makeOrder(id, user string, cents order.Cents) order.Order {
	return order.Order{
		ID:     id,
		UserID: user,
		Value:  cents,
		Placed: time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC),
	}
}

// randomOrders makes orders of few customers. Some repeat an earlier one, some contradict it.
func randomOrders(random *rand.Rand, n int) []order.Order {
	orders := make([]order.Order, 0, n)
	for len(orders) < n {
		user := fmt.Sprintf("U%d", random.IntN(40))
		o := makeOrder(fmt.Sprintf("ORD-%d", len(orders)), user, order.Cents(random.IntN(5000)))
		o.Placed = o.Placed.Add(time.Duration(random.IntN(24*730)-24*365) * time.Hour)
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

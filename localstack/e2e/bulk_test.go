package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sum is what orders are worth, calculated with fractions and rounded once for each order, as the
// contract says. Nothing of the product's own code is used.
type sum struct {
	orders int
	cents  *big.Int
}

func (s *sum) add(o order) {
	value := new(big.Rat)
	for _, i := range o.Items {
		price, _ := new(big.Rat).SetString(i.PricePerUnit.String())
		value.Add(value, price.Mul(price, big.NewRat(int64(i.Quantity), 1)))
	}
	if s.cents == nil {
		s.cents = new(big.Int)
	}
	s.orders++
	s.cents.Add(s.cents, halfEven(value.Mul(value, big.NewRat(100, 1))))
}

func halfEven(x *big.Rat) *big.Int {
	twice := new(big.Int).Lsh(x.Num(), 1)
	floor, rest := new(big.Int).DivMod(twice, new(big.Int).Lsh(x.Denom(), 1), new(big.Int))
	switch c := rest.Cmp(x.Denom()); {
	case c > 0, c == 0 && floor.Bit(0) == 1:
		floor.Add(floor, big.NewInt(1))
	}
	return floor
}

func TestHalfEven(t *testing.T) {
	for text, want := range map[string]int64{
		"0.5": 0, "1.5": 2, "2.5": 2, "2.49": 2, "2.51": 3, "7": 7,
	} {
		x, _ := new(big.Rat).SetString(text)
		if got := halfEven(x); got.Int64() != want {
			t.Errorf("halfEven(%s) = %s; want %d", text, got, want)
		}
	}
}

// decimal writes cents as the API does.
func decimal(cents *big.Int) string {
	whole, rest := new(big.Int).DivMod(cents, big.NewInt(100), new(big.Int))
	return fmt.Sprintf("%s.%02d", whole, rest.Int64())
}

// figures are those of the whole store.
type figures struct {
	orders int
	total  *big.Int
	months map[string]sum
}

func readFigures(t *testing.T) figures {
	t.Helper()
	f := figures{months: map[string]sum{}}
	var global struct {
		Orders  int         `json:"total_orders"`
		Revenue json.Number `json:"total_revenue"`
	}
	decode(t, "/stats/global", &global)
	f.orders, f.total = global.Orders, cents(t, global.Revenue)
	var months map[string]struct {
		Orders  int
		Revenue json.Number
	}
	decode(t, "/stats/monthly?start=2019-01&end=2025-12", &months)
	for month, m := range months {
		f.months[month] = sum{m.Orders, cents(t, m.Revenue)}
	}
	return f
}

func decode(t *testing.T, path string, into any) {
	t.Helper()
	body := read(t, path)
	if err := json.Unmarshal([]byte(body), into); err != nil {
		t.Fatalf("GET %s: %v in %s", path, err, body)
	}
}

func cents(t *testing.T, n json.Number) *big.Int {
	t.Helper()
	c, ok := new(big.Int).SetString(strings.Replace(n.String(), ".", "", 1), 10)
	if _, decimals, _ := strings.Cut(n.String(), "."); !ok || len(decimals) != 2 {
		t.Fatalf("%s is no amount with two decimals", n)
	}
	return c
}

func TestFiveThousandOrdersAddUpToTheCent(t *testing.T) {
	const count, users, seed = 5000, 120, 20241213
	random := rand.New(rand.NewPCG(seed, seed))
	var file bytes.Buffer
	byUser, byMonth, all := map[string]*sum{}, map[string]*sum{}, new(sum)
	for i := range count {
		o := randomOrder(random, i, users)
		file.WriteString(o.body(t) + "\n")
		for key, sums := range map[string]map[string]*sum{o.UserID: byUser, o.Timestamp[:7]: byMonth} {
			if sums[key] == nil {
				sums[key] = new(sum)
			}
			sums[key].add(o)
		}
		all.add(o)
	}
	path := filepath.Join(t.TempDir(), "orders.ndjson")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	before, beforeMessages := readFigures(t), messages(t)

	populate := pipeline.Command(t.Context(), "bin/orderctl", "populate", path)
	if out, err := populate.CombinedOutput(); err != nil {
		t.Fatalf("orderctl populate: %v\n%s", err, out)
	}
	wantCounts(t, beforeMessages, counts{recorded: count})

	after := readFigures(t)
	if got := after.orders - before.orders; got != count {
		t.Errorf("total_orders grew by %d; want %d", got, count)
	}
	if got := new(big.Int).Sub(after.total, before.total); got.Cmp(all.cents) != 0 {
		t.Errorf("total_revenue grew by %s; want %s", decimal(got), decimal(all.cents))
	}
	for month, want := range byMonth {
		got := after.months[month]
		if b, ok := before.months[month]; ok {
			got = sum{got.orders - b.orders, new(big.Int).Sub(got.cents, b.cents)}
		}
		if got.cents == nil || got.orders != want.orders || got.cents.Cmp(want.cents) != 0 {
			t.Errorf("%s grew by %+v; want %+v", month, got, *want)
		}
	}
	for user, want := range byUser {
		wantUser(t, user, want.orders, decimal(want.cents))
	}
	checkTop(t, byUser)
}

// randomOrder has prices of up to four decimals, so that rounding matters, and times with offsets
// that do not change the month.
func randomOrder(random *rand.Rand, i, users int) order {
	o := order{
		OrderID:   fmt.Sprintf("bulk-%d", i),
		UserID:    fmt.Sprintf("bulk-user-%d", random.IntN(users)),
		Timestamp: fmt.Sprintf("%d-%02d-15T12:00:00+02:00", 2020+random.IntN(3), 1+random.IntN(12)),
		Value:     "1",
	}
	for range 1 + random.IntN(4) {
		price := fmt.Sprintf("%d.%04d", random.IntN(1000), random.IntN(10000))
		o.Items = append(o.Items, item{
			ProductID: "P1", Quantity: 1 + random.IntN(9), PricePerUnit: json.Number(price),
		})
	}
	return o
}

// checkTop compares the leaderboard with the customers of the bulk run, who are far ahead of
// all others.
func checkTop(t *testing.T, byUser map[string]*sum) {
	t.Helper()
	var spends []*big.Int
	for _, s := range byUser {
		spends = append(spends, s.cents)
	}
	slices.SortFunc(spends, func(a, b *big.Int) int { return b.Cmp(a) })
	var top []struct {
		UserID string      `json:"user_id"`
		Spend  json.Number `json:"total_spend"`
	}
	const n = 100
	decode(t, fmt.Sprintf("/stats/top/%d", n), &top)
	if len(top) != n {
		t.Fatalf("top/%d has %d entries", n, len(top))
	}
	for i, entry := range top {
		want := byUser[entry.UserID]
		if want == nil || entry.Spend.String() != decimal(want.cents) || want.cents.Cmp(spends[i]) != 0 {
			t.Errorf("place %d is %s with %s; want a spend of %s",
				i+1, entry.UserID, entry.Spend, decimal(spends[i]))
		}
	}
}

// orderctl adds up what it sent and compares it with the API: its exit code says whether the two
// are equal.
func TestOrderctlBulkAgreesWithTheAPI(t *testing.T) {
	out, err := pipeline.Command(t.Context(), "bin/orderctl", "bulk", "5000",
		"--users", "200", "--duplicates", "0.05",
		"--broken", "0.02", "--conflicts", "0.01", "--mismatches", "0.05", "--wait").CombinedOutput()
	if err != nil {
		t.Errorf("orderctl bulk: %v\n%s", err, out)
	}
}

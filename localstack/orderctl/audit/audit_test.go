package audit

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/archive"
	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

// archived writes a line as the archive does, with an order of one item.
func archived(outcome, id, user, placed, value string) string {
	body := fmt.Sprintf(
		`{\"order_id\":\"%s\",\"items\":[{\"quantity\":1,\"price_per_unit\":%s}]}`,
		id,
		value,
	)
	return fmt.Sprintf(
		`{"message_id":"m","outcome":%q,"order_id":%q,"user_id":%q,"placed":%q,`+
			`"value":%q,"body":"%s"}`,
		outcome,
		id,
		user,
		placed,
		value,
		body,
	)
}

const refused = `{"message_id":"m","outcome":"invalid","reason":"invalid_json","body":"x"}`

func read(b *Book, lines ...string) {
	b.Add(b.ReadPage(fmt.Sprintf("object-%d", b.Objects+1), strings.Join(lines, "\n")+"\n", time.UTC))
}

func figures(orders int64, revenue order.Cents) Figures {
	return Figures{Orders: orders, Revenue: revenue}
}

// spenders makes a leaderboard of pairs of a customer and a spend in cents.
func spenders(pairs ...any) (all []answer.Spender) {
	for pair := range slices.Chunk(pairs, 2) {
		spend := order.Cents(pair[1].(int))
		all = append(all, answer.Spender{UserID: pair[0].(string), Spend: spend})
	}
	return all
}

// named returns figures by the name of their month or day.
func named[K order.Day | order.Month](figures map[K]*Figures) map[string]Figures {
	byName := map[string]Figures{}
	for key, f := range figures {
		byName[fmt.Sprint(key)] = *f
	}
	return byName
}

func monthsOf(t *testing.T, byName map[string]Figures) (all answer.Months) {
	t.Helper()
	for name, f := range byName {
		m, err := order.ParseMonth(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, answer.Dated[order.Month]{Date: m, Period: f})
	}
	return all
}

func daysOf(t *testing.T, byName map[string]Figures) (all answer.Days) {
	t.Helper()
	for name, f := range byName {
		d, err := order.ParseDay(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, answer.Dated[order.Day]{Date: d, Period: f})
	}
	return all
}

func TestBook(t *testing.T) {
	t.Parallel()
	b := NewBook()
	read(b,
		archived("recorded", "a", "U1", "2024-12-31T23:30:00Z", "1.10"),
		archived("duplicate", "a", "U1", "2024-12-31T23:30:00Z", "1.10"),
		refused)
	read(
		b,
		archived(
			"duplicate", "b", "U2", "2025-01-01T00:00:00.5Z", "2.00",
		), // its "recorded" line was never written
		archived("recorded", "a", "U1", "2024-12-31T23:30:00Z", "9.99"),
	) // another order under the same id

	if want := figures(2, 310); b.Total != want {
		t.Errorf("total %v, want %v", b.Total, want)
	}
	if diff := cmp.Diff(
		map[string]Figures{"2024-12": figures(1, 110), "2025-01": figures(1, 200)}, named(b.Months),
	); diff != "" {
		t.Errorf("months (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(
		map[string]Figures{"2024-12-31": figures(1, 110), "2025-01-01": figures(1, 200)}, named(b.Days),
	); diff != "" {
		t.Errorf("days (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(
		map[archive.Outcome]int64{"recorded": 2, "duplicate": 2, "invalid": 1}, b.Lines,
	); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Conflict{{"a", "object-2"}}, b.Conflicts); diff != "" ||
		b.ConflictCount != 1 {
		t.Errorf("%d conflicts (-want +got):\n%s", b.ConflictCount, diff)
	}
	if b.FaultCount != 0 {
		t.Errorf("faults: %v", b.Faults)
	}
}

func TestDaysAndMonthsAreThoseOfTheZone(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	b := NewBook()
	b.Add(
		b.ReadPage(
			"o",
			archived("recorded", "a", "U", "2025-01-01T04:59:59Z", "1.00")+"\n"+archived(
				"recorded", "b", "U", "2025-01-01T05:00:00Z", "2.00",
			),
			zone,
		),
	)
	if diff := cmp.Diff(
		map[string]Figures{"2024-12": figures(1, 100), "2025-01": figures(1, 200)}, named(b.Months),
	); diff != "" {
		t.Errorf("months (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(
		map[string]Figures{"2024-12-31": figures(1, 100), "2025-01-01": figures(1, 200)}, named(b.Days),
	); diff != "" {
		t.Errorf("days (-want +got):\n%s", diff)
	}
}

func TestFaultsOfTheArchive(t *testing.T) {
	t.Parallel()
	b := NewBook()
	good := archived("recorded", "a", "U", "2024-01-01T00:00:00Z", "1.00")
	read(b,
		good,
		good[:len(good)/2],
		strings.Replace(good, `"recorded"`, `"counted"`, 1),
		strings.Replace(good, `"value":"1.00"`, `"value":"1.0"`, 1),
		strings.Replace(good, "2024-01-01T", "2024-13-01T", 1),
		strings.Replace(good, `"user_id":"U",`, ``, 1),
		strings.Replace(good, `"value":"1.00"`, `"value":"1.01"`, 1)) // not what its items add up to
	wantLines := []int{2, 3, 4, 5, 6, 0}
	if b.FaultCount != int64(len(wantLines)) {
		t.Fatalf("%d faults: %v", b.FaultCount, b.Faults)
	}
	for i, f := range b.Faults {
		if f.Object != "object-1" || f.Line != wantLines[i] {
			t.Errorf("fault %d: %+v, want line %d of object-1", i, f, wantLines[i])
		}
	}
	if NewComparison(b).Equal() {
		t.Error("an archive with faults is equal to nothing")
	}
}

// The sum of items is compared with exact rational arithmetic.
func TestItemsAddUpExactly(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		exact := new(big.Rat)
		var items []string
		for range 1 + random.IntN(5) {
			quantity := 1 + random.IntN(1_000_000)
			price := fmt.Sprintf("%d.%0*d", random.IntN(1_000_000), 1+random.IntN(9), random.IntN(10))
			p, _ := new(big.Rat).SetString(price)
			exact.Add(exact, p.Mul(p, big.NewRat(int64(quantity), 1)))
			if random.IntN(2) == 0 {
				price = `"` + price + `"`
			}
			items = append(items, fmt.Sprintf(`{"quantity":%d,"price_per_unit":%s}`, quantity, price))
		}
		sum, ok := addItems(`{"items":[` + strings.Join(items, ",") + `]}`)
		got, fits := sum.cents()
		if want := halfEven(exact.Mul(exact, big.NewRat(100, 1))); !ok || !fits ||
			want.Cmp(big.NewInt(int64(got))) != 0 {
			t.Fatalf("items %v add up to %d, want %s", items, got, want)
		}
	}
}

func halfEven(x *big.Rat) *big.Int {
	twice := new(big.Int).Lsh(x.Num(), 1)
	floor, rest := new(big.Int).DivMod(twice, new(big.Int).Lsh(x.Denom(), 1), new(big.Int))
	if c := rest.Cmp(x.Denom()); c > 0 || c == 0 && floor.Bit(0) == 1 {
		floor.Add(floor, big.NewInt(1))
	}
	return floor
}

func TestItemsAsTheContractAllowsThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body string
		want int64
		ok   bool
	}{
		{`{"items":[{"quantity":"2","price_per_unit":"1e1"}]}`, 2000, true},
		{`{"items":[{"quantity":2.0,"price_per_unit":0.0025}]}`, 0, true}, // half a cent, to even
		{`{"items":[{"quantity":6,"price_per_unit":0.0025}]}`, 2, true},   // one and a half, to even
		{`{"items":[{"quantity":1,"quantity":3,"price_per_unit":1}],"x":[{}]}`, 300, true},
		{`{"items":7,"items":[{"quantity":1,"price_per_unit":1}]}`, 100, true},
		{`"{\"items\":[{\"quantity\":1,\"price_per_unit\":0.07}]}"`, 7, true},
		{`{"items":[{"quantity":1.5,"price_per_unit":1}]}`, 0, false},
		{`{"items":[{"price_per_unit":1}]}`, 0, false},
		{`{"items":7}`, 0, false},
		{`{"items":[`, 0, false},
		{`[]`, 0, false},
	} {
		sum, ok := addItems(c.body)
		cents, _ := sum.cents()
		if ok != c.ok || ok && int64(cents) != c.want {
			t.Errorf("%s: %d %v, want %d %v", c.body, cents, ok, c.want, c.ok)
		}
	}
}

func BenchmarkReadPage(b *testing.B) {
	var text strings.Builder
	for i := range 1000 {
		text.WriteString(
			archived(
				"recorded", fmt.Sprint("ORD-", i), fmt.Sprint("U", i), "2024-05-01T00:00:00Z", "12.34",
			) + "\n",
		)
	}
	book := NewBook()
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		book.ReadPage("o", text.String(), time.UTC)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/order")
}

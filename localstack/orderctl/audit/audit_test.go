package audit

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
			"duplicate",
			"b",
			"U2",
			"2025-01-01T00:00:00.5Z",
			"2.00",
		), // its "recorded" line was never written
		archived(
			"recorded",
			"a",
			"U1",
			"2024-12-31T23:30:00Z",
			"9.99",
		),
	) // another order under the same id

	if want := (Figures{2, 310}); b.Total != want {
		t.Errorf("total %v, want %v", b.Total, want)
	}
	if diff := cmp.Diff(
		map[string]Figures{"2024-12": {1, 110}, "2025-01": {1, 200}},
		named(b.Months, monthName),
	); diff != "" {
		t.Errorf("months (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(
		map[string]Figures{"2024-12-31": {1, 110}, "2025-01-01": {1, 200}},
		named(b.Days, dayName),
	); diff != "" {
		t.Errorf("days (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(
		map[string]int64{"recorded": 2, "duplicate": 2, "invalid": 1},
		b.Lines,
	); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(
		[]Conflict{{"a", "object-2"}},
		b.Conflicts,
	); diff != "" ||
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
			archived(
				"recorded",
				"a",
				"U",
				"2025-01-01T04:59:59Z",
				"1.00",
			)+"\n"+archived(
				"recorded",
				"b",
				"U",
				"2025-01-01T05:00:00Z",
				"2.00",
			),
			zone,
		),
	)
	if diff := cmp.Diff(
		map[string]Figures{"2024-12": {1, 100}, "2025-01": {1, 200}},
		named(b.Months, monthName),
	); diff != "" {
		t.Errorf("months (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(
		map[string]Figures{"2024-12-31": {1, 100}, "2025-01-01": {1, 200}},
		named(b.Days, dayName),
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
		if want := halfEven(
			exact.Mul(exact, big.NewRat(100, 1)),
		); !ok || !fits ||
			want.Cmp(big.NewInt(got)) != 0 {
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
		if ok != c.ok || ok && cents != c.want {
			t.Errorf("%s: %d %v, want %d %v", c.body, cents, ok, c.want, c.ok)
		}
	}
}

func TestComparison(t *testing.T) {
	t.Parallel()
	book := func() *Book {
		b := NewBook()
		read(b,
			archived("recorded", "a", "U1", "2024-05-01T00:00:00Z", "5.00"),
			archived("recorded", "b", "U2", "2024-06-01T00:00:00Z", "7.00"),
			archived("recorded", "c", "U3", "2024-06-02T00:00:00Z", "7.00"))
		return b
	}
	type store struct {
		total        Figures
		months, days map[string]Figures
		customers    []Spender
		top          []Spender
	}
	equal := func() store {
		return store{
			total:  Figures{3, 1900},
			months: map[string]Figures{"2024-05": {1, 500}, "2024-06": {2, 1400}},
			days: map[string]Figures{
				"2024-05-01": {1, 500},
				"2024-06-01": {1, 700},
				"2024-06-02": {1, 700},
			},
			customers: []Spender{{"U1", 500}, {"U2", 700}, {"U3", 700}},
			top:       []Spender{{"U3", 700}, {"U2", 700}, {"U1", 500}},
		}
	}
	for _, c := range []struct {
		name   string
		change func(*store)
		want   []Difference
	}{
		{"equal", func(*store) {}, nil},
		{"the total lost an order", func(s *store) { s.total = Figures{2, 1400} },
			[]Difference{{"total", "", Figures{3, 1900}, Figures{2, 1400}, Lost}}},
		{"a month has more", func(s *store) { s.months["2024-06"] = Figures{3, 1500} },
			[]Difference{{"month", "2024-06", Figures{2, 1400}, Figures{3, 1500}, Unarchived}}},
		{"a month is missing", func(s *store) { delete(s.months, "2024-05") },
			[]Difference{{"month", "2024-05", Figures{1, 500}, Figures{}, Lost}}},
		{"a month that the archive does not have", func(s *store) { s.months["2062-01"] = Figures{1, 1} },
			[]Difference{{"month", "2062-01", Figures{}, Figures{1, 1}, Unarchived}}},
		{"a day has more orders and less revenue", func(s *store) { s.days["2024-06-01"] = Figures{2, 600} },
			[]Difference{{"day", "2024-06-01", Figures{1, 700}, Figures{2, 600}, Different}}},
		{"a cent of a customer", func(s *store) { s.customers[0].Spend = 501 },
			[]Difference{{"customer", "U1", Figures{1, 500}, Figures{1, 501}, Unarchived}}},
		{"a customer is missing", func(s *store) { s.customers = s.customers[1:] },
			[]Difference{{"customer", "U1", Figures{1, 500}, Figures{}, Lost}}},
		{"an unknown customer", func(s *store) { s.customers = append(s.customers, Spender{"U9", 1}) },
			[]Difference{{"customer", "U9", Figures{}, Figures{1, 1}, Unarchived}}},
		{"a customer comes twice", func(s *store) { s.customers = append(s.customers, s.customers[0]) },
			[]Difference{{"customer", "U1 (named again)", Figures{}, Figures{1, 500}, Unarchived}}},
		{"a score of the leaderboard", func(s *store) { s.top[2].Spend = 499 },
			[]Difference{{"leaderboard", "place 3, U1", Figures{0, 500}, Figures{0, 499}, Lost}}},
		{"a place of the leaderboard is missing", func(s *store) { s.top = s.top[:2] },
			[]Difference{{"leaderboard", "place 3", Figures{0, 500}, Figures{}, Lost}}},
		{"a customer is listed twice in the leaderboard", func(s *store) { s.top[1] = s.top[0] },
			[]Difference{{"leaderboard", "place 2, U3", Figures{}, Figures{0, 700}, Unarchived}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := equal()
			c.change(&s)
			got := NewComparison(book())
			got.Total(s.total)
			got.Months(s.months)
			got.Days(s.days)
			for _, u := range s.customers {
				got.Customer(u.UserID, Figures{1, u.Spend})
			}
			got.CustomersEnd()
			got.Top(s.top, 1000)
			if diff := cmp.Diff(c.want, got.Differences); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
			if got.Equal() != (len(c.want) == 0) || got.Count != int64(len(c.want)) {
				t.Errorf("Equal() = %v with %d differences", got.Equal(), got.Count)
			}
		})
	}
}

func TestTheLeaderboardIsCutAtItsLimit(t *testing.T) {
	t.Parallel()
	b := NewBook()
	for i := range 10 {
		read(
			b,
			archived(
				"recorded",
				fmt.Sprint(i),
				fmt.Sprintf("U%d", i),
				"2024-05-01T00:00:00Z",
				fmt.Sprintf("%d.00", 100-i),
			),
		)
	}
	c := NewComparison(b)
	c.Top([]Spender{{"U0", 10000}, {"U1", 9900}}, 2)
	if !c.Equal() {
		t.Errorf("differences: %v", c.Differences)
	}
}

func TestAmounts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"0.00": 0, "12.34": 1234, "1000000000.00": 100_000_000_000} {
		if got, err := parseCents(text); err != nil || got != want || formatCents(got) != text {
			t.Errorf("parseCents(%q) = %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1", "1.2", "1.234", ".50", "+1.00", "1,00", "1e2.00", "99999999999999999999.00"} {
		if got, err := parseCents(text); err == nil {
			t.Errorf("parseCents(%q) = %d, want an error", text, got)
		}
	}
	if got := formatCents(-5); got != "-0.05" {
		t.Errorf("formatCents(-5) = %s", got)
	}
}

func BenchmarkReadPage(b *testing.B) {
	var text strings.Builder
	for i := range 1000 {
		text.WriteString(
			archived(
				"recorded",
				fmt.Sprint("ORD-", i),
				fmt.Sprint("U", i),
				"2024-05-01T00:00:00Z",
				"12.34",
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

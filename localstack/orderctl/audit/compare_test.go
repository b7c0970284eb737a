package audit

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"orderpipeline/shared/statsapi/answer"
)

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
		customers    []answer.Spender
		top          []answer.Spender
	}
	equal := func() store {
		return store{
			total:  figures(3, 1900),
			months: map[string]Figures{"2024-05": figures(1, 500), "2024-06": figures(2, 1400)},
			days: map[string]Figures{
				"2024-05-01": figures(1, 500),
				"2024-06-01": figures(1, 700),
				"2024-06-02": figures(1, 700),
			},
			customers: spenders("U1", 500, "U2", 700, "U3", 700),
			top:       spenders("U3", 700, "U2", 700, "U1", 500),
		}
	}
	for _, c := range []struct {
		name   string
		change func(*store)
		want   []Difference
	}{
		{"equal", func(*store) {}, nil},
		{"the total lost an order", func(s *store) { s.total = figures(2, 1400) },
			[]Difference{{"total", "", figures(3, 1900), figures(2, 1400), Lost}}},
		{"a month has more", func(s *store) { s.months["2024-06"] = figures(3, 1500) },
			[]Difference{{"month", "2024-06", figures(2, 1400), figures(3, 1500), Unarchived}}},
		{"a month is missing", func(s *store) { delete(s.months, "2024-05") },
			[]Difference{{"month", "2024-05", figures(1, 500), Figures{}, Lost}}},
		{"a month that the archive does not have", func(s *store) { s.months["2062-01"] = figures(1, 1) },
			[]Difference{{"month", "2062-01", Figures{}, figures(1, 1), Unarchived}}},
		{
			"a day has more orders and less revenue",
			func(s *store) { s.days["2024-06-01"] = figures(2, 600) },
			[]Difference{{"day", "2024-06-01", figures(1, 700), figures(2, 600), Different}}},
		{"a cent of a customer", func(s *store) { s.customers[0].Spend = 501 },
			[]Difference{{"customer", "U1", figures(1, 500), figures(1, 501), Unarchived}}},
		{"a customer is missing", func(s *store) { s.customers = s.customers[1:] },
			[]Difference{{"customer", "U1", figures(1, 500), Figures{}, Lost}}},
		{
			"an unknown customer",
			func(s *store) { s.customers = append(s.customers, spenders("U9", 1)...) },
			[]Difference{{"customer", "U9", Figures{}, figures(1, 1), Unarchived}}},
		{"a customer comes twice", func(s *store) { s.customers = append(s.customers, s.customers[0]) },
			[]Difference{{"customer", "U1 (named again)", Figures{}, figures(1, 500), Unarchived}}},
		{"a score of the leaderboard", func(s *store) { s.top[2].Spend = 499 },
			[]Difference{{"leaderboard", "place 3, U1", figures(0, 500), figures(0, 499), Lost}}},
		{"a place of the leaderboard is missing", func(s *store) { s.top = s.top[:2] },
			[]Difference{{"leaderboard", "place 3", figures(0, 500), Figures{}, Lost}}},
		{"a customer is listed twice in the leaderboard", func(s *store) { s.top[1] = s.top[0] },
			[]Difference{{"leaderboard", "place 2, U3", Figures{}, figures(0, 700), Unarchived}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := equal()
			c.change(&s)
			got := NewComparison(book())
			got.Total(answer.Totals(s.total))
			got.Months(monthsOf(t, s.months))
			got.Days(daysOf(t, s.days))
			for _, u := range s.customers {
				got.Customer(answer.User{UserID: u.UserID, Orders: 1, Spend: u.Spend})
			}
			got.CustomersEnd()
			got.Top(s.top, 1000)
			if diff := cmp.Diff(c.want, got.Differences, cmpopts.EquateEmpty()); diff != "" {
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
				"recorded", fmt.Sprint(i), fmt.Sprintf("U%d", i), "2024-05-01T00:00:00Z",
				fmt.Sprintf("%d.00", 100-i),
			),
		)
	}
	c := NewComparison(b)
	c.Top(spenders("U0", 10000, "U1", 9900), 2)
	if !c.Equal() {
		t.Errorf("differences: %v", c.Differences)
	}
}

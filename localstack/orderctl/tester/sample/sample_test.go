package sample

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

func month(t *testing.T, text string) order.Month {
	t.Helper()
	m, err := order.ParseMonth(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func options(t *testing.T) Options {
	return Options{
		Count:      3000,
		Users:      40,
		Seed:       7,
		Duplicates: 0.1,
		Conflicts:  0.05,
		Broken:     0.1,
		Mismatches: 0.05,
		From:       month(t, "2023-11"),
		To:         month(t, "2024-02"),
	}
}

func collect(o Options) []Message {
	var all []Message
	for m := range o.Messages() {
		all = append(all, m)
	}
	return all
}

func TestTheSameOptionsMakeTheSameMessages(t *testing.T) {
	t.Parallel()
	first := collect(options(t))
	if diff := cmp.Diff(first, collect(options(t))); diff != "" {
		t.Errorf("second run (-first +second):\n%s", diff)
	}
	if len(first) != 3000 {
		t.Errorf("%d messages, want 3000", len(first))
	}
	longer := options(t)
	longer.Count = 3500
	if diff := cmp.Diff(first, collect(longer)[:3000]); diff != "" {
		t.Errorf("a longer run must begin with the shorter one (-short +long):\n%s", diff)
	}
}

func TestOtherOptionsNeverShareAnOrderID(t *testing.T) {
	t.Parallel()
	ids := map[string]string{}
	base := options(t)
	for name, change := range map[string]func(*Options){
		"as it is":     func(*Options) {},
		"seed":         func(o *Options) { o.Seed++ },
		"users":        func(o *Options) { o.Users++ },
		"duplicates":   func(o *Options) { o.Duplicates = 0 },
		"first month":  func(o *Options) { o.From-- },
		"without them": func(o *Options) { o.Broken = 0 },
	} {
		o := base
		o.Count = 200
		change(&o)
		for _, m := range collect(o) {
			if other, taken := ids[m.ID]; taken && other != name {
				t.Fatalf("%s is made by the options %q and %q", m.ID, name, other)
			}
			ids[m.ID] = name
		}
	}
}

// store is a model of the pipeline: it takes bodies as the pipeline does, and knows nothing of how
// they were made.
type store struct {
	seen map[string]string
	sums *Sums
}

func (s *store) take(t *testing.T, body string) {
	t.Helper()
	o, err := order.Parse(body)
	if err != nil {
		refusal, ok := err.(*order.Refusal) //nolint:errorlint // Parse promises this type
		if !ok {
			t.Fatalf("Parse(%s): %v", body, err)
		}
		s.sums.Refused[refusal.Reason]++
		return
	}
	content := fmt.Sprint(o.UserID, o.Month(), o.Value)
	switch before, known := s.seen[o.ID]; {
	case known && before == content:
		s.sums.Duplicates++
		return
	case known:
		s.sums.Refused[order.IDConflict]++
		return
	}
	s.seen[o.ID] = content
	plus := func(p answer.Period) answer.Period {
		return answer.Period{Orders: p.Orders + 1, Revenue: p.Revenue + o.Value}
	}
	s.sums.Period = plus(s.sums.Period)
	if o.Mismatch {
		s.sums.Mismatches++
	}
	s.sums.Months[o.Month()] = plus(s.sums.Months[o.Month()])
	if user, watched := s.sums.Users[o.UserID]; watched {
		s.sums.Users[o.UserID] = plus(user)
	}
}

func TestTheSumsAreWhatThePipelineCountsInAnyOrder(t *testing.T) {
	t.Parallel()
	var watched []string
	for i := range 300 {
		watched = append(watched, fmt.Sprintf("U%d", i+1))
	}
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			o := options(t)
			o.Seed, o.Users = seed, 300
			want := NewSums(time.UTC, watched)
			messages := collect(o)
			for _, m := range messages {
				want.Add(m)
			}
			for round := range 3 {
				if round > 0 {
					rand.New(rand.NewPCG(seed, uint64(round))).
						Shuffle(len(messages), func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })
				}
				got := store{seen: map[string]string{}, sums: NewSums(time.UTC, watched)}
				for _, m := range messages {
					got.take(t, m.Body)
				}
				for user := range got.sums.Users {
					if _, certain := want.Users[user]; !certain {
						delete(got.sums.Users, user)
					}
				}
				if diff := cmp.Diff(want, got.sums, cmpopts.IgnoreFields(Sums{}, "Zone")); diff != "" {
					t.Errorf("round %d (-expected +counted):\n%s", round, diff)
				}
			}
			if want.Duplicates == 0 || want.Mismatches == 0 || want.Refused[order.IDConflict] == 0 ||
				len(want.Users) == 0 {
				t.Errorf("the run tries too little: %+v", want)
			}
			for _, r := range []order.Reason{
				order.InvalidJSON, order.MissingField, order.InvalidField, order.OrderTooLarge,
			} {
				if want.Refused[r] == 0 {
					t.Errorf("no message is refused for %s", r)
				}
			}
		})
	}
}

func TestHalfEven(t *testing.T) {
	t.Parallel()
	for thousandths, want := range map[int64]order.Cents{
		0:     0,
		4:     0,
		5:     0,
		6:     1,
		14:    1,
		15:    2,
		16:    2,
		25:    2,
		35:    4,
		99995: 10000,
		40000: 4000,
	} {
		if got := halfEven(thousandths); got != want {
			t.Errorf("halfEven(%d) = %d, want %d", thousandths, got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	if err := options(t).Validate(); err != nil {
		t.Errorf("good options: %v", err)
	}
	for name, spoil := range map[string]func(*Options){
		"no orders":                 func(o *Options) { o.Count = 0 },
		"no users":                  func(o *Options) { o.Users = 0 },
		"a share over 1":            func(o *Options) { o.Broken = 1.5 },
		"a negative share":          func(o *Options) { o.Duplicates = -0.1 },
		"shares over 1 together":    func(o *Options) { o.Duplicates, o.Broken = 0.6, 0.6 },
		"a conflict of one user":    func(o *Options) { o.Users = 1 },
		"the end before the start":  func(o *Options) { o.From, o.To = o.To, o.From },
		"a share that is no number": func(o *Options) { o.Mismatches /= 0.0 * o.Mismatches },
	} {
		o := options(t)
		spoil(&o)
		if o.Validate() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

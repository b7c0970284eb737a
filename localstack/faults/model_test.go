package faults

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	gocmp "github.com/google/go-cmp/cmp"

	"orderpipeline/localstack/lab/queue"
)

// Figures are everything that the API shows of the store, with money in cents.
type figures struct {
	Orders, Revenue      int64
	Users                map[string]sum
	Months               map[string]sum
	Top                  []spend
	Recorded, Mismatches int64
}

type sum struct{ Orders, Cents int64 }

type spend struct {
	User  string
	Cents int64
}

// A verdict compares what happened to the messages with what must happen.
type verdict struct {
	lost     int // orders and refusals that are nowhere
	twice    int // orders that were counted more than once, or never sent
	problems []string
}

func (v *verdict) problem(format string, args ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

// judge compares the queue of rejected messages and the store's figures with the messages that were
// sent, by their first id. In a lossy run a message may have been refused because of an order that
// Redis forgot later, and another message with the same content counted after that.
func judge(
	sent map[string]message, rejected []queue.Message, origin func(string) string, got figures,
	lossy bool,
) verdict {
	var v verdict
	refused := map[string]bool{} // by first id
	for _, m := range rejected {
		id := origin(m.Attributes["source_message_id"])
		was, known := sent[id]
		switch {
		case !known:
			v.problem("rejected: no message has the id %q", m.Attributes["source_message_id"])
			continue
		case m.Body != was.body:
			v.problem("rejected: the body is not that of %s:\n%s\n%s", id, m.Body, was.body)
		case m.Attributes["field"] == "" || m.Attributes["detail"] == "":
			v.problem("rejected: %s does not say what is wrong: %v", id, m.Attributes)
		}
		want := was.reason
		if was.order != nil {
			want = "order_id_conflict"
		}
		if reason := m.Attributes["reason"]; reason != want {
			v.problem("rejected: %s for %q, want %q: %s", id, reason, want, was.body)
		}
		refused[id] = true
	}

	// Of the contents of one order id, one is counted, and every message of the others is refused.
	// order id → content → messages kept, messages refused
	contents := map[string]map[*content][2]int{}
	for id, m := range sent {
		if m.order == nil {
			if !refused[id] {
				v.lost++
				v.problem("not refused: %s", m.body)
			}
			continue
		}
		if contents[m.order.id] == nil {
			contents[m.order.id] = map[*content][2]int{}
		}
		n := contents[m.order.id][m.order]
		if refused[id] {
			n[1]++
		} else {
			n[0]++
		}
		contents[m.order.id][m.order] = n
	}
	var counted []*content
	for id, of := range contents {
		var winners []*content
		for c, n := range of {
			if n[0] > 0 && n[1] > 0 && !lossy {
				v.problem("%s: of one content, %d messages were kept and %d refused", id, n[0], n[1])
			}
			if n[0] > 0 {
				winners = append(winners, c)
			}
		}
		if len(winners) != 1 {
			v.lost += max(0, len(winners)-1)
			v.problem("%s: %d of %d contents were kept", id, len(winners), len(of))
		}
		counted = append(counted, winners...)
	}

	want := expect(counted)
	if diff := gocmp.Diff(want, got); diff != "" {
		v.problem("the store's figures (-want +got):\n%s", diff)
	}
	users := map[string]bool{}
	for user := range want.Users {
		users[user] = true
	}
	for user := range got.Users {
		users[user] = true
	}
	for user := range users {
		off := int(got.Users[user].Orders - want.Users[user].Orders)
		v.lost += max(0, -off)
		v.twice += max(0, off)
	}
	return v
}

// expect adds up orders.
func expect(counted []*content) figures {
	f := figures{Users: map[string]sum{}, Months: map[string]sum{}, Top: []spend{}}
	for _, c := range counted {
		value := c.cents()
		f.Orders++
		f.Revenue += value
		add(f.Users, c.user, value)
		add(f.Months, c.placed.UTC().Format("2006-01"), value)
		if c.mismatch {
			f.Mismatches++
		}
	}
	f.Recorded = f.Orders
	for user, s := range f.Users {
		f.Top = append(f.Top, spend{user, s.Cents})
	}
	slices.SortFunc(f.Top, func(a, b spend) int {
		return cmp.Or(cmp.Compare(b.Cents, a.Cents), strings.Compare(b.User, a.User))
	})
	return f
}

func add(to map[string]sum, name string, cents int64) {
	s := to[name]
	to[name] = sum{s.Orders + 1, s.Cents + cents}
}

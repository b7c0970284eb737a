package restore

import (
	"fmt"

	"orderpipeline/localstack/orderctl/audit"
	"orderpipeline/localstack/orderctl/console"
)

// show prints the verification for a person.
func (v *verification) show(c *console.Console, shown int) {
	var lines int64
	for _, n := range v.Lines {
		lines += n
	}
	c.List("archive", console.Count(v.Objects)+" objects", console.Count(lines)+" messages",
		console.Count(v.Book.Total.Orders)+" orders", "revenue "+console.Number(v.Book.Total.Revenue))
	c.List("compared", console.Count(v.Compared)+" figures in "+fmt.Sprintf("%.1fs", v.Seconds))
	v.showFaults(c)
	if v.Count == 0 {
		if v.Equal {
			c.Println(c.Good("equal: all figures are those of the archive, to the cent"))
		}
		return
	}
	if shown == 0 {
		shown = len(v.Differences)
	}
	var rows [][]any
	for _, d := range v.Differences[:min(shown, len(v.Differences))] {
		orders := func(f audit.Figures) any {
			if d.Figure == "leaderboard" {
				return "" // has no count of orders
			}
			return f.Orders
		}
		rows = append(rows, []any{
			d.Figure, d.Name, orders(d.Archive), orders(d.Store),
			d.Archive.Revenue, d.Store.Revenue, string(d.Verdict),
		})
	}
	c.Table([]console.Column{
		{Title: "FIGURE"},
		{Title: "NAME", Flex: true, Name: true},
		{Title: "ORDERS: ARCHIVE", Right: true},
		{Title: "STORE", Right: true},
		{Title: "REVENUE: ARCHIVE", Right: true},
		{Title: "STORE", Right: true},
		{Title: ""},
	}, rows)
	c.More(v.Count - int64(len(rows)))
	c.Println(c.Bad(console.Count(v.Count) + " of " + console.Count(v.Compared) + " figures differ"))
	v.explain(c)
}

func (v *verification) showFaults(c *console.Console) {
	for _, f := range v.Faults[:min(defaultShown, len(v.Faults))] {
		where := f.Object
		if f.Line > 0 {
			where = fmt.Sprintf("%s line %d", f.Object, f.Line)
		}
		c.Println(c.Bad("fault in the archive: " + console.Clean(where) + ": " + console.Clean(f.Text)))
	}
	c.More(v.FaultCount - defaultShown)
	for _, f := range v.Conflicts[:min(defaultShown, len(v.Conflicts))] {
		c.Println(c.Warn("two different orders with the id " + console.Clean(f.OrderID) +
			": the first counts; see orderctl archive show"))
	}
	c.More(v.ConflictCount - defaultShown)
}

// explain says what the differences mean and what to do.
func (v *verification) explain(c *console.Console) {
	if v.Verdicts[audit.Lost]+v.Verdicts[audit.Different] > 0 {
		c.Printf(
			"The store has lost orders. What was archived in the last minutes is replayed anyway;\n" +
				"orderctl archive replay counts what is missing now, orderctl rebuild mends every figure.\n",
		)
	}
	if v.Verdicts[audit.Unarchived] == 0 {
		return
	}
	if v.InFlight+v.DLQ > 0 {
		c.Printf(
			"The store has more than the archive: %s messages in flight and %s in the dead-letter queue\n"+
				"may have been counted and are not acknowledged yet.\n",
			console.Count(v.InFlight),
			console.Count(v.DLQ),
		)
	} else {
		c.Printf("The store has more than the archive, and no message is in flight or in the\n" +
			"dead-letter queue: a figure was changed by other means, or objects of the archive are gone.\n" +
			"orderctl rebuild mends a figure, and deletes nothing where orders would be lost.\n")
	}
	if !v.Paused {
		c.Printf(
			"While orders arrive the two always differ: orderctl archive verify --pause compares exactly.\n",
		)
	}
}

package restore

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/filecheck"
	"orderpipeline/localstack/orderctl/orderfile"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/order"
)

// defaultShown is how many findings, lines or differences a command lists unless it is told
// otherwise.
const defaultShown = 20

func checkCommand(env *session.Env) *cobra.Command {
	var shown uint
	cmd := &cobra.Command{
		Use:   "check FILE | -",
		Short: "Check every order of a file, without sending anything",
		Long: `Check every order of a file (or of standard input, -) against the order contract, without
sending anything: NDJSON, a JSON array or {"orders": […]}, also as gzip. Each finding has its
line, reason and field. Repeated orders and different orders with one id are found too,
within the file. The sums are what the pipeline would count from an empty store.

The exit code is 1 when an order would be refused.`,
		Example: session.Example(
			"orderctl check orders.ndjson",
			"orderctl check orders.json.gz --max 0",
			"orderctl check - --json < orders.ndjson | jq .refused",
		),
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: session.CompleteFiles,
		RunE: env.RunFile(func(ctx context.Context, name string, in io.Reader) error {
			return check(ctx, env, name, in, int(shown))
		}),
	}
	cmd.Flags().UintVar(&shown, "max", defaultShown, "maximum number of findings to list; 0 lists all")
	return cmd
}

// A finding is an entry of a file that would not be counted.
type finding struct {
	Line    int          `json:"line"`
	Verdict string       `json:"verdict"` // refused or duplicate
	Reason  order.Reason `json:"reason,omitempty"`
	Field   string       `json:"field,omitempty"`
	Detail  string       `json:"detail,omitempty"`
	First   int          `json:"first_line,omitempty"` // of the earlier entry with the same order_id
}

// A report is what a check found.
type report struct {
	File string `json:"file"`
	*filecheck.Sums
	Findings []finding `json:"findings"`
	More     int64     `json:"findings_not_listed"`
	Seconds  float64   `json:"seconds"`
}

// inspect checks a file and lists at most shown findings; 0 lists all. each, which may be nil, gets
// every verdict.
func inspect(
	ctx context.Context,
	env *session.Env,
	name string,
	in io.Reader,
	shown int,
	each func(*filecheck.Verdict) error,
) (*report, error) {
	began := time.Now()
	r := &report{File: name, Findings: []finding{}}
	reader, err := orderfile.NewReader(in)
	if err != nil {
		return r, err
	}
	progress := env.Status()
	defer progress.Clear()
	r.Sums = filecheck.NewSums()
	defer func() { r.Seconds = session.Seconds(time.Since(began)) }()
	for v, err := range filecheck.All(ctx, reader) {
		if err != nil {
			return r, err
		}
		if r.Add(v); r.Entries%10_000 == 0 {
			progress.Set("checking: " + console.Count(r.Entries) + " orders")
		}
		r.note(v, shown)
		if each != nil {
			if err := each(v); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// note lists an entry that would not be counted, at most shown of them; 0 lists all.
func (r *report) note(v *filecheck.Verdict, shown int) {
	f := finding{Line: v.Line, First: v.First}
	switch {
	case v.Refusal != nil:
		f.Verdict, f.Reason = "refused", v.Refusal.Reason
		f.Field, f.Detail = v.Refusal.Field, v.Refusal.Detail
	case v.Duplicate():
		f.Verdict, f.Detail = "duplicate", fmt.Sprintf("the order of line %d again", v.First)
	default:
		return
	}
	if shown > 0 && len(r.Findings) == shown {
		r.More++
		return
	}
	r.Findings = append(r.Findings, f)
}

func check(ctx context.Context, env *session.Env, name string, in io.Reader, shown int) error {
	r, err := inspect(ctx, env, name, in, shown, nil)
	if r.Sums == nil {
		return err
	}
	show := func(c *console.Console) {
		r.show(c)
		if err == nil { // a file that could not be read to its end gets no verdict
			r.verdict(c)
		}
	}
	if failed := env.Result(r, show); failed != nil {
		return failed
	}
	if err != nil {
		return err
	}
	if n := r.RefusedTotal(); n > 0 {
		return fmt.Errorf("%w: %d orders would be refused", session.ErrCheck, n)
	}
	return nil
}

// show prints the report for a person.
func (r *report) show(c *console.Console) {
	if len(r.Findings) > 0 {
		rows := make([][]any, len(r.Findings))
		for i, f := range r.Findings {
			what := f.Verdict
			if f.Reason != "" {
				what = string(f.Reason)
			}
			rows[i] = []any{f.Line, what, f.Field, f.Detail}
		}
		c.Table(
			[]console.Column{
				{Title: "LINE", Right: true},
				{Title: "FINDING"},
				{Title: "FIELD"},
				{Title: "DETAIL", Flex: true},
			},
			rows,
		)
		if r.More > 0 {
			c.Printf("… and %s more (--max 0 lists all)\n", console.Count(r.More))
		}
		c.Println("")
	}
	c.List("entries", console.Count(r.Entries))
	c.List("orders", console.Count(r.Orders))
	c.List("revenue", console.Number(r.Revenue))
	c.List("customers", console.Count(r.Customers))
	if r.Orders > 0 {
		const day = "2006-01-02"
		c.List("placed", r.First.Format(day)+" to "+r.Last.Format(day)+" (UTC)")
	}
	if r.Duplicates > 0 {
		c.List(
			"duplicates", console.Count(r.Duplicates)+" repeat an earlier order of the file and add nothing",
		)
	}
	if r.Mismatches > 0 {
		c.List(
			"mismatches",
			console.Count(r.Mismatches)+
				" state another order_value than their items add up to: the items count",
		)
	}
	var reasons []string
	for _, reason := range r.Reasons() {
		reasons = append(reasons, string(reason)+" "+console.Count(r.Refused[reason]))
	}
	if len(reasons) > 0 {
		c.List("refused", reasons...)
	}
}

// verdict prints whether the file can be sent as it is.
func (r *report) verdict(c *console.Console) {
	switch refused := r.RefusedTotal(); {
	case refused > 0:
		c.Println(c.Bad(console.Count(refused) + " orders would be refused"))
	case r.Entries == 0:
		c.Println(c.Warn("the file holds no orders"))
	default:
		c.Println(c.Good("no order would be refused"))
	}
}

package restore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/filecheck"
	"orderpipeline/localstack/orderctl/objects"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/archive"
	"orderpipeline/shared/replay/protocol"
)

func TestWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testWindow) // in which no time passes
}

func testWindow(t *testing.T) {
	now := time.Now()
	day := func(d int) time.Time { return time.Date(2026, 3, d, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		line string
		want objects.Window
		ok   bool
	}{
		{"", objects.Window{}, true},
		{"--since=", objects.Window{}, true},
		{
			"--since 2026-03-01 --until 2026-03-02",
			objects.Window{Since: day(1), Until: day(2)}, true,
		},
		{"--since 2026-03-01T05:30:00+05:30", objects.Window{Since: day(1)}, true},
		{"--since 2026-03-01T00:00", objects.Window{Since: day(1)}, true},
		{
			"--since 36h --until 12h",
			objects.Window{Since: now.Add(-36 * time.Hour), Until: now.Add(-12 * time.Hour)}, true,
		},
		{"--since yesterday", objects.Window{}, false},
		{"--since=-5h", objects.Window{}, false},
		{"--until 2026-02-30", objects.Window{}, false},
		{"--since 2026-03-02 --until 2026-03-01", objects.Window{}, false},
	} {
		var got objects.Window
		cmd := &cobra.Command{
			RunE:          func(*cobra.Command, []string) error { return nil },
			SilenceErrors: true, SilenceUsage: true,
		}
		addWindow(cmd, &got)
		cmd.SetArgs(strings.Fields(c.line))
		err := cmd.Execute()
		if accepted := err == nil; accepted != c.ok {
			t.Errorf("%q: accepted: got %v, want %v; error %v", c.line, accepted, c.ok, err)
		}
		if c.ok && (!got.Since.Equal(c.want.Since) || !got.Until.Equal(c.want.Until)) {
			t.Errorf("%q: got %v, want %v", c.line, got, c.want)
		}
	}
}

func TestCheckReport(t *testing.T) {
	t.Parallel()
	text := manyBodies(3) + "{}\n" + manyBodies(1) + strings.Repeat("{}\n", 30)
	run := func(asJSON bool, shown int) (string, error) {
		var out bytes.Buffer
		env := &session.Env{
			Console: console.New(nil, &out, &bytes.Buffer{}, func(string) string { return "" }),
		}
		env.JSON = asJSON
		err := check(t.Context(), env, "orders.ndjson", strings.NewReader(text), shown)
		return out.String(), err
	}

	out, err := run(true, 3)
	if !errors.Is(err, session.ErrCheck) {
		t.Errorf("error %v, want ErrCheck", err)
	}
	var got report
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	got.Seconds = 0
	missing := finding{
		Line:    4,
		Verdict: "refused",
		Reason:  "missing_field",
		Field:   "order_id",
		Detail:  got.Findings[0].Detail,
	}
	last := missing
	last.Line = 6
	want := report{
		File: "orders.ndjson",
		Sums: &filecheck.Sums{
			Entries: 35, Orders: 3, Revenue: 6, Customers: 3, Duplicates: 1, Refused: got.Refused,
		},
		More: 29,
		Findings: []finding{
			missing,
			{Line: 5, Verdict: "duplicate", Detail: "the order of line 1 again", First: 1},
			last,
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(filecheck.Sums{})); diff != "" ||
		got.Refused["missing_field"] != 31 {
		t.Errorf("report (-want +got):\n%s", diff)
	}

	if out, _ = run(false, 3); !strings.Contains(out, "… and 29 more") ||
		!strings.Contains(out, "31 orders would be refused") {
		t.Errorf("output:\n%s", out)
	}
	if out, _ = run(false, 0); strings.Contains(out, "more (--max") {
		t.Errorf("--max 0 does not list all:\n%s", out)
	}
}

func TestCheckJudgesOnlyWhatItCouldRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		manyBodies(3):                  "no order would be refused\n",
		"":                             "the file holds no orders\n",
		"\n\n":                         "the file holds no orders\n",
		"[" + manyBodies(1) + ", {bad": "",
	} {
		var out bytes.Buffer
		env := &session.Env{
			Console: console.New(nil, &out, &bytes.Buffer{}, func(string) string { return "" }),
		}
		err := check(t.Context(), env, "orders.json", strings.NewReader(text), 0)
		said := strings.Contains(out.String(), "refused") || strings.Contains(out.String(), "no orders")
		if (err != nil) != (want == "") || said != (want != "") ||
			!strings.HasSuffix(out.String(), want) {
			t.Errorf("%q: error %v, output %q; want %q at its end", text, err, &out, want)
		}
	}
}

// A script is a function whose calls end as listed.
type script []func() (*lambda.InvokeOutput, error)

func (s *script) Invoke(
	context.Context,
	*lambda.InvokeInput,
	...func(*lambda.Options),
) (*lambda.InvokeOutput, error) {
	next := (*s)[0]
	*s = (*s)[1:]
	return next()
}

func answers(text string) func() (*lambda.InvokeOutput, error) {
	return func() (*lambda.InvokeOutput, error) {
		return &lambda.InvokeOutput{Payload: []byte(text)}, nil
	}
}

func failsWith(text string) func() (*lambda.InvokeOutput, error) {
	return func() (*lambda.InvokeOutput, error) {
		return &lambda.InvokeOutput{FunctionError: aws.String("Unhandled"), Payload: []byte(text)}, nil
	}
}

func refuses(code string) func() (*lambda.InvokeOutput, error) {
	return func() (*lambda.InvokeOutput, error) { return nil, &smithy.GenericAPIError{Code: code} }
}

func TestReplayerRepeatsWhatMaySucceedLater(t *testing.T) {
	t.Parallel()
	good := answers(`{"orders":2,"recorded":1,"duplicate":1,"value":12.30}`)
	want := protocol.Counted{Orders: 2, Recorded: 1, Duplicate: 1, Value: 1230}
	for _, c := range []struct {
		name    string
		calls   script
		wantErr string
	}{
		{"at once", script{good}, ""},
		{"the function fails", script{failsWith(`{"errorMessage":"redis: down"}`), good}, ""},
		{"the function runs out of time", script{failsWith("Task timed out after 30 seconds"), good}, ""},
		{
			"throttled",
			script{refuses("TooManyRequestsException"), refuses("TooManyRequestsException"), good}, "",
		},
		{
			"a damaged object", script{failsWith(`{"errorMessage":"unreadable: it is cut off"}`)},
			"unreadable: it is cut off",
		},
		{"too old", script{failsWith(`{"errorMessage":"too old: 500 days"}`)}, "too old"},
		{"no permission", script{refuses("AccessDeniedException")}, "AccessDenied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := replayed(t, &c.calls)
			if len(c.calls) != 0 {
				t.Errorf("%d calls were not made", len(c.calls))
			}
			if c.wantErr == "" && (err != nil || got != want) ||
				c.wantErr != "" && (err == nil || !strings.Contains(err.Error(), c.wantErr)) {
				t.Errorf("%+v, error %v; want error %q", got, err, c.wantErr)
			}
		})
	}
}

// replayed replays an object in a bubble, in which waiting takes no time.
func replayed(t *testing.T, calls *script) (counted protocol.Counted, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		counted, err = replayer{invoker: calls}.replay(t.Context(), protocol.KindRebuild, "key")
	})
	return counted, err
}

func TestReplayerGivesUp(t *testing.T) {
	t.Parallel()
	var calls script
	for range attempts {
		calls = append(calls, failsWith(`{"errorMessage":"redis: down"}`))
	}
	if _, err := replayed(t, &calls); err == nil || len(calls) != 0 {
		t.Errorf("error %v with %d calls left", err, len(calls))
	}
}

func TestNeedles(t *testing.T) {
	t.Parallel()
	// As the archive writes them; the last one is a refused message, whose order id is in the body
	// alone.
	lines := []string{
		`{"message_id":"m1","order_id":"A\"\\B","body":"{\"order_id\":\"A\\\"\\\\B\"}"}`,
		`{"message_id":"m2","order_id":"A","body":"{\"order_id\":\"A\"}"}`,
		`{"message_id":"m3","outcome":"invalid","body":"{\"order_id\": \"A\"}"}`,
	}
	text := strings.Join(lines, "\n") + "\n"
	for id, want := range map[string][]int{
		`A"\B`: {1}, "A": {2, 3}, "m3": {3}, "m": nil, "order_id": {1, 2, 3},
	} {
		var got []int
		for _, h := range needles(id).in(archive.Object{}, text) {
			got = append(got, h.Line)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", id, diff)
		}
	}
}

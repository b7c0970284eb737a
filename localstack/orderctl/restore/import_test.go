package restore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/archive"
	"orderpipeline/shared/order"
)

// importOrders imports a file without conditions.
func importOrders(t *testing.T, c *cloud, content string) {
	t.Helper()
	if out, err := tryImport(t.Context(), t, c, content, importFlags{parallel: 2}); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func tryImport(
	ctx context.Context, t *testing.T, c *cloud, content string, f importFlags,
) (output string, err error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "orders.ndjson")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	s, out, errOut := c.open()
	err = importFile(ctx, s.Env, f, name, func(context.Context) (*store, error) { return s, nil })
	return out.String() + errOut.String(), err
}

func manyBodies(n int) string {
	var b strings.Builder
	for i := range n {
		_, body := newOrder(
			fmt.Sprint("I", i),
			fmt.Sprint("U", i%7),
			fmt.Sprintf("2024-%02d-%02d", 1+i%12, 1+i%28),
			order.Cents(i+1),
		)
		b.WriteString(body + "\n")
	}
	return b.String()
}

func TestImport(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	const n = 2*chunkEntries + 5
	out, err := tryImport(t.Context(), t, c, manyBodies(n), importFlags{parallel: 3})
	if err != nil || len(c.orders) != n {
		t.Fatalf("error %v, %d orders\n%s", err, len(c.orders), out)
	}
	for _, want := range []string{
		"as expected, to the cent", "imported 40,005 orders", "8,002,200.15",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in the output:\n%s", want, out)
		}
	}
	if keys := c.s3.Keys(); len(keys) != 3 ||
		!strings.HasPrefix(keys[0], archive.ImportsPrefix) {
		t.Errorf("objects %v, want three imports", keys)
	}
	s, _, _ := c.open()
	if err := s.verify(t.Context(), false, defaultShown); err != nil {
		t.Errorf("verify after the import: %v", err)
	}
}

func TestImportAgainCountsNothingAndStoresNothing(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	importOrders(t, c, manyBodies(50))
	puts := c.s3.Puts()
	out, err := tryImport(t.Context(), t, c, manyBodies(50), importFlags{parallel: 1})
	if err != nil || c.s3.Puts() != puts || !strings.Contains(out, "this file was imported on") ||
		!strings.Contains(out, "0 counted now, 50 counted before") {
		t.Errorf("error %v, %d more puts, output:\n%s", err, c.s3.Puts()-puts, out)
	}
}

func TestImportGoesOnAfterAnInterruption(t *testing.T) {
	t.Parallel()
	content := manyBodies(2*chunkEntries + 5)
	for _, stage := range []string{
		"before counting the second object", "before storing the second object",
	} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			ctx, cancel := context.WithCancel(t.Context())
			c.fail = func(string, string) error {
				if len(c.replays) == 1 && strings.Contains(stage, "counting") {
					cancel()
				}
				return ctx.Err()
			}
			if strings.Contains(stage, "storing") {
				c.fail = func(string, string) error {
					if len(c.replays) == 0 {
						defer cancel()
					}
					return nil
				}
			}
			if out, err := tryImport(ctx, t,
				c,
				content,
				importFlags{parallel: 1},
			); !errors.Is(err, context.Canceled) {
				t.Fatalf("error %v\n%s", err, out)
			}
			c.fail = func(string, string) error { return nil }
			out, err := tryImport(t.Context(), t, c, content, importFlags{parallel: 1})
			if err != nil || len(c.orders) != 2*chunkEntries+5 {
				t.Errorf("error %v, %d orders\n%s", err, len(c.orders), out)
			}
		})
	}
}

func TestImportOfOrdersThatWereCountedBefore(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	known, knownBody := newOrder("K1", "U1", "2024-01-01", 100)
	c.archive(false, known)
	_, newBody := newOrder("K2", "U1", "2024-01-01", 250)
	out, err := tryImport(t.Context(), t, c, knownBody+"\n"+newBody+"\n", importFlags{parallel: 1})
	if err != nil || !strings.Contains(out, "1 counted now, 1 counted before") ||
		!strings.Contains(out, "2.50") {
		t.Errorf("error %v, output:\n%s", err, out)
	}
}

func TestImportOfAnOrderThatContradictsAnEarlierOne(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	known, _ := newOrder("K1", "U1", "2024-01-01", 100)
	c.archive(false, known)
	_, other := newOrder("K1", "U1", "2024-01-01", 999)
	out, err := tryImport(t.Context(), t, c, other+"\n", importFlags{parallel: 1})
	if !errors.Is(err, session.ErrCheck) ||
		!strings.Contains(out, "1 orders are refused: another order with their order_id") {
		t.Errorf("error %v, output:\n%s", err, out)
	}
}

func TestImportWithRefusedOrders(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	content := manyBodies(3) + "{\"order_id\":\"x\"}\nno json\n" + manyBodies(4)
	out, err := tryImport(t.Context(), t, c, content, importFlags{parallel: 1})
	if !errors.Is(err, session.ErrCheck) || len(c.s3.Keys()) != 0 ||
		!strings.Contains(out, "nothing was imported") {
		t.Errorf("without --invalid: error %v, %d objects\n%s", err, len(c.s3.Keys()), out)
	}

	aside := filepath.Join(t.TempDir(), "aside.ndjson")
	out, err = tryImport(t.Context(), t, c, content, importFlags{parallel: 1, invalid: aside})
	if err != nil || len(c.orders) != 4 {
		t.Fatalf("with --invalid: error %v, %d orders\n%s", err, len(c.orders), out)
	}
	text, err := os.ReadFile(aside)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"line":4,"reason":"missing_field","field":"user_id",` + "\n" +
		`{"line":5,"reason":"invalid_json",`
	var starts []string
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		start, _, _ := strings.Cut(line, `"detail"`)
		starts = append(starts, start)
	}
	if diff := cmp.Diff(want, strings.Join(starts, "\n")); diff != "" ||
		!strings.Contains(string(text), `"body":"no json"`) {
		t.Errorf("the file of refused orders (-want +got):\n%s\n%s", diff, text)
	}
	if _, err := tryImport(t.Context(), t,
		c,
		content,
		importFlags{parallel: 1, invalid: aside},
	); !errors.Is(err, session.ErrUsage) {
		t.Errorf("an existing file: error %v, want ErrUsage", err)
	}
}

func TestAFileThatCannotBeReadLeavesNoFileOfRefusedOrders(t *testing.T) {
	t.Parallel()
	aside := filepath.Join(t.TempDir(), "aside.ndjson")
	if _, err := tryImport(t.Context(), t,
		newCloud(t),
		"a,b\n1,2\n",
		importFlags{parallel: 1, invalid: aside},
	); err == nil {
		t.Error("a CSV was imported")
	}
	if _, err := os.Stat(aside); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file of refused orders: %v, want that there is none", err)
	}
}

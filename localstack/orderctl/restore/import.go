package restore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/filecheck"
	"orderpipeline/localstack/orderctl/inorder"
	"orderpipeline/localstack/orderctl/objects"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/replay/protocol"
	"orderpipeline/shared/statsapi/answer"
)

type importFlags struct {
	invalid  string
	parallel int
}

func importCommand(env *session.Env) *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:     "import FILE | -",
		GroupID: session.GroupSend,
		Short:   "Count the orders of a large file through the archive, much faster than through the queue",
		Long: `Check a file of orders, write its orders to the archive, have them counted at once, and
compare the result with the file's own sums to the cent. It takes the files that check takes.
It needs the archive's bucket and the replay function, not Redis.

An order that was counted before is not counted again. Importing a file again, also after an
interruption, goes on where it is needed: the file is recognised by the SHA-256 of its content.

Where orders would be refused nothing is imported, unless --invalid names a file for them: one
JSON object on a line with line, reason, field, detail and body. The exit code is 1 when an
order was refused only by what was counted before, or when the sums differ; another sender at
the same time makes them differ too.`,
		Example: session.Example(
			"orderctl import orders.ndjson",
			"orderctl import orders.json.gz --invalid refused.ndjson",
			"jq -r .body refused.ndjson",
		),
		Args: cobra.ExactArgs(1),
		PreRunE: func(*cobra.Command, []string) error {
			if f.parallel < 1 {
				return session.Usage("--parallel must be at least 1")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return importFile(cmd.Context(), env, f, args[0], func(ctx context.Context) (*store, error) {
				return openStore(ctx, env, session.API|session.Orders)
			})
		},
	}
	cmd.Flags().StringVar(&f.invalid, "invalid", "", "new file for the orders that are refused; the others are imported")
	cmd.Flags().IntVar(&f.parallel, "parallel", defaultReplays, "objects that are written and counted at the same time")
	return cmd
}

// An importResult is what --json prints.
type importResult struct {
	*report
	SHA256  string           `json:"sha256"`
	Invalid string           `json:"invalid_file,omitempty"`
	Before  string           `json:"imported_before,omitempty"` // when the file was first imported
	Objects int64            `json:"objects"`
	Counted protocol.Counted `json:"counted"`
	Checks  []comparison     `json:"checks"`
	Equal   bool             `json:"equal"`
	Seconds float64          `json:"seconds"`
}

// importFile opens the store only when the file has been checked.
func importFile(
	ctx context.Context, env *session.Env, f importFlags, name string, open func(context.Context) (*store, error),
) error {
	began := env.Now()
	file, err := seekable(env, name)
	if err != nil {
		return err
	}
	defer file.Close()
	result := &importResult{Invalid: f.invalid}
	digest, err := result.inspect(ctx, env, f, name, file)
	if err != nil {
		return err
	}
	if n := result.sums.RefusedTotal(); n > 0 && f.invalid == "" {
		if !env.JSON {
			result.show(env.Console)
		} else if err := env.Emit(result.report); err != nil {
			return err
		}
		env.Notef("nothing was imported: correct the file, or set the refused orders aside with --invalid FILE\n")
		return fmt.Errorf("%w: %d orders would be refused, nothing was imported", session.ErrCheck, n)
	}

	st, err := open(ctx)
	if err != nil {
		return err
	}
	if question := st.SendQuestion(console.Count(result.Orders)+" orders of "+name, false); question != "" {
		if err := env.Confirm(question); err != nil {
			return err
		}
	}
	i := &importer{store: st, digest: digest, file: file, parallel: f.parallel, result: result}
	err = i.run(ctx)
	result.Seconds = since(st.Session, began)
	if env.JSON {
		return errors.Join(err, env.Emit(result))
	}
	i.show(err)
	return err
}

// seekable opens the file, which is read twice. Standard input is copied to a temporary file first.
func seekable(env *session.Env, name string) (*os.File, error) {
	in, err := env.OpenFile(name)
	if err != nil {
		return nil, err
	}
	if file, ok := in.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			return file, nil
		}
	}
	defer in.Close()
	spool, err := os.CreateTemp("", "orderctl-import-")
	if err != nil {
		return nil, fmt.Errorf("copy the input: %w", err)
	}
	_ = os.Remove(spool.Name()) // the open file stays readable, and nothing is left behind
	if _, err := io.Copy(spool, in); err != nil {
		spool.Close()
		return nil, fmt.Errorf("copy the input: %w", err)
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		spool.Close()
		return nil, fmt.Errorf("copy the input: %w", err)
	}
	return spool, nil
}

// inspect checks the file, sets refused orders aside, and returns the SHA-256 of the file.
func (r *importResult) inspect(
	ctx context.Context, env *session.Env, f importFlags, name string, file *os.File,
) (digest [32]byte, err error) {
	each := func(*filecheck.Verdict) error { return nil }
	if f.invalid != "" {
		aside, created := newFile(f.invalid)
		if created != nil {
			return digest, created
		}
		each = aside.setAside
		defer func() { err = errors.Join(err, aside.end(err == nil && r.sums.RefusedTotal() > 0)) }()
	}
	hash := sha256.New()
	in := io.TeeReader(file, hash)
	r.report, err = inspect(ctx, env, name, in, defaultShown, each)
	if err != nil {
		return digest, err
	}
	if _, err = io.Copy(io.Discard, in); err != nil {
		return digest, fmt.Errorf("read %s: %w", name, err)
	}
	copy(digest[:], hash.Sum(nil))
	r.SHA256 = hex.EncodeToString(digest[:])
	_, err = file.Seek(0, io.SeekStart)
	return digest, err
}

// newFile creates a file for refused orders. An existing file is not overwritten.
func newFile(name string) (*asideFile, error) {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, session.Usage("the file %s exists already: choose a new name", name)
	}
	if err != nil {
		return nil, session.Usage("%w", err)
	}
	return newAsideFile(file), nil
}

// An importer writes the orders of a checked file to the archive and has them counted.
type importer struct {
	*store
	digest   [32]byte
	file     *os.File
	parallel int
	result   *importResult

	existing map[string]time.Time // objects of an earlier import, and when they were written
}

func (i *importer) run(ctx context.Context) error {
	earlier, err := objects.Imports(ctx, i.bucket, i.result.SHA256)
	if err != nil {
		return err
	}
	i.existing = map[string]time.Time{}
	for _, o := range earlier {
		i.existing[o.Key] = o.Modified
	}
	if len(earlier) > 0 {
		i.result.Before = earlier[0].Modified.UTC().Format(time.RFC3339)
		if !i.JSON {
			i.Notef("this file was imported on %s: what was counted then is not counted again\n", i.result.Before)
		}
	}
	before, err := i.API.Global(ctx)
	if err != nil {
		return err
	}

	progress := i.Progress("importing", "orders", i.result.Orders)
	for counted, err := range inorder.Map(ctx, i.parallel, chunks(ctx, i.file, i.digest), i.count) {
		if err != nil {
			progress.Finish()
			return i.stopped(err)
		}
		if counted.Orders > 0 {
			i.result.Objects++
		}
		i.result.Counted.Add(counted)
		progress.Add(counted.Orders)
	}
	progress.Finish()
	after, err := i.API.Global(ctx)
	if err != nil {
		return err
	}
	return i.compare(before, after)
}

// stopped says how to go on after an error.
func (i *importer) stopped(err error) error {
	if done := i.result.Counted.Orders; done < i.result.Orders {
		i.Notef("%s of %s orders were imported; the same command goes on with the others\n",
			console.Count(done), console.Count(i.result.Orders))
	}
	return err
}

// young is how old an object of an unfinished import may be for its orders to count as imported. Those of an older
// object are healed, under the rule that keeps the store from counting an order again whose marker it has forgotten.
const young = 24 * time.Hour

// count stores one chunk, unless it is stored, and has it counted.
func (i *importer) count(ctx context.Context, c fileChunk) (protocol.Counted, error) {
	if len(c.lines) == 0 {
		return protocol.Counted{}, nil
	}
	written, stored := i.existing[c.key]
	if stored {
		kind := protocol.KindImport
		if i.Now().Sub(written) > young {
			kind = protocol.KindReplay
		}
		counted, err := i.replayer.replay(ctx, kind, c.key)
		if err != nil || counted.Orders == int64(len(c.lines)) {
			return counted, err
		}
		// Another version of the order contract wrote it, with other orders.
	}
	object, err := c.encode()
	if err != nil {
		return protocol.Counted{}, err
	}
	if err := i.bucket.Put(ctx, c.key, object); err != nil {
		return protocol.Counted{}, err
	}
	return i.replayer.replay(ctx, protocol.KindImport, c.key)
}

// compare checks what was counted against the sums of the file and the growth of the API's figures.
func (i *importer) compare(before, after answer.Totals) error {
	r := i.result
	counted := r.Counted
	r.Checks = []comparison{
		countCheck("orders of the file", r.Orders, counted.Orders),
		countCheck("orders counted, now or before", r.Orders, counted.Recorded+counted.Duplicate),
		countCheck("growth of total_orders", counted.Recorded, after.Orders-before.Orders),
		moneyCheck("growth of total_revenue", counted.Value, after.Revenue-before.Revenue),
	}
	if counted.Recorded == r.Orders {
		r.Checks = append(r.Checks, moneyCheck("revenue of the file", r.Revenue, counted.Value))
	}
	r.Equal = true
	for _, c := range r.Checks {
		r.Equal = r.Equal && c.Equal
	}
	if !r.Equal {
		return fmt.Errorf("%w: the figures are not those of the file", session.ErrCheck)
	}
	return nil
}

func (i *importer) show(err error) {
	r := i.result
	i.Printf("imported %s orders in %.1fs: %s counted now, %s counted before\n",
		console.Count(r.Counted.Orders), r.Seconds, console.Count(r.Counted.Recorded), console.Count(r.Counted.Duplicate))
	if n := r.sums.RefusedTotal(); n > 0 {
		i.Printf("%s orders are refused by the contract: they are in %s\n", console.Count(n), r.Invalid)
	}
	if r.Counted.Conflict > 0 {
		i.Printf("%s\n", i.Bad(console.Count(r.Counted.Conflict)+" orders are refused: another order with their order_id was counted before; see orderctl rejected list"))
	}
	if r.Counted.Overflow > 0 {
		i.Printf("%s\n", i.Bad(console.Count(r.Counted.Overflow)+" orders are refused: a sum would pass its limit; see orderctl rejected list"))
	}
	if len(r.Checks) == 0 {
		return
	}
	rows := make([][]string, 0, len(r.Checks))
	for _, c := range r.Checks {
		verdict := "equal"
		if !c.Equal {
			verdict = "DIFFERENT"
		}
		rows = append(rows, []string{c.What, c.wantText, c.gotText, verdict})
	}
	i.Table([]console.Column{{Title: "CHECK"}, {Title: "EXPECTED", Right: true}, {Title: "FOUND", Right: true}, {Title: ""}}, rows)
	if err == nil {
		i.Printf("%s\n", i.Good("equal, to the cent"))
		return
	}
	i.Printf("%s\n", i.Bad("NOT EQUAL. Other orders that were counted at the same time make the growth differ without a fault"))
}

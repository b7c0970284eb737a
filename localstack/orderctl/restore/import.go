package restore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/filecheck"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/replay/protocol"
)

type importFlags struct {
	invalid  string
	parallel session.Positive
}

func importCommand(env *session.Env) *cobra.Command {
	f := importFlags{parallel: defaultReplays}
	cmd := &cobra.Command{
		Use:   "import FILE | -",
		Short: "Count the orders of a large file through the archive, faster than through the queue",
		Long: `Check a file of orders, write its orders to the archive, have them counted at once, and
compare the result with the file's own sums to the cent. It takes the files that check takes.
It needs the archive's bucket and the replay function, not Redis.

An order that was counted before is not counted again. Importing a file again, also after an
interruption, does only what is left: the file is recognised by the SHA-256 of its content.

Where orders would be refused nothing is imported, unless --invalid names a file for them: one
JSON object on a line with line, reason, field, detail and body. The exit code is 1 when an
order was refused only by what was counted before, or when the sums differ; another sender at
the same time makes them differ too.`,
		Example: session.Example(
			"orderctl import orders.ndjson",
			"orderctl import orders.json.gz --invalid refused.ndjson",
			"jq -r .body refused.ndjson",
		),
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: session.CompleteFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			return importFile(cmd.Context(), env, f, args[0], func(ctx context.Context) (*store, error) {
				return openStore(ctx, env, session.API|session.Orders)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.invalid, "invalid", "",
		"new file for the orders that are refused; the others are imported")
	flags.Var(&f.parallel, "parallel",
		"objects that are written and counted at the same time")
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
	Checks  session.Checks   `json:"checks"`
	Equal   bool             `json:"equal"`
	Seconds float64          `json:"seconds"`
}

// importFile opens the store only when the file has been checked.
func importFile(
	ctx context.Context,
	env *session.Env,
	f importFlags,
	name string,
	open func(context.Context) (*store, error),
) error {
	began := time.Now()
	file, err := seekable(env, name)
	if err != nil {
		return err
	}
	defer file.Close()
	result := &importResult{Invalid: f.invalid, Checks: session.Checks{}}
	digest, err := result.inspect(ctx, env, f, name, file)
	if err != nil {
		return err
	}
	if n := result.RefusedTotal(); n > 0 && f.invalid == "" {
		show := func(c *console.Console) {
			result.show(c)
			result.verdict(c)
		}
		if err := env.Result(result.report, show); err != nil {
			return err
		}
		env.Notef(
			"nothing was imported: correct the file, or set the refused orders aside with --invalid FILE\n",
		)
		return fmt.Errorf("%w: %d orders would be refused, nothing was imported", session.ErrCheck, n)
	}

	st, err := open(ctx)
	if err != nil {
		return err
	}
	if question := st.SendQuestion(
		console.Count(result.Orders)+" orders of "+name, false,
	); question != "" {
		if err := env.Confirm(question); err != nil {
			return err
		}
	}
	i := &importer{store: st, digest: digest, file: file, parallel: f.parallel, result: result}
	err = i.run(ctx)
	result.Seconds = session.Seconds(time.Since(began))
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
	if _, err = io.Copy(spool, in); err == nil {
		_, err = spool.Seek(0, io.SeekStart)
	}
	if err != nil {
		spool.Close()
		return nil, fmt.Errorf("copy the input: %w", err)
	}
	return spool, nil
}

// inspect checks the file, sets refused orders aside, and returns the SHA-256 of the file.
func (r *importResult) inspect(
	ctx context.Context, env *session.Env, f importFlags, name string, file *os.File,
) (digest [32]byte, err error) {
	var each func(*filecheck.Verdict) error
	if f.invalid != "" {
		file, created := session.CreateFile(f.invalid)
		if created != nil {
			return digest, created
		}
		aside := newAsideFile(file)
		each = aside.setAside
		defer func() { err = errors.Join(err, aside.end(err == nil && r.RefusedTotal() > 0)) }()
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

// Package console reads and writes for a person or a script: terminal detection, colours, tables,
// progress and confirmation.
package console

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"
)

var (
	// ErrNotConfirmed says that the person answered no, or that there was no terminal to ask on and
	// --yes was not given.
	ErrNotConfirmed = errors.New("not confirmed")
	// ErrOutput says that standard output cannot be written.
	ErrOutput = errors.New("the output cannot be written")
)

// A Console is where a command reads and writes. Results go to Out; progress, questions and notes
// go to Err, so that standard output can be piped.
type Console struct {
	In       io.Reader
	Out, Err io.Writer
	JSON     bool // results as JSON; no progress in plain text
	CSV      bool // figures as CSV
	Yes      bool // every question is answered with yes

	out                   *output
	inTTY, outTTY, errTTY bool
	colour                bool
	columns               int // COLUMNS; 0 where it is not set
}

// New looks at the three streams once. Colours are used only where out is a terminal and NO_COLOR
// is not set.
func New(in io.Reader, out, errOut io.Writer, getenv func(string) string) *Console {
	kept := &output{stream: out}
	c := &Console{In: in, Out: kept, Err: errOut, out: kept}
	c.inTTY, c.outTTY, c.errTTY = isTerminal(in), isTerminal(out), isTerminal(errOut)
	c.colour = c.outTTY && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	c.columns, _ = strconv.Atoi(getenv("COLUMNS"))
	return c
}

// An output remembers the first error of a write. Later writes are dropped.
type output struct {
	stream io.Writer
	err    error
}

func (o *output) Write(text []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.stream.Write(text)
	if err != nil {
		o.err = fmt.Errorf("%w: %w", ErrOutput, err)
	}
	return n, o.err
}

// Failed is the first error of a write to Out, or nil. It wraps ErrOutput.
func (c *Console) Failed() error { return c.out.err }

// size returns the width and height of a terminal, zeros for anything else.
func size(stream any) (width, height int) {
	if f, ok := stream.(*os.File); ok {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil {
			return w, h
		}
	}
	return 0, 0
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Terminal says whether results are read by a person on a terminal.
func (c *Console) Terminal() bool { return c.outTTY }

// Width is the number of columns a line may have; 0 means no limit. A pipe has no width: nothing is
// cut for a program that reads, unless COLUMNS says so.
func (c *Console) Width() int {
	if w, _ := size(c.out.stream); w > 0 {
		return w
	}
	return max(c.columns, 0)
}

// Height is the number of lines of the terminal; 0 means no limit.
func (c *Console) Height() int {
	_, h := size(c.out.stream)
	return h
}

// Draw returns what show prints, laid out for the same terminal.
func (c *Console) Draw(show func(*Console)) string {
	var b strings.Builder
	copied := *c
	copied.Out = &b
	show(&copied)
	return b.String()
}

// Printf writes a part of the result for a person. A failed write is reported by Failed.
func (c *Console) Printf(format string, args ...any) { fmt.Fprintf(c.Out, format, args...) }

// Println writes a line of the result for a person.
func (c *Console) Println(text string) { c.Printf("%s\n", text) }

// More says how many rows of a list are not shown; nothing where all are.
func (c *Console) More(n int64) {
	if n > 0 {
		c.Printf("… and %s more\n", Count(n))
	}
}

// Notef writes a line that is not part of the result, such as where messages go.
func (c *Console) Notef(format string, args ...any) { fmt.Fprintf(c.Err, format, args...) }

// Hintf writes a note for a person: nothing where results are JSON.
func (c *Console) Hintf(format string, args ...any) {
	if !c.JSON {
		c.Notef(format, args...)
	}
}

// Result writes a result: v as JSON, or what show prints for a person.
func (c *Console) Result(v any, show func(*Console)) error {
	if c.JSON {
		return c.Emit(v)
	}
	show(c)
	return nil
}

// Emit writes v as one indented JSON document.
func (c *Console) Emit(v any) error { return c.encode(v, "  ") }

// EmitLine writes v as JSON on one line, for results that follow each other.
func (c *Console) EmitLine(v any) error { return c.encode(v, "") }

func (c *Console) encode(v any, indent string) error {
	enc := json.NewEncoder(c.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	return enc.Encode(v)
}

// Confirm asks the question and returns ErrNotConfirmed unless the answer is yes. Without a
// terminal to ask on, only --yes is an answer.
func (c *Console) Confirm(question string) error {
	if c.Yes {
		return nil
	}
	if !c.inTTY || !c.errTTY {
		return fmt.Errorf("%w, as there is no terminal to ask on: %s Add --yes if you mean it",
			ErrNotConfirmed, question)
	}
	c.Notef("%s [y/N] ", question)
	answer, err := bufio.NewReader(c.In).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return ErrNotConfirmed
}

// Package console is how orderctl speaks to a person or a script: terminal or not, colours, tables, progress, confirmation.
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
	"time"

	"golang.org/x/term"
)

// ErrNotConfirmed: the person said no, or nobody could be asked and --yes was not given.
var ErrNotConfirmed = errors.New("not confirmed")

// A Console is where a command reads and writes. Results go to Out; progress, questions and notes go to Err, so that
// standard output can be piped.
type Console struct {
	In       io.Reader
	Out, Err io.Writer
	JSON     bool // results as JSON; no plain progress lines
	Yes      bool // every question is answered with yes
	Now      func() time.Time

	inTTY, outTTY, errTTY bool
	colour                bool
	columns               func() int
}

// New looks at the three streams once. Colours are used only where Out is a terminal and NO_COLOR is not set.
func New(in io.Reader, out, errOut io.Writer, getenv func(string) string) *Console {
	c := &Console{In: in, Out: out, Err: errOut, Now: time.Now}
	c.inTTY, c.outTTY, c.errTTY = isTerminal(in), isTerminal(out), isTerminal(errOut)
	c.colour = c.outTTY && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	c.columns = func() int {
		if w := terminalWidth(out); w > 0 {
			return w
		}
		// A pipe has no width: nothing is cut for a program that reads, unless COLUMNS says so.
		w, _ := strconv.Atoi(getenv("COLUMNS"))
		return max(w, 0)
	}
	return c
}

// terminalWidth is 0 where stream is no terminal.
func terminalWidth(stream any) int {
	f, ok := stream.(*os.File)
	if !ok {
		return 0
	}
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return w
}

func (c *Console) errColumns() int {
	if w := terminalWidth(c.Err); w > 0 {
		return w
	}
	return 80
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Terminal says whether results are read by a person on a terminal.
func (c *Console) Terminal() bool { return c.outTTY }

// Width is the number of columns a line may have; 0 means as many as it takes.
func (c *Console) Width() int { return c.columns() }

// Height is the number of lines of the terminal; 0 means as many as it takes.
func (c *Console) Height() int {
	if f, ok := c.Out.(*os.File); ok {
		if _, h, err := term.GetSize(int(f.Fd())); err == nil {
			return h
		}
	}
	return 0
}

// Draw returns what show prints, laid out for the same terminal.
func (c *Console) Draw(show func(*Console)) string {
	var b strings.Builder
	copied := *c
	copied.Out = &b
	show(&copied)
	return b.String()
}

// Printf writes a line of the result for a person.
func (c *Console) Printf(format string, args ...any) { fmt.Fprintf(c.Out, format, args...) }

// Notef writes a line that is not part of the result, such as where messages go.
func (c *Console) Notef(format string, args ...any) { fmt.Fprintf(c.Err, format, args...) }

// Emit writes v as one indented JSON document.
func (c *Console) Emit(v any) error {
	enc := json.NewEncoder(c.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// EmitLine writes v as JSON on one line, for results that come one after the other.
func (c *Console) EmitLine(v any) error {
	enc := json.NewEncoder(c.Out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// Confirm asks the question and returns ErrNotConfirmed unless the answer is yes. Without a terminal to ask on, only
// --yes is an answer.
func (c *Console) Confirm(question string) error {
	if c.Yes {
		return nil
	}
	if !c.inTTY || !c.errTTY {
		return fmt.Errorf("%w, as there is no terminal to ask on: %s Add --yes if you mean it", ErrNotConfirmed, question)
	}
	fmt.Fprintf(c.Err, "%s [y/N] ", question)
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

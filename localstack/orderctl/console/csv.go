package console

import (
	"encoding/csv"
	"strings"
)

// A CSV writes comma-separated values (RFC 4180), which a spreadsheet can open.
type CSV struct {
	w   *csv.Writer
	err error
}

// CSV begins a CSV document with a header.
func (c *Console) CSV(header ...string) *CSV {
	out := &CSV{w: csv.NewWriter(c.Out)}
	out.w.UseCRLF = true
	out.Row(header...)
	return out
}

// Row writes one row. Texts that come from outside are disarmed first.
func (c *CSV) Row(cells ...string) {
	if c.err == nil {
		c.err = c.w.Write(cells)
	}
}

// Flush writes what is buffered, and returns the first error of all writes.
func (c *CSV) Flush() error {
	c.w.Flush()
	if c.err != nil {
		return c.err
	}
	return c.w.Error()
}

// Disarm puts an apostrophe before a text that a spreadsheet would run as a formula. Besides = + -
// and @ these are their full-width forms, and a tab or a line break before them (OWASP, CSV
// injection).
func Disarm(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(text)[0]) {
		return "'" + text
	}
	return text
}

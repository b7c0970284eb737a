package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

func (c *Console) paint(code, text string) string {
	if !c.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Good marks text in green.
func (c *Console) Good(text string) string { return c.paint("32", text) }

// Bad marks text in red.
func (c *Console) Bad(text string) string { return c.paint("31", text) }

// Warn marks text in yellow.
func (c *Console) Warn(text string) string { return c.paint("33", text) }

// Bold marks a heading.
func (c *Console) Bold(text string) string { return c.paint("1", text) }

// Dim marks text that matters less.
func (c *Console) Dim(text string) string { return c.paint("2", text) }

// Clean makes foreign text safe to show: escape sequences, line breaks and text direction marks,
// which a terminal would obey or hide, are written as escapes.
func Clean(text string) string {
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	if utf8.ValidString(text) && strings.IndexFunc(text, hidden) < 0 {
		return text
	}

	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// Cut shortens text to width columns, with … at its end where something was cut; 0 cuts nothing.
func Cut(text string, width int) string {
	if width <= 0 || uniseg.StringWidth(text) <= width {
		return text
	}
	var b strings.Builder
	used := 0
	for g := uniseg.NewGraphemes(text); g.Next(); {
		if used+g.Width() > width-1 {
			break
		}
		used += g.Width()
		b.WriteString(g.Str())
	}
	return b.String() + "…"
}

// cutName shortens a name to width columns, with … in its middle: queues, order ids and fields that
// begin alike differ at their ends.
func cutName(text string, width int) string {
	left := uniseg.StringWidth(text)
	if width <= 0 || left <= width {
		return text
	}

	head := Cut(text, (width+1)/2)
	width -= uniseg.StringWidth(head)
	end := 0
	for g := uniseg.NewGraphemes(text); left > width && g.Next(); {
		left -= g.Width()
		_, end = g.Positions()
	}
	return head + text[end:]
}

// Count writes n with thousands separators: 12,345.
func Count[N int | int32 | int64](n N) string { return group(strconv.FormatInt(int64(n), 10)) }

// group puts thousands separators into a decimal number: 1234567.89 becomes 1,234,567.89.
func group(number string) string {
	end := strings.IndexByte(number, '.')
	if end < 0 {
		end = len(number)
	}
	first := len(number) - len(strings.TrimPrefix(number, "-"))
	for at := end - 3; at > first; at -= 3 {
		number = number[:at] + "," + number[at:]
	}
	return number
}

// Ago writes a duration in its largest two units: 3s, 4m10s, 2h5m, 3d4h.
func Ago(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
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

// Number writes a count, or money with its String method, with thousands separators.
func Number(v any) string {
	return group(fmt.Sprint(v))
}

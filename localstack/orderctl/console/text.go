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

// Colours of a word in a result; empty where colours are off.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (c *Console) paint(code, text string) string {
	if !c.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Good marks text as well.
func (c *Console) Good(text string) string { return c.paint(green, text) }

// Bad marks text as wrong.
func (c *Console) Bad(text string) string { return c.paint(red, text) }

// Warn marks text as worth a look.
func (c *Console) Warn(text string) string { return c.paint(yellow, text) }

// Bold marks a heading.
func (c *Console) Bold(text string) string { return c.paint(bold, text) }

// Dim marks what matters less.
func (c *Console) Dim(text string) string { return c.paint(dim, text) }

// Clean makes foreign text safe to show: what a terminal would obey or hide (escape sequences, line breaks, text
// direction marks) is written as an escape.
func Clean(text string) string {
	if utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
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

// Cut shortens text to width columns and ends it with … where something was cut; 0 cuts nothing.
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

// Count writes n with thousands separators: 12,345.
func Count(n int64) string { return Group(strconv.FormatInt(n, 10)) }

// Group puts thousands separators into the whole part of a decimal number: 1234567.89 becomes 1,234,567.89.
func Group(number string) string {
	sign := ""
	if strings.HasPrefix(number, "-") {
		sign, number = "-", number[1:]
	}
	whole, fraction, found := strings.Cut(number, ".")
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if found {
		return sign + whole + "." + fraction
	}
	return sign + whole
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

package console

import (
	"strings"

	"github.com/rivo/uniseg"
)

// A Column is one column of a table.
type Column struct {
	Title string
	Right bool // aligned to the right, for numbers
	Flex  bool // shortened first when the table is wider than the terminal
	Name  bool // shortened in the middle: names that begin alike differ at their ends
}

// minFlex is the narrowest a flexible column gets before the table may be wider than the terminal.
const minFlex = 8

// Table writes rows under titles, fitted to the terminal: flexible columns are shortened with …
// until a line fits. A cell is a text, a count or money; texts are made safe to show.
func (c *Console) Table(columns []Column, rows [][]any) { c.Stream(columns).Rows(rows) }

// A Stream is a table that is written in parts.
type Stream struct {
	c       *Console
	columns []Column
	widths  []int
	titled  bool
}

// Stream begins a table that is written in parts. The columns are as wide as the parts so far need.
func (c *Console) Stream(columns []Column) *Stream {
	s := &Stream{c: c, columns: columns, widths: make([]int, len(columns))}
	for i, col := range columns {
		s.widths[i] = uniseg.StringWidth(col.Title)
	}
	return s
}

// Rows writes a part of the table.
func (s *Stream) Rows(rows [][]any) {
	lines := make([][]string, len(rows))
	for i, row := range rows {
		for column, cell := range row {
			text, isText := cell.(string)
			if !isText {
				text = Number(cell)
			}
			lines[i] = append(lines[i], Clean(text))
			s.widths[column] = max(s.widths[column], uniseg.StringWidth(lines[i][column]))
		}
	}
	fit(s.columns, s.widths, s.c.Width())

	var b strings.Builder
	if !s.titled {
		titles := make([]string, len(s.columns))
		for i, col := range s.columns {
			titles[i] = col.Title
		}
		b.WriteString(s.c.Bold(line(s.columns, s.widths, titles)) + "\n")
		s.titled = true
	}
	for _, cells := range lines {
		b.WriteString(line(s.columns, s.widths, cells) + "\n")
	}
	s.c.Printf("%s", &b)
}

// fit narrows the widest flexible column until the line has at most total columns.
func fit(columns []Column, widths []int, total int) {
	for total > 0 {
		sum := 2 * (len(columns) - 1)
		widest := -1
		for i, w := range widths {
			sum += w
			if columns[i].Flex && w > minFlex && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if sum <= total || widest < 0 {
			return
		}
		widths[widest] = max(minFlex, widths[widest]-max(1, (sum-total)/2))
	}
}

func line(columns []Column, widths []int, cells []string) string {
	var b strings.Builder
	for i, cell := range cells {
		if i > 0 {
			b.WriteString("  ")
		}
		cut := Cut
		if columns[i].Name {
			cut = cutName
		}
		cell = cut(cell, widths[i])
		pad := strings.Repeat(" ", max(0, widths[i]-uniseg.StringWidth(cell)))
		if columns[i].Right {
			cell, pad = pad, cell
		}
		b.WriteString(cell + pad)
	}
	return strings.TrimRight(b.String(), " ")
}

// labelled is the column at which the values of labelled lines begin.
const labelled = 13

// List writes items behind a label, separated by commas, on as many lines as the terminal needs.
func (c *Console) List(label string, items ...string) {
	line := label + strings.Repeat(" ", max(1, labelled-len(label)))
	for i, item := range items {
		if i < len(items)-1 {
			item += ","
		}
		if i > 0 {
			line += " "
			if w := c.Width(); w > 0 && uniseg.StringWidth(line+item) > w {
				c.Println(strings.TrimRight(line, " "))
				line = strings.Repeat(" ", labelled)
			}
		}
		line += item
	}
	c.Println(line)
}

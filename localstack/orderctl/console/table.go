package console

import (
	"strings"

	"github.com/rivo/uniseg"
)

// A Column is one column of a table.
type Column struct {
	Title string
	Right bool // numbers stand at the right
	Flex  bool // gives way first when the table is wider than the terminal
}

// minFlex is the narrowest a flexible column gets before the table may be wider than the terminal.
const minFlex = 8

// Table writes rows under titles, fitted to the terminal: flexible columns are cut with … until a line fits.
// Cells are made safe to show.
func (c *Console) Table(columns []Column, rows [][]string) {
	clean := make([][]string, len(rows))
	widths := make([]int, len(columns))
	for i, col := range columns {
		widths[i] = uniseg.StringWidth(col.Title)
	}
	for r, row := range rows {
		clean[r] = make([]string, len(columns))
		for i := range columns {
			clean[r][i] = Clean(row[i])
			widths[i] = max(widths[i], uniseg.StringWidth(clean[r][i]))
		}
	}
	fit(columns, widths, c.Width())

	titles := make([]string, len(columns))
	for i, col := range columns {
		titles[i] = col.Title
	}
	c.Printf("%s\n", c.Bold(line(columns, widths, titles)))
	for _, row := range clean {
		c.Printf("%s\n", line(columns, widths, row))
	}
}

// fit takes columns away from the widest flexible column until the line has at most total columns.
func fit(columns []Column, widths []int, total int) {
	if total <= 0 {
		return
	}
	for {
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
		widths[widest] = max(minFlex, min(widths[widest]-1, widths[widest]-(sum-total)/2))
	}
}

func line(columns []Column, widths []int, cells []string) string {
	var b strings.Builder
	for i, cell := range cells {
		if i > 0 {
			b.WriteString("  ")
		}
		cell = Cut(cell, widths[i])
		pad := strings.Repeat(" ", max(0, widths[i]-uniseg.StringWidth(cell)))
		if columns[i].Right {
			b.WriteString(pad + cell)
		} else {
			b.WriteString(cell + pad)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// labelled is where the values of labelled lines begin.
const labelled = 13

// List writes items behind a label, separated by commas, on as many lines as the terminal needs.
func (c *Console) List(label string, items ...string) {
	used := labelled
	line := label + strings.Repeat(" ", max(1, labelled-len(label)))
	for i, item := range items {
		if i < len(items)-1 {
			item += ","
		}
		if w := c.Width(); w > 0 && i > 0 && used+1+uniseg.StringWidth(item) > w {
			c.Printf("%s\n", line)
			line, used = strings.Repeat(" ", labelled), labelled
		} else if i > 0 {
			line += " "
			used++
		}
		line += item
		used += uniseg.StringWidth(item)
	}
	c.Printf("%s\n", line)
}

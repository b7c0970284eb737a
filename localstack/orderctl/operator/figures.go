package operator

import (
	"encoding/csv"
	"fmt"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/session"
)

// addCSV declares --csv.
func addCSV(env *session.Env, cmd *cobra.Command) {
	cmd.Flags().BoolVar(&env.CSV, "csv", false,
		"write CSV; a cell that a spreadsheet would run as a formula begins with '")
}

// A column is one column of figures.
type column struct {
	name string // in CSV
	console.Column
}

func textColumn(name, title string) column {
	return column{name, console.Column{Title: title, Flex: true, Name: true}}
}

func numberColumn(name, title string) column {
	return column{name, console.Column{Title: title, Right: true}}
}

// Figures are rows that are written as CSV or as a table, in one or several parts.
type figures struct {
	*console.Console
	csv   *csv.Writer // nil for a table
	table *console.Stream
}

func newFigures(c *console.Console, columns ...column) *figures {
	names := make([]string, len(columns))
	titles := make([]console.Column, len(columns))
	for i, col := range columns {
		names[i], titles[i] = col.name, col.Column
	}
	if !c.CSV {
		return &figures{Console: c, table: c.Stream(titles)}
	}
	w := csv.NewWriter(c.Out)
	w.UseCRLF = true   // RFC 4180
	_ = w.Write(names) // Flush in rows reports its error
	return &figures{Console: c, csv: w}
}

// rows writes rows. A cell is a text, a count or money.
func (f *figures) rows(rows [][]any) error {
	if f.csv == nil {
		f.table.Rows(rows)
		return f.Failed()
	}
	texts := make([][]string, len(rows))
	for i, row := range rows {
		for _, cell := range row {
			if text, isText := cell.(string); isText {
				cell = console.Disarm(text)
			}
			texts[i] = append(texts[i], fmt.Sprint(cell))
		}
	}
	return f.csv.WriteAll(texts)
}

package table

import (
	"strings"
	"unicode/utf8"
)

// Cell is one cell: its text, and what it says about the state of things.
type Cell struct {
	text   string
	colour string
}

// The escapes of the few colours that carry meaning.
const (
	green = "\x1b[32m"
	red   = "\x1b[31m"
	reset = "\x1b[0m"
)

// Plain is a cell without a judgement.
func Plain(text string) Cell { return Cell{text: text} }

// Good is a cell that stands out because all is well there.
func Good(text string) Cell { return Cell{text: text, colour: green} }

// Bad is a cell that asks for attention.
func Bad(text string) Cell { return Cell{text: text, colour: red} }

// Painted is a cell in the colour of an escape sequence, for a table whose colours mean something else than good and bad.
func Painted(escape, text string) Cell { return Cell{text: text, colour: escape} }

// Table collects rows.
type Table struct {
	paint bool
	rows  [][]Cell
}

// New starts a table with its header. Without paint nothing but text is written.
func New(paint bool, header ...string) *Table {
	t := &Table{paint: paint}
	cells := make([]Cell, len(header))
	for i, title := range header {
		cells[i] = Plain(title)
	}
	t.Row(cells...)
	return t
}

// Row adds a row. Cells that are missing at its end stay empty; an empty text is shown as a dash, so that columns can be counted by eye and by awk.
func (t *Table) Row(cells ...Cell) { t.rows = append(t.rows, cells) }

// String sets the table.
func (t *Table) String() string {
	widths := t.widths()
	var out strings.Builder
	for _, row := range t.rows {
		for i := range widths {
			cell := Plain("-")
			if i < len(row) && row[i].text != "" {
				cell = row[i]
			}
			out.WriteString(t.painted(cell))
			if i < len(widths)-1 {
				out.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell.text)+2))
			}
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func (t *Table) widths() []int {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell.text), 1)
		}
	}
	return widths
}

func (t *Table) painted(cell Cell) string {
	if !t.paint || cell.colour == "" {
		return cell.text
	}
	return cell.colour + cell.text + reset
}

package summary

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// WriteColumns writes rows, the first of which is the head, in aligned
// columns: the first column and those in left to the left, others to the right.
func WriteColumns(w io.Writer, rows [][]string, left ...int) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			if i > 0 {
				b.WriteString("  ")
			}
			if i == 0 || slices.Contains(left, i) {
				b.WriteString(pad(cell, widths[i]))
			} else {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)) + cell)
			}
		}
		line := strings.TrimRight(b.String(), " ")
		fmt.Fprintln(w, line)
		if n == 0 {
			total := 2 * (len(widths) - 1)
			for _, width := range widths {
				total += width
			}
			fmt.Fprintln(w, strings.Repeat("-", total))
		}
	}
}

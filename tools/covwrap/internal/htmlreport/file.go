package htmlreport

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/summary"
)

// branchCount is the branches of one line.
type branchCount struct{ hit, all int }

// writeFile writes the page of one source file, and tells whether the source
// was there.
func (r *report) writeFile(w *bufio.Writer, page, source string, f *cover.File) bool {
	r.writeHead(w, strings.Repeat("../", strings.Count(page, "/")), source, summary.Of(f))
	lines := f.Lines()
	branches := map[uint32]branchCount{}
	for _, b := range r.set.Branches(f) {
		c := branches[b.Line]
		c.all++
		if b.Taken > 0 {
			c.hit++
		}
		branches[b.Line] = c
	}
	w.WriteString("<main>\n")
	writeMissed(w, lines)
	writeFunctions(w, f.Functions())
	text, found := r.readSource(source)
	if !found {
		w.WriteString("<p>The source is not here, only its counts.</p>\n")
	}
	w.WriteString("<table class=\"code\">\n")
	if found {
		for i, line := range text {
			no := uint32(i + 1)
			for len(lines) > 0 && lines[0].No < no {
				lines = lines[1:]
			}
			var count *int64
			if len(lines) > 0 && lines[0].No == no {
				count = &lines[0].Count
			}
			writeLine(w, no, count, branches[no], line)
		}
		// Counts for lines that are not there: another version of the file.
		for len(lines) > 0 && lines[0].No <= uint32(len(text)) {
			lines = lines[1:]
		}
	}
	for i := range lines {
		writeLine(w, lines[i].No, &lines[i].Count, branches[lines[i].No], "")
	}
	w.WriteString("</table></main></body></html>\n")
	return found
}

// writeLine writes one line of the source.
func writeLine(w *bufio.Writer, no uint32, count *int64, br branchCount, text string) {
	class, shown := "", ""
	if count != nil {
		shown = strconv.FormatInt(*count, 10)
		switch {
		case *count == 0:
			class = " class=\"miss\""
		case br.hit < br.all:
			class = " class=\"part\""
		default:
			class = " class=\"hit\""
		}
	}
	if br.all > 0 {
		shown = fmt.Sprintf("<i>%d/%d</i> %s", br.hit, br.all, shown)
	}
	text = strings.TrimSuffix(text, "\r")
	if len(text) > maxLineLength {
		text = strings.ToValidUTF8(text[:maxLineLength], "") + "..."
	}
	fmt.Fprintf(w, "<tr%s id=\"L%d\"><td>%d</td><td>%s</td><td>%s</td></tr>\n", class, no, no, shown, escape(strings.ToValidUTF8(text, "\ufffd")))
}

// writeMissed links to the lines that did not run.
func writeMissed(w *bufio.Writer, lines []cover.Line) {
	const most = 200
	n := 0
	for i := 0; i < len(lines); {
		if lines[i].Count > 0 {
			i++
			continue
		}
		j := i // lines between which nothing ran
		for j+1 < len(lines) && lines[j+1].Count == 0 {
			j++
		}
		switch {
		case n == 0:
			w.WriteString("<p class=\"missed\">not covered:")
		case n == most:
			w.WriteString(" ...")
		}
		if n++; n <= most {
			fmt.Fprintf(w, " <a href=\"#L%d\">%d", lines[i].No, lines[i].No)
			if j > i {
				fmt.Fprintf(w, "-%d", lines[j].No)
			}
			w.WriteString("</a>")
		}
		i = j + 1
	}
	if n > 0 {
		w.WriteString("</p>\n")
	}
}

// writeFunctions lists the functions, those that did not run first.
func writeFunctions(w *bufio.Writer, funcs []cover.Func) {
	if len(funcs) == 0 {
		return
	}
	w.WriteString("<details><summary>functions</summary><table>\n")
	for _, hit := range []bool{false, true} {
		for _, fn := range funcs {
			if !fn.HasLine || fn.Count > 0 != hit {
				continue
			}
			class := "miss"
			if hit {
				class = "hit"
			}
			fmt.Fprintf(w, "<tr class=\"%s\"><td>%d</td><td><a href=\"#L%d\">%s</a></td></tr>\n", class, fn.Count, fn.Line, escape(fn.Name))
		}
	}
	w.WriteString("</table></details>\n")
}

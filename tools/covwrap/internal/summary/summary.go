// Package summary shows coverage as a table that a person reads at a glance.
package summary

import (
	"fmt"
	"io"
	"path"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
)

// Totals counts what can be covered and what was.
type Totals struct {
	Files     int `json:"files"`
	Lines     int `json:"lines"`
	LinesHit  int `json:"lines_hit"`
	Funcs     int `json:"functions"`
	FuncsHit  int `json:"functions_hit"`
	Branch    int `json:"branches"`
	BranchHit int `json:"branches_hit"`
}

// Row is the totals of one package or file.
type Row struct {
	Name string `json:"name"`
	Totals
}

// Table is what a summary shows.
type Table struct {
	Rows  []Row       `json:"rows"`
	Total Totals      `json:"total"`
	Notes cover.Notes `json:"-"`
}

// Of counts one file.
func Of(f *cover.File) Totals {
	t := Totals{Files: 1, Lines: len(f.Lines()), LinesHit: f.HitLines()}
	t.Funcs, t.FuncsHit = f.CountFunctions()
	t.Branch, t.BranchHit = f.CountBranches()
	return t
}

// Add adds u to t.
func (t *Totals) Add(u Totals) {
	t.Files += u.Files
	t.Lines += u.Lines
	t.LinesHit += u.LinesHit
	t.Funcs += u.Funcs
	t.FuncsHit += u.FuncsHit
	t.Branch += u.Branch
	t.BranchHit += u.BranchHit
}

// ByPackage sums up a set per folder. A report does not know where BUILD files
// are, so that folders stand for packages.
func ByPackage(s *cover.Set) Table { return by(s, Package) }

// ByFile sums up a set per source file.
func ByFile(s *cover.Set) Table { return by(s, func(name string) string { return name }) }

// Package is the label of the package that a source file is taken to be in.
func Package(name string) string {
	dir := path.Dir(name)
	switch {
	case path.IsAbs(name):
		return dir
	case dir == ".":
		return "//"
	case strings.HasPrefix(dir, "external/"):
		repo, rest, _ := strings.Cut(strings.TrimPrefix(dir, "external/"), "/")
		return "@" + repo + "//" + rest
	}
	return "//" + dir
}

// by sums up a set by what key says of a file's name.
func by(s *cover.Set, key func(name string) string) Table {
	t := Table{Notes: s.Notes()}
	rows := map[string]*Totals{}
	for _, f := range s.Files() {
		name, _ := cover.SplitName(f.Name)
		k := key(name)
		if rows[k] == nil {
			rows[k] = &Totals{}
		}
		u := Of(f)
		rows[k].Add(u)
		t.Total.Add(u)
	}
	for name, totals := range rows {
		t.Rows = append(t.Rows, Row{name, *totals})
	}
	sort.Slice(t.Rows, func(i, j int) bool { return t.Rows[i].Name < t.Rows[j].Name })
	return t
}

// Percent is hit of all in tenths of a percent, rounded down: only what is
// covered wholly reads as 100.0 %.
func Percent(hit, all int) string {
	if all == 0 {
		return "-"
	}
	tenths := int64(hit) * 1000 / int64(all)
	return fmt.Sprintf("%d.%d%%", tenths/10, tenths%10)
}

// Style says how to write a table.
type Style struct {
	Color bool // colour the percentages
	Max   int  // show at most so many rows (the worst), 0: all
}

// Write writes the table. Columns that have nothing in them are left out.
func (t Table) Write(w io.Writer, what string, st Style) {
	rows, left := t.Rows, 0
	if st.Max > 0 && len(rows) > st.Max {
		rows, left = worst(rows, st.Max), len(rows)-st.Max
	}
	columns := []column{
		{"lines", func(t Totals) (int, int) { return t.LinesHit, t.Lines }},
		{"functions", func(t Totals) (int, int) { return t.FuncsHit, t.Funcs }},
		{"branches", func(t Totals) (int, int) { return t.BranchHit, t.Branch }},
	}
	g := newGrid(what)
	for _, c := range columns {
		if _, all := c.of(t.Total); all > 0 || c.name == "lines" {
			g.columns = append(g.columns, c)
		}
	}
	for _, r := range rows {
		g.add(r)
	}
	g.add(Row{"total", t.Total})
	g.write(w, st.Color)
	if left > 0 {
		fmt.Fprintf(w, "(%d more with better coverage: \"covwrap summary\" shows all)\n", left)
	}
}

// worst picks the n rows with most lines that did not run, in their order.
func worst(rows []Row, n int) []Row {
	byMissed := append([]Row(nil), rows...)
	sort.SliceStable(byMissed, func(i, j int) bool {
		return byMissed[i].Lines-byMissed[i].LinesHit > byMissed[j].Lines-byMissed[j].LinesHit
	})
	byMissed = byMissed[:n]
	sort.Slice(byMissed, func(i, j int) bool { return byMissed[i].Name < byMissed[j].Name })
	return byMissed
}

// column is one kind of thing that can be covered.
type column struct {
	name string
	of   func(Totals) (hit, all int)
}

// grid lays out the rows: name, then per column "hit/all" and percent.
type grid struct {
	what    string
	columns []column
	rows    []Row
}

func newGrid(what string) *grid { return &grid{what: what} }

func (g *grid) add(r Row) { g.rows = append(g.rows, r) }

// write writes the rows with aligned columns; the last one is the total.
func (g *grid) write(w io.Writer, color bool) {
	nameWidth := utf8.RuneCountInString(g.what)
	widths := make([]int, len(g.columns))
	for i, c := range g.columns {
		widths[i] = max(len(c.name)-8, 0)
	}
	for _, r := range g.rows {
		nameWidth = max(nameWidth, utf8.RuneCountInString(r.Name))
		for i, c := range g.columns {
			widths[i] = max(widths[i], len(ratio(c.of(r.Totals))))
		}
	}
	head := pad(g.what, nameWidth)
	for i, c := range g.columns {
		head += fmt.Sprintf("  %*s", widths[i]+8, c.name)
	}
	line := strings.Repeat("-", utf8.RuneCountInString(head))
	fmt.Fprintln(w, strings.TrimRight(head, " "))
	fmt.Fprintln(w, line)
	for i, r := range g.rows {
		if i == len(g.rows)-1 {
			fmt.Fprintln(w, line)
		}
		fmt.Fprint(w, pad(r.Name, nameWidth))
		for i, c := range g.columns {
			hit, all := c.of(r.Totals)
			percent := fmt.Sprintf("%7s", Percent(hit, all))
			if color {
				percent = paint(percent, hit, all)
			}
			fmt.Fprintf(w, "  %*s %s", widths[i], ratio(hit, all), percent)
		}
		fmt.Fprintln(w)
	}
}

// pad fills s with spaces to width columns.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(width-utf8.RuneCountInString(s), 0))
}

// ratio spells hit of all.
func ratio(hit, all int) string {
	if all == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", hit, all)
}

// paint colours a percentage: red below a half, yellow below 80, else green.
func paint(s string, hit, all int) string {
	switch {
	case all == 0:
		return s
	case hit*2 < all:
		return "\x1b[31m" + s + "\x1b[0m"
	case hit*10 < all*8:
		return "\x1b[33m" + s + "\x1b[0m"
	}
	return "\x1b[32m" + s + "\x1b[0m"
}

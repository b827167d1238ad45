package cli

import (
	"fmt"
	"io"
	"sort"

	"github.com/covwrap/covwrap/tools/covwrap/internal/ledger"
	"github.com/covwrap/covwrap/tools/covwrap/internal/lines"
	"github.com/covwrap/covwrap/tools/covwrap/internal/progress"
	"github.com/covwrap/covwrap/tools/covwrap/internal/runner"
	"github.com/covwrap/covwrap/tools/covwrap/internal/summary"
)

const (
	maxRows    = 20 // packages in the summary of a run
	maxMissing = 5  // left-out processes that are explained
)

// writeRunSummary says what a run covered and what it missed.
func writeRunSummary(w io.Writer, r *runner.Report) {
	if len(r.Files) > 0 {
		tableOf(r.Files).Write(w, "package", summary.Style{Color: progress.IsTerminal(w), Max: maxRows})
	}
	fmt.Fprintf(w, "covwrap: %s\n", r.Ledger.Summary())
	writeMissing(w, r.Ledger)
}

// tableOf sums up files per package.
func tableOf(files []lines.File) summary.Table {
	rows := map[string]*summary.Totals{}
	var t summary.Table
	for i := range files {
		f := &files[i]
		hitLines, hitFuncs := f.Hit()
		u := summary.Totals{Files: 1, Lines: len(f.Lines), LinesHit: hitLines, Funcs: len(f.Funcs), FuncsHit: hitFuncs}
		name := summary.Package(f.Name)
		if rows[name] == nil {
			rows[name] = &summary.Totals{}
		}
		rows[name].Add(u)
		t.Total.Add(u)
	}
	for name, u := range rows {
		t.Rows = append(t.Rows, summary.Row{Name: name, Totals: *u})
	}
	sort.Slice(t.Rows, func(i, j int) bool { return t.Rows[i].Name < t.Rows[j].Name })
	return t
}

// writeMissing explains why processes are left out and how to mend it, once
// for each reason.
func writeMissing(w io.Writer, l *ledger.Ledger) {
	said := map[string]bool{}
	for _, m := range l.LeftOut {
		text := m.Why
		if m.Mend != "" {
			text += "; " + m.Mend
		}
		if said[text] || len(said) == maxMissing {
			continue
		}
		said[text] = true
		if m.PID != 0 { // else it is not known, or they are many
			text = fmt.Sprintf("process %d: %s", m.PID, text)
		}
		fmt.Fprintf(w, "covwrap: %s [%s]\n", text, m.Slug)
	}
}

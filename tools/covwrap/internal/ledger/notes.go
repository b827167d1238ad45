package ledger

import (
	"fmt"
	"strings"
)

// maxNotes and maxNote bound what a tracefile carries of the ledger.
const (
	maxNotes = 100
	maxNote  = 300
)

// Notes returns the lines that a tracefile carries, since it is all that comes
// back from a remote test: the totals, and every process that was left out.
// Nothing in them depends on chance; equal runs make equal tracefiles.
func (l *Ledger) Notes() []string {
	notes := []string{fmt.Sprintf("covwrap spawned=%d covered=%d collected=%d", l.SpawnedAtLeast, l.Covered, l.Collected)}
	if more := max(len(l.LeftOut)-maxNotes, 0) + l.LeftOutMore; more > 0 {
		notes[0] += fmt.Sprintf(" more=%d", more)
	}
	for i, m := range l.LeftOut {
		if i == maxNotes {
			break
		}
		n := strings.TrimRight(fmt.Sprintf("covwrap missing %s pid=%d %s", m.Slug, m.PID, strings.Join(m.Argv, " ")), " ")
		n = printable(n)
		if len(n) > maxNote {
			n = strings.ToValidUTF8(n[:maxNote], "")
		}
		notes = append(notes, n)
	}
	return notes
}

// Summary is the accounting in one line: "spawned 5, covered 4, collected 3;
// missing: 12 killed-before-exit (server --port 0)".
func (l *Ledger) Summary() string {
	s := fmt.Sprintf("spawned %d, covered %d, collected %d", l.Spawned, l.Covered, l.Collected)
	for i, m := range l.LeftOut {
		if i == 3 {
			s += fmt.Sprintf(", and %d more", len(l.LeftOut)-3+l.LeftOutMore)
			break
		}
		sep := "; missing: "
		if i > 0 {
			sep = ", "
		}
		s += fmt.Sprintf("%s%d %s", sep, m.PID, m.Slug)
		if len(m.Argv) > 0 {
			a := printable(strings.Join(m.Argv, " "))
			if len(a) > 80 {
				a = strings.ToValidUTF8(a[:80], "") + "..."
			}
			s += " (" + a + ")"
		}
	}
	return s
}

// printable replaces what would end a line or confuse a terminal: arguments may
// hold anything.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

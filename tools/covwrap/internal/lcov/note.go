package lcov

import (
	"bufio"
	"bytes"
	"sort"
	"strconv"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
)

// The launcher tells the report about a test's children in comment lines of
// its tracefile, since nothing else comes back from every kind of remote
// execution. Bazel's own parser, lcov and the services skip such lines.
//
//	#covwrap spawned=12 covered=11 collected=10   counts, added up
//	#covwrap missing SLUG TEXT                    one child that was left out
//
// A merged tracefile has them once, with the number of tests they come from
// and of left-out children that are not named any more:
//
//	#covwrap collected=10 covered=11 spawned=12 more=5 tests=1
const notePrefix = "#covwrap "

// comment reads a comment line.
func (p *Parser) comment(line []byte) {
	rest, ok := bytes.CutPrefix(line, []byte(notePrefix))
	if !ok || p.opt.SkipNotes {
		return
	}
	word, text, _ := bytes.Cut(rest, []byte{' '})
	if string(word) == "missing" {
		p.set.AddMissing(string(text[:min(len(text), maxNote)]))
		return
	}
	tests, counts := int64(1), false
	for _, field := range bytes.Fields(rest) {
		name, value, ok := bytes.Cut(field, []byte{'='})
		n, err := strconv.ParseInt(string(value), 10, 64)
		if !ok || err != nil || n < 0 || len(name) > 32 {
			continue // a later version's note
		}
		counts = true
		switch string(name) {
		case "tests":
			tests = n
		case "more":
			p.set.AddMore(n)
		default:
			p.set.AddNoteCount(string(name), n)
		}
	}
	if counts {
		p.set.AddNoteTests(tests)
	}
}

// writeNotes writes the notes of a set, if it has any.
func writeNotes(w *bufio.Writer, n cover.Notes) {
	if n.Tests == 0 && len(n.Missing) == 0 && n.More == 0 {
		return
	}
	names := make([]string, 0, len(n.Counts))
	for name := range n.Counts {
		names = append(names, name)
	}
	sort.Strings(names)
	w.WriteString("#covwrap")
	for _, name := range names {
		w.WriteString(" " + name + "=" + strconv.FormatInt(n.Counts[name], 10))
	}
	if n.More > 0 {
		w.WriteString(" more=" + strconv.FormatInt(n.More, 10))
	}
	w.WriteString(" tests=" + strconv.FormatInt(n.Tests, 10) + "\n")
	for _, text := range n.Missing {
		w.WriteString(notePrefix + "missing " + text + "\n")
	}
}

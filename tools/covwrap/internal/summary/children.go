package summary

import (
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
)

// maxNamed is how many things of one kind are named.
const maxNamed = 5

// WriteUnmeasured says which source files no test touched: code of which not
// even the number of lines is known, so that no percentage counts it.
func WriteUnmeasured(w io.Writer, names []string) {
	if len(names) == 0 {
		return
	}
	fmt.Fprintf(w, "not measured: %s that no test touched, counted in no percentage\n", plural(int64(len(names)), "source file"))
	writeSome(w, names)
}

// writeSome writes the first few of some names.
func writeSome(w io.Writer, names []string) {
	for i, name := range names {
		if i == maxNamed {
			fmt.Fprintf(w, "  and %d more\n", len(names)-i)
			break
		}
		fmt.Fprintf(w, "  %s\n", printable(name))
	}
}

// WriteChildren says how many processes the tests started and what became of
// their counters. Without notes of a launcher it writes nothing.
func WriteChildren(w io.Writer, n cover.Notes) {
	if n.Tests == 0 && len(n.Missing) == 0 {
		return
	}
	fmt.Fprintf(w, "children: %d spawned, %d covered, %d collected, in %s under the launcher\n",
		n.Counts["spawned"], n.Counts["covered"], n.Counts["collected"], plural(n.Tests, "test"))
	var slugs []string
	bySlug := map[string][]string{}
	for _, text := range n.Missing {
		slug, rest, _ := strings.Cut(text, " ")
		if bySlug[slug] == nil {
			slugs = append(slugs, slug)
		}
		bySlug[slug] = append(bySlug[slug], rest)
	}
	sort.Strings(slugs)
	for _, slug := range slugs {
		texts := bySlug[slug]
		fmt.Fprintf(w, "left out: %d [%s]; docs/messages.md says how to mend it\n", len(texts), slug)
		writeSome(w, texts)
	}
	if n.More > 0 {
		fmt.Fprintf(w, "left out: %d more that are not named here; the tests' ledgers name all\n", n.More)
	}
}

// plural spells a number of things.
func plural(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// printable replaces what would confuse a terminal: the text is a program's
// arguments, which may hold anything.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
}

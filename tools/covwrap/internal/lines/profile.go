package lines

import (
	"bufio"
	"cmp"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
	"github.com/covwrap/covwrap/tools/covwrap/internal/tally"
)

// WriteProfile writes Go's text profile, which "go tool cover" and most
// services read: files by Go's own names, sorted, blocks by position. mode is
// the word in its first line; in mode "set" every count is 0 or 1.
func WriteProfile(w io.Writer, mode covdata.Mode, packages []*tally.Package) error {
	byName := map[string][]fn{}
	for _, p := range packages {
		for i, f := range p.Funcs {
			byName[f.File] = append(byName[f.File], fn{f.Name, f.Units, p.Func(i)})
		}
	}
	names := make([]string, 0, len(byName))
	for n := range byName {
		names = append(names, n)
	}
	slices.Sort(names)
	b := bufio.NewWriter(w)
	b.WriteString("mode: " + mode.String() + "\n")
	type block struct {
		covdata.Unit
		count uint64
	}
	var blocks []block
	var line []byte
	for _, n := range names {
		blocks = blocks[:0]
		for _, f := range merge(byName[n]) {
			for i, u := range f.units {
				blocks = append(blocks, block{u, f.counts[i]})
			}
		}
		slices.SortStableFunc(blocks, func(a, b block) int {
			return cmp.Or(cmp.Compare(a.StartLine, b.StartLine), cmp.Compare(a.EndLine, b.EndLine),
				cmp.Compare(a.StartCol, b.StartCol), cmp.Compare(a.EndCol, b.EndCol), cmp.Compare(a.Stmts, b.Stmts))
		})
		for _, u := range blocks {
			// Go's own readers keep counts in 32 bits.
			count := min(u.count, math.MaxUint32)
			if mode == covdata.ModeSet {
				count = min(count, 1)
			}
			line = append(line[:0], n...)
			for _, part := range []struct {
				sep byte
				v   uint64
			}{{':', uint64(u.StartLine)}, {'.', uint64(u.StartCol)}, {',', uint64(u.EndLine)}, {'.', uint64(u.EndCol)}, {' ', uint64(u.Stmts)}, {' ', count}} {
				line = strconv.AppendUint(append(line, part.sep), part.v, 10)
			}
			b.Write(append(line, '\n'))
		}
	}
	return b.Flush()
}

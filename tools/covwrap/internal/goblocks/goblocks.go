// Package goblocks turns Go's blocks from one form into another: counters of
// binaries, text profiles, lines.
package goblocks

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/covwrap/covwrap/tools/covwrap/internal/collect"
	"github.com/covwrap/covwrap/tools/covwrap/internal/lines"
	"github.com/covwrap/covwrap/tools/covwrap/internal/textprofile"
)

// maxLine is the largest number of a line that is believed: a profile that
// claims a block of four billion lines is not a profile of source code.
const maxLine = 1 << 20

// Join adds all of from to to. Counts of different modes do not add up: the
// error says so.
func Join(to, from *textprofile.Profile) error {
	if from.Mode == "" {
		return nil
	}
	if to.Mode == "" {
		to.Mode = from.Mode
	}
	if to.Mode != from.Mode && (to.Mode == "set" || from.Mode == "set") {
		return fmt.Errorf("profiles of mode %s and of mode %s cannot be added up", to.Mode, from.Mode)
	}
	for _, b := range from.Blocks() {
		n, _ := from.Count(b)
		to.Add(b, n)
	}
	return nil
}

// AddPackages adds the blocks of a collection. Its mode is that of its first
// binary.
func AddPackages(to *textprofile.Profile, r *collect.Result) error {
	if len(r.Binaries) == 0 {
		return nil
	}
	p := &textprofile.Profile{Mode: r.Binaries[0].Mode}
	for _, b := range r.Binaries {
		if b.Mode != p.Mode && (b.Mode == "set" || p.Mode == "set") {
			return fmt.Errorf("binaries of mode %s and of mode %s cannot be added up", p.Mode, b.Mode)
		}
	}
	for _, pkg := range r.Packages {
		for i := range pkg.Funcs {
			fn := &pkg.Funcs[i]
			for k, count := range pkg.Func(i) {
				u := fn.Units[k]
				p.Add(textprofile.Block{
					File: fn.File, StartLine: int(u.StartLine), StartCol: int(u.StartCol),
					EndLine: int(u.EndLine), EndCol: int(u.EndCol), Stmts: int(u.Stmts),
				}, count)
			}
		}
	}
	return Join(to, p)
}

// Lines turns a text profile into lines, as package lines does it for
// counters: a line's count is the greatest of the blocks that touch it.
func Lines(p *textprofile.Profile) []lines.File {
	var files []lines.File
	counts := map[uint32]uint64{}
	finish := func() {
		if len(files) == 0 {
			return
		}
		f := &files[len(files)-1]
		for no, n := range counts {
			f.Lines = append(f.Lines, lines.Line{No: no, Count: n})
		}
		slices.SortFunc(f.Lines, func(a, b lines.Line) int { return cmp.Compare(a.No, b.No) })
		clear(counts)
	}
	for _, b := range p.Blocks() {
		if b.Stmts == 0 || b.StartLine < 1 || b.EndLine > maxLine {
			continue
		}
		if len(files) == 0 || files[len(files)-1].Name != b.File {
			finish()
			files = append(files, lines.File{Name: b.File})
		}
		n, _ := p.Count(b)
		for no := b.StartLine; no <= b.EndLine; no++ {
			counts[uint32(no)] = max(counts[uint32(no)], n)
		}
	}
	finish()
	return files
}

// Package lines turns sums per block into what tracefiles hold: counts per
// line and per function.
//
// A block covers the lines from its first to its last one, and a line's count
// is the greatest of the blocks that touch it, as rules_go and Go's own
// "cover" have it. Blocks without a statement (an empty body) have nothing to
// cover and are left out, and so is a function that has no others.
package lines

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
	"github.com/covwrap/covwrap/tools/covwrap/internal/tally"
)

// File is the coverage of one source file.
type File struct {
	Name  string
	Funcs []Func // by line, then name
	Lines []Line // by number
}

// Func is a function. Its name is unique in its file and has no comma, which
// would end it in a tracefile.
type Func struct {
	Line  uint32
	Name  string
	Count uint64 // how often it was called
}

// Line is a line that has code.
type Line struct {
	No    uint32
	Count uint64
}

// Hit returns how many lines and functions ran.
func (f *File) Hit() (lines, funcs int) {
	for _, l := range f.Lines {
		if l.Count > 0 {
			lines++
		}
	}
	for _, fn := range f.Funcs {
		if fn.Count > 0 {
			funcs++
		}
	}
	return lines, funcs
}

// The counters of a hostile process come with meta-data that may claim a block
// of four billion lines, and as many such blocks as it likes: maxLines bounds
// the lines of one file, maxSteps the work on it and maxTotal the lines of all.
const (
	maxLines = 1 << 20
	maxSteps = 8 * maxLines
	maxTotal = 16 * maxLines
)

// fn is a function of one or several binaries with its sums.
type fn struct {
	name   string
	units  []covdata.Unit
	counts []uint64
}

// Files returns the coverage of all source files in the packages, sorted by
// name. name translates Go's name of a file; files that get the same name
// become one. Where packages have the same block of the same function of a
// file its sums are added before they become lines: they are two builds of one
// source. Files that claim too many lines are left out and returned in refused.
func Files(packages []*tally.Package, name func(string) string) (files []File, refused []error) {
	byName := map[string][]fn{}
	for _, p := range packages {
		for i, f := range p.Funcs {
			n := name(f.File)
			byName[n] = append(byName[n], fn{f.Name, f.Units, p.Func(i)})
		}
	}
	names := make([]string, 0, len(byName))
	for n := range byName {
		names = append(names, n)
	}
	slices.Sort(names)
	total := 0
	for _, n := range names {
		f, err := file(n, merge(byName[n]))
		if total += len(f.Lines); err == nil && total > maxTotal {
			err = fmt.Errorf("%s: more than %d lines in all files up to this one; no program is that long", n, maxTotal)
			total -= len(f.Lines)
		}
		if err != nil {
			refused = append(refused, err)
			continue
		}
		files = append(files, f)
	}
	return files, refused
}

// merge adds up functions that several builds of one source have in common.
func merge(fns []fn) []fn {
	type place struct {
		name string
		unit covdata.Unit // the first
	}
	seen := map[place]int{}
	out := fns[:0:0]
	for _, f := range fns {
		if len(f.units) == 0 {
			continue
		}
		at := place{f.name, f.units[0]}
		i, ok := seen[at]
		if !ok {
			seen[at] = len(out)
			out = append(out, f)
			continue
		}
		out[i] = add(out[i], f)
	}
	return out
}

// add returns the sum of two versions of a function. Blocks that only one of
// them has stay.
func add(a, b fn) fn {
	sum := fn{a.name, slices.Clone(a.units), slices.Clone(a.counts)}
	index := make(map[covdata.Unit]int, len(a.units))
	for i, u := range a.units {
		index[u] = i
	}
	for i, u := range b.units {
		j, ok := index[u]
		if !ok {
			sum.units, sum.counts = append(sum.units, u), append(sum.counts, b.counts[i])
			continue
		}
		if c := sum.counts[j] + b.counts[i]; c >= b.counts[i] {
			sum.counts[j] = c
		} else {
			sum.counts[j] = math.MaxUint64
		}
	}
	return sum
}

// file makes the lines of one source file.
func file(name string, fns []fn) (File, error) {
	f := File{Name: name}
	var counts []uint64 // by line: 1 + its count, 0 where there is no code
	steps, total := 0, 0
	names := map[string]int{}
	for _, fn := range fns {
		names[fn.name]++
	}
	for _, fn := range fns {
		some, hit := false, uint64(0)
		for i, u := range fn.units {
			if u.Stmts == 0 || u.EndLine < u.StartLine || u.StartLine == 0 {
				continue
			}
			if u.EndLine > maxLines {
				return f, fmt.Errorf("%s: a block of %s claims the lines %d to %d; no source is that long", name, fn.name, u.StartLine, u.EndLine)
			}
			if steps += int(u.EndLine - u.StartLine); steps > maxSteps {
				return f, fmt.Errorf("%s: its blocks claim more than %d lines; no source is that long", name, maxSteps)
			}
			for len(counts) <= int(u.EndLine) {
				counts = append(counts, 0)
			}
			count := min(fn.counts[i], math.MaxUint64-1)
			some, hit = true, max(hit, count)
			for l := u.StartLine; l <= u.EndLine; l++ {
				if counts[l] == 0 {
					total++
				}
				counts[l] = max(counts[l], count+1)
			}
		}
		if !some {
			continue
		}
		// Consumers refuse a function that was called without a line that
		// ran, and the reverse; a process killed between two counters of one
		// function can leave either.
		called := fn.counts[0]
		if called == 0 || hit == 0 {
			called = hit
		}
		f.Funcs = append(f.Funcs, Func{fn.units[0].StartLine, unique(fn, names), called})
	}
	f.Lines = make([]Line, 0, total)
	for no, c := range counts {
		if c > 0 {
			f.Lines = append(f.Lines, Line{uint32(no), c - 1})
		}
	}
	slices.SortStableFunc(f.Funcs, func(a, b Func) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Name, b.Name))
	})
	return f, nil
}

// unique returns a name that no other function of the file has: a file may
// have any number of functions init, and the names of methods of generic types
// lack the type. Those get their position, spelled as Go spells function
// literals.
func unique(f fn, names map[string]int) string {
	name := f.name
	if names[name] > 1 {
		name = fmt.Sprintf("%s.L%d.C%d", name, f.units[0].StartLine, f.units[0].StartCol)
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case ',':
			return ';'
		case '\n', '\r':
			return ' '
		}
		return r
	}, name)
}

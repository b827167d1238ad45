package cover

import (
	"cmp"
	"slices"
	"sync"
)

// Line is one instrumented line. Count is never negative.
type Line struct {
	No    uint32
	Count int64
}

// Branch is one outcome of one condition, known by line, block and branch
// (block and branch as Set.BranchName spells them).
type Branch struct {
	Line, Block, Branch uint32
	Taken               int64
	Evaluated           bool // false: the condition was never reached ("-")
}

// Func is one function, known by its name. A tracefile may give its line and
// its count in either order, or only one of them.
type Func struct {
	Name  string
	Line  uint32
	Count int64
	// HasLine and HasCount tell what was given: a function with a count and
	// no line cannot be placed in the file.
	HasLine, HasCount bool
}

// File is the merged record of one source file.
type File struct {
	Name string

	mu       sync.Mutex // held by the one Cursor that adds to the file
	lines    []Line     // sorted by No
	branches []Branch   // sorted by compareBranch
	funcs    []Func     // in the order of their first appearance
	index    map[string]int32
	test     string // the test's name (TN) if all that was read has one
	tests    bool   // more than one name was seen
	// saturated is one more than the number of the first line whose count
	// reached MaxCount, 0 if none did.
	saturated uint32
}

// Lines returns the instrumented lines in order. Not to be changed.
func (f *File) Lines() []Line { return f.lines }

// Functions returns the functions sorted by name. Not to be changed.
func (f *File) Functions() []Func {
	if !slices.IsSortedFunc(f.funcs, compareFunc) {
		slices.SortFunc(f.funcs, compareFunc)
		f.index = nil
	}
	return f.funcs
}

// Test is the name of the test that all of the file's records came from, or
// "" when there was none or more than one.
func (f *File) Test() string {
	if f.tests {
		return ""
	}
	return f.test
}

// Saturated returns the first line whose count is larger than MaxCount.
func (f *File) Saturated() (line uint32, ok bool) { return f.saturated - 1, f.saturated > 0 }

// HitLines counts the lines that ran.
func (f *File) HitLines() int {
	n := 0
	for i := range f.lines {
		if f.lines[i].Count > 0 {
			n++
		}
	}
	return n
}

// CountFunctions counts the functions that can be placed, and those of them
// that ran.
func (f *File) CountFunctions() (found, hit int) {
	for i := range f.funcs {
		if !f.funcs[i].HasLine {
			continue
		}
		found++
		if f.funcs[i].Count > 0 {
			hit++
		}
	}
	return found, hit
}

// CountBranches counts the branches, and those of them that were taken.
func (f *File) CountBranches() (found, hit int) {
	for i := range f.branches {
		if f.branches[i].Taken > 0 {
			hit++
		}
	}
	return len(f.branches), hit
}

// add adds all of g, which no one else may use any more.
func (f *File) add(g *File) {
	c := Open(f)
	defer c.Close()
	if g.tests {
		f.tests = true
	} else {
		c.SetTest([]byte(g.test))
	}
	for _, l := range g.lines {
		c.AddLine(l.No, l.Count)
	}
	for _, b := range g.branches {
		c.AddBranch(b)
	}
	for i := range g.funcs {
		fn := &g.funcs[i]
		if fn.HasLine {
			c.AddFuncLine([]byte(fn.Name), fn.Line)
		}
		if fn.HasCount {
			c.AddFuncCount([]byte(fn.Name), fn.Count)
		}
	}
	if g.saturated != 0 && (f.saturated == 0 || g.saturated < f.saturated) {
		f.saturated = g.saturated
	}
}

// saturate notes that the count of line reached MaxCount.
func (f *File) saturate(line uint32) {
	if f.saturated == 0 || line+1 < f.saturated {
		f.saturated = line + 1
	}
}

// sum adds two counts; ok is false if the result is MaxCount for want of room.
func sum(a, b int64) (s int64, ok bool) {
	if s = a + b; s < 0 {
		return MaxCount, false
	}
	return s, true
}

func compareFunc(a, b Func) int { return cmp.Compare(a.Name, b.Name) }

// compareBranch orders by line, then block, then branch. Plain numbers come in
// numeric order, names after them in the order of interning (output sorts
// those by spelling; see Set.Branches).
func compareBranch(a, b Branch) int {
	if a.Line != b.Line {
		return cmp.Compare(a.Line, b.Line)
	}
	if a.Block != b.Block {
		return cmp.Compare(a.Block, b.Block)
	}
	return cmp.Compare(a.Branch, b.Branch)
}

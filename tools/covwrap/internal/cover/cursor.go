package cover

import (
	"cmp"
	"slices"
	"sort"
)

// flushAt bounds what a Cursor keeps aside, so that one endless record with
// the same lines again and again cannot fill the memory.
const flushAt = 1 << 14

// Cursor adds one record to a File. Records of one source file nearly always
// list the same lines, functions and branches in the same order, so a cursor
// remembers where the previous addition went and looks at the next place
// first: in the common case an addition is one comparison.
//
// A Cursor holds the File's lock from Open to Close.
type Cursor struct {
	f               *File
	line, branch    int // where the next one is expected
	fnLine, fnCount int
	first           []Line   // the lines of a file that had none, in order
	newLines        []Line   // lines that are not in the file yet, unsorted
	newBranches     []Branch // likewise
	room            []Line   // for the lines of the next files
}

// Open starts a record of f. The zero Cursor has none.
func Open(f *File) Cursor {
	f.mu.Lock()
	return Cursor{f: f}
}

// Reopen is Open that keeps the room for new things of the previous record.
func (c *Cursor) Reopen(f *File) {
	f.mu.Lock()
	*c = Cursor{f: f, first: c.first[:0], newLines: c.newLines[:0], newBranches: c.newBranches[:0], room: c.room}
}

// IsOpen tells whether a record is open.
func (c *Cursor) IsOpen() bool { return c.f != nil }

// File is the file whose record is open.
func (c *Cursor) File() *File { return c.f }

// Close ends the record.
func (c *Cursor) Close() {
	if c.f == nil {
		return
	}
	c.flush()
	f := c.f
	c.f = nil
	f.mu.Unlock()
}

// SetTest names the test that the record comes from.
func (c *Cursor) SetTest(name []byte) {
	f := c.f
	switch {
	case len(name) == 0 || f.tests || f.test == string(name):
	case f.test == "":
		f.test = string(name)
	default:
		f.tests, f.test = true, ""
	}
}

// AddLine adds count, which is not negative, to line no.
func (c *Cursor) AddLine(no uint32, count int64) {
	if lines := c.f.lines; c.line < len(lines) && lines[c.line].No == no {
		l := &lines[c.line]
		c.line++
		if l.Count += count; l.Count < 0 {
			l.Count = MaxCount
			c.f.saturate(no)
		}
		return
	}
	c.addLineElsewhere(no, count)
}

// addLineElsewhere is AddLine for a line that is not where it was expected.
func (c *Cursor) addLineElsewhere(no uint32, count int64) {
	lines := c.f.lines
	if len(lines) == 0 {
		// A file's first record nearly always has all its lines, in order:
		// gather them, so that the file gets exactly the room it needs.
		if n := len(c.first); n == 0 || c.first[n-1].No < no {
			c.first = append(c.first, Line{no, count})
			return
		}
		c.keepAside(no, count)
		return
	}
	if n := len(lines); lines[n-1].No < no {
		c.f.lines = append(lines, Line{no, count})
		c.line = n + 1
		return
	}
	i := sort.Search(len(lines), func(i int) bool { return lines[i].No >= no })
	if i < len(lines) && lines[i].No == no {
		c.line = i
		c.AddLine(no, count)
		return
	}
	c.line = i
	c.keepAside(no, count)
}

// keepAside adds a line that is not where the order wants it.
func (c *Cursor) keepAside(no uint32, count int64) {
	if c.newLines = append(c.newLines, Line{no, count}); len(c.newLines) >= flushAt {
		c.flush()
	}
}

// Tail returns the lines of the file from the expected one on, for a parser
// that adds to them in its own loop: add to Count of the first, check that it
// is still not negative (else set MaxCount and call Saturate), and go on with the next. After
// that, Advance must be told how many lines were used.
func (c *Cursor) Tail() []Line {
	if c.f == nil {
		return nil
	}
	return c.f.lines[min(c.line, len(c.f.lines)):]
}

// Advance says that n lines of the Tail were added to.
func (c *Cursor) Advance(n int) { c.line += n }

// Saturate notes that the count given for line was too large to read.
func (c *Cursor) Saturate(line uint32) { c.f.saturate(line) }

// AddFuncLine says that the function name begins at line. If inputs differ,
// the smallest line wins, since that does not depend on their order.
func (c *Cursor) AddFuncLine(name []byte, line uint32) {
	i := c.find(name, c.fnLine)
	c.fnLine = i + 1
	fn := &c.f.funcs[i]
	if !fn.HasLine || line < fn.Line {
		fn.Line, fn.HasLine = line, true
	}
}

// AddFuncCount adds count to the function name.
func (c *Cursor) AddFuncCount(name []byte, count int64) {
	i := c.find(name, c.fnCount)
	c.fnCount = i + 1
	fn := &c.f.funcs[i]
	fn.HasCount = true
	var ok bool
	if fn.Count, ok = sum(fn.Count, count); !ok {
		c.f.saturate(fn.Line)
	}
}

// find returns the place of the function name, which is made if absent; i is
// where it is expected.
func (c *Cursor) find(name []byte, i int) int {
	f := c.f
	if i < len(f.funcs) && f.funcs[i].Name == string(name) {
		return i
	}
	if f.index == nil {
		// Most files have few functions, and a merge may hold millions of
		// files: no map for those.
		if len(f.funcs) < 8 {
			for i := range f.funcs {
				if f.funcs[i].Name == string(name) {
					return i
				}
			}
			f.funcs = append(f.funcs, Func{Name: string(name)})
			return len(f.funcs) - 1
		}
		f.index = make(map[string]int32, len(f.funcs)+1)
		for i := range f.funcs {
			f.index[f.funcs[i].Name] = int32(i)
		}
	}
	if i, ok := f.index[string(name)]; ok {
		return int(i)
	}
	fn := Func{Name: string(name)}
	f.index[fn.Name] = int32(len(f.funcs))
	f.funcs = append(f.funcs, fn)
	return len(f.funcs) - 1
}

// AddBranch adds one branch.
func (c *Cursor) AddBranch(b Branch) {
	bs := c.f.branches
	if c.branch >= len(bs) || compareBranch(bs[c.branch], b) != 0 {
		if n := len(bs); n == 0 || compareBranch(bs[n-1], b) < 0 {
			c.f.branches = append(bs, b)
			c.branch = n + 1
			return
		}
		i, found := slices.BinarySearchFunc(bs, b, compareBranch)
		c.branch = i
		if !found {
			if c.newBranches = append(c.newBranches, b); len(c.newBranches) >= flushAt {
				c.flush()
			}
			return
		}
	}
	c.f.addTo(&bs[c.branch], b)
	c.branch++
}

// addTo adds b to a, the same branch.
func (f *File) addTo(a *Branch, b Branch) {
	a.Evaluated = a.Evaluated || b.Evaluated
	var ok bool
	if a.Taken, ok = sum(a.Taken, b.Taken); !ok {
		f.saturate(a.Line)
	}
}

// flush sorts what was kept aside into the file.
func (c *Cursor) flush() {
	f := c.f
	switch n := len(c.first); {
	case n > flushAt: // too much to keep twice
		f.lines, c.first = c.first, nil
	case n > 0:
		f.lines = append(c.makeLines(n), c.first...)
		c.first = c.first[:0]
	}
	if len(c.newLines) > 0 {
		f.lines = mergeSorted(f.lines, c.newLines,
			func(a, b Line) int { return cmp.Compare(a.No, b.No) },
			func(a *Line, b Line) {
				var ok bool
				if a.Count, ok = sum(a.Count, b.Count); !ok {
					f.saturate(a.No)
				}
			})
		c.newLines = c.newLines[:0]
	}
	if len(c.newBranches) > 0 {
		f.branches = mergeSorted(f.branches, c.newBranches, compareBranch, f.addTo)
		c.newBranches = c.newBranches[:0]
	}
}

// makeLines returns room for n lines. Millions of small files would each cost
// the garbage collector as much as a large one, so they share.
func (c *Cursor) makeLines(n int) []Line {
	const shared = 512
	if n > shared/8 {
		return make([]Line, 0, n)
	}
	if len(c.room) < n {
		c.room = make([]Line, shared)
	}
	lines := c.room[:0:n]
	c.room = c.room[n:]
	return lines
}

// mergeSorted returns old, sorted and without equals, with the elements of
// extra sorted in; equals are added up.
func mergeSorted[T any](old, extra []T, compare func(a, b T) int, add func(a *T, b T)) []T {
	slices.SortFunc(extra, compare)
	all := make([]T, 0, len(old)+len(extra))
	for len(old) > 0 || len(extra) > 0 {
		var next T
		if len(extra) == 0 || len(old) > 0 && compare(old[0], extra[0]) <= 0 {
			next, old = old[0], old[1:]
		} else {
			next, extra = extra[0], extra[1:]
		}
		if n := len(all); n > 0 && compare(all[n-1], next) == 0 {
			add(&all[n-1], next)
		} else {
			all = append(all, next)
		}
	}
	return all
}

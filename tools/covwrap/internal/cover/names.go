package cover

import (
	"cmp"
	"slices"
	"strconv"
	"sync"
)

// named marks a block or branch that is an index into the nameTable, not a
// plain number.
const named = 1 << 31

// nameTable interns the names of blocks and branches.
type nameTable struct {
	mu    sync.Mutex
	ids   map[string]uint32
	names []string
}

// BranchID returns the number that stands for a block or branch. Plain
// decimal numbers stand for themselves.
func (s *Set) BranchID(name []byte) uint32 {
	if n, ok := plainNumber(name); ok {
		return n
	}
	t := &s.names
	t.mu.Lock()
	defer t.mu.Unlock()
	id, ok := t.ids[string(name)]
	if !ok {
		if t.ids == nil {
			t.ids = map[string]uint32{}
		}
		id = named | uint32(len(t.names))
		t.names = append(t.names, string(name))
		t.ids[string(name)] = id
	}
	return id
}

// BranchName spells a block or branch as the inputs did.
func (s *Set) BranchName(id uint32) string {
	if id&named == 0 {
		return strconv.FormatUint(uint64(id), 10)
	}
	s.names.mu.Lock()
	defer s.names.mu.Unlock()
	return s.names.names[id&^named]
}

// plainNumber parses a decimal number below 1<<31 that has no other spelling.
func plainNumber(b []byte) (uint32, bool) {
	if len(b) == 0 || len(b) > 10 || b[0] == '0' && len(b) > 1 {
		return 0, false
	}
	n := uint64(0)
	for _, d := range b {
		if d < '0' || d > '9' {
			return 0, false
		}
		n = n*10 + uint64(d-'0')
	}
	return uint32(n), n < named
}

// Branches returns the branches of f in order of line, block and branch.
// Numbers come before names. Not to be changed.
func (s *Set) Branches(f *File) []Branch {
	if !slices.ContainsFunc(f.branches, func(b Branch) bool { return (b.Block|b.Branch)&named != 0 }) {
		return f.branches
	}
	sorted := slices.Clone(f.branches)
	slices.SortFunc(sorted, func(a, b Branch) int {
		if a.Line != b.Line {
			return cmp.Compare(a.Line, b.Line)
		}
		if c := s.compareNames(a.Block, b.Block); c != 0 {
			return c
		}
		return s.compareNames(a.Branch, b.Branch)
	})
	return sorted
}

// compareNames orders numbers before names, and names by spelling, not by the
// order in which parallel parsers happened to meet them.
func (s *Set) compareNames(a, b uint32) int {
	if a&b&named == 0 {
		return cmp.Compare(a, b)
	}
	return cmp.Compare(s.BranchName(a), s.BranchName(b))
}

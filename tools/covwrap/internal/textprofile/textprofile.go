// Package textprofile reads and writes Go's text coverage profiles, what
// "go test -coverprofile" writes and "go tool cover" reads:
//
//	mode: set
//	example.com/m/p/x.go:3.13,5.2 1 7
//	<file>:<line>.<column>,<line>.<column> <statements> <count>
//
// One block may have any number of lines; readers merge them. Written
// profiles have one line a block, sorted by file and position.
package textprofile

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Block is one block of statements.
type Block struct {
	File      string // import path and base name
	StartLine int
	StartCol  int
	EndLine   int
	EndCol    int
	Stmts     int
}

// Profile is the content of one or several profiles. The zero value is empty.
type Profile struct {
	Mode   string // "set", "count" or "atomic"; "" while nothing was read
	counts map[Block]uint64
}

// maxLine bounds one line: a file name and six numbers.
const maxLine = 1 << 20

// Read reads a profile and returns it. name is the file's, for errors, which
// also name the line. An empty input is an empty profile: the go command
// leaves one behind when no package was tested.
func Read(name string, r io.Reader) (*Profile, error) {
	p := &Profile{counts: map[Block]uint64{}}
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	n := 0
	for s.Scan() {
		n++
		line := strings.TrimSuffix(s.Text(), "\r")
		if line == "" {
			continue
		}
		if mode, ok := strings.CutPrefix(line, "mode: "); ok {
			if mode != "set" && mode != "count" && mode != "atomic" {
				return nil, fmt.Errorf("%s:%d: mode %q is none of set, count, atomic", name, n, mode)
			}
			if p.Mode != "" && p.Mode != mode {
				return nil, fmt.Errorf("%s:%d: mode %q after mode %q; a profile has one mode", name, n, mode, p.Mode)
			}
			p.Mode = mode
			continue
		}
		if p.Mode == "" {
			return nil, fmt.Errorf("%s:%d: not a Go coverage profile: it begins with %.40q instead of \"mode: \"", name, n, line)
		}
		b, count, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		p.Add(b, count)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, n+1, err)
	}
	return p, nil
}

// parseLine reads "file:sl.sc,el.ec stmts count"; the file may contain colons
// and spaces.
func parseLine(line string) (b Block, count uint64, err error) {
	bad := func(what string) (Block, uint64, error) {
		return Block{}, 0, fmt.Errorf("%s in %.200q; expected file:line.column,line.column statements count", what, line)
	}
	rest, last, ok := cutLast(line, " ")
	if !ok {
		return bad("no count")
	}
	if count, err = strconv.ParseUint(last, 10, 64); err != nil {
		return bad("count is no number")
	}
	rest, last, ok = cutLast(rest, " ")
	if !ok {
		return bad("no number of statements")
	}
	if b.Stmts, err = number(last); err != nil {
		return bad("statements are no number")
	}
	file, pos, ok := cutLast(rest, ":")
	if !ok || file == "" {
		return bad("no file name")
	}
	b.File = file
	start, end, ok := strings.Cut(pos, ",")
	if !ok {
		return bad("no end position")
	}
	for _, p := range []struct {
		s         string
		line, col *int
	}{{start, &b.StartLine, &b.StartCol}, {end, &b.EndLine, &b.EndCol}} {
		l, c, ok := strings.Cut(p.s, ".")
		if !ok {
			return bad("no column")
		}
		if *p.line, err = number(l); err != nil {
			return bad("line is no number")
		}
		if *p.col, err = number(c); err != nil {
			return bad("column is no number")
		}
	}
	return b, count, nil
}

// number reads a non-negative decimal number of at most 31 bits.
func number(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// Add adds count to a block: in mode set it is an or, else a sum that stops at
// the largest number.
func (p *Profile) Add(b Block, count uint64) {
	if p.counts == nil {
		p.counts = map[Block]uint64{}
	}
	old := p.counts[b]
	switch {
	case p.Mode == "set":
		p.counts[b] = min(1, old|count)
	case old > math.MaxUint64-count:
		p.counts[b] = math.MaxUint64
	default:
		p.counts[b] = old + count
	}
}

// AtLeast raises every block of p to the count that q has for it, and adds the
// blocks that only q has. It joins two views of the same run, of which q may
// have seen less of what ran but more of what did not. The modes must agree,
// unless one of the two is empty.
func (p *Profile) AtLeast(q *Profile) error {
	if q.Mode == "" {
		return nil
	}
	if p.Mode == "" {
		p.Mode = q.Mode
	}
	if p.Mode != q.Mode {
		return fmt.Errorf("profiles of mode %q and of mode %q cannot be joined; build all with one -covermode", p.Mode, q.Mode)
	}
	if p.counts == nil {
		p.counts = map[Block]uint64{}
	}
	for b, n := range q.counts {
		p.counts[b] = max(p.counts[b], n)
	}
	return nil
}

// Count returns the block's count; ok is false for a block that is not there.
func (p *Profile) Count(b Block) (n uint64, ok bool) {
	n, ok = p.counts[b]
	return n, ok
}

// Blocks returns all blocks sorted by file, then position.
func (p *Profile) Blocks() []Block {
	blocks := make([]Block, 0, len(p.counts))
	for b := range p.counts {
		blocks = append(blocks, b)
	}
	slices.SortFunc(blocks, compare)
	return blocks
}

func compare(a, b Block) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.StartLine, b.StartLine), cmp.Compare(a.StartCol, b.StartCol),
		cmp.Compare(a.EndLine, b.EndLine), cmp.Compare(a.EndCol, b.EndCol), cmp.Compare(a.Stmts, b.Stmts))
}

// Statements returns how many statements the profile has and how many ran.
func (p *Profile) Statements() (ran, all uint64) {
	for b, n := range p.counts {
		all += uint64(b.Stmts)
		if n > 0 {
			ran += uint64(b.Stmts)
		}
	}
	return ran, all
}

// Write writes the profile. An empty one has the line "mode: set", which
// "go tool cover" accepts.
func (p *Profile) Write(w io.Writer) error {
	bw := bufio.NewWriter(w)
	mode := p.Mode
	if mode == "" {
		mode = "set"
	}
	fmt.Fprintf(bw, "mode: %s\n", mode)
	for _, b := range p.Blocks() {
		fmt.Fprintf(bw, "%s:%d.%d,%d.%d %d %d\n", b.File, b.StartLine, b.StartCol, b.EndLine, b.EndCol, b.Stmts, p.counts[b])
	}
	return bw.Flush()
}

// Package tally adds up the counters of many processes.
//
// A tally keeps one sum per block of distinct code, so its memory does not
// grow with the number of processes: binaries that contain the same package
// share its sums, and of who ran a block it keeps only the first and whether
// there was another.
package tally

import (
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
)

// Tally holds the sums of everything that was added so far. It is not safe for
// concurrent use.
type Tally struct {
	Packages []*Package // in the order in which they came up
	byBlob   map[[16]byte]*Package
}

// Package holds the sums of one distinct package; two builds of changed source
// are two of them.
type Package struct {
	covdata.Package // without Blob
	// Counts has one sum per block: those of the first function, then those
	// of the second, and so on. A sum saturates instead of wrapping.
	Counts []uint64
	base   []uint32 // where each function's blocks begin in Counts; one more at the end
	stmts  []bool   // whether the block has a statement
	owner  []uint32 // nobody, 1 + the only child, or several
}

// Values of Package.owner besides 1 + a child's number.
const (
	nobody  = 0
	several = ^uint32(0)
)

// MaxChildren is the number of children that a tally can tell apart.
const MaxChildren = int(several - 1)

// Binary adds counters of one kind of binary to the tally.
type Binary struct {
	Hash     covdata.Hash
	Mode     covdata.Mode
	Packages []*Package // as the binary numbers them
	// Once counts a block of a binary of mode "set" once, however many children
	// cover it. Otherwise its sum is their number, which nobody knows of those
	// that count together.
	Once bool
}

// New returns an empty tally.
func New() *Tally { return &Tally{byBlob: map[[16]byte]*Package{}} }

// Binary makes room for the blocks of a binary. It keeps m's strings and
// units, but not the data that m was decoded from.
func (t *Tally) Binary(m *covdata.Meta) *Binary {
	b := &Binary{Hash: m.Hash, Mode: m.Mode, Packages: make([]*Package, len(m.Packages))}
	for i := range m.Packages {
		b.Packages[i] = t.add(m.Packages[i])
	}
	return b
}

// add returns the sums of a package, which are shared with every package of
// the same content. The hash in its meta-data does not decide that: whoever
// wrote the file could have put anything there.
func (t *Tally) add(p covdata.Package) *Package {
	h := fnv.New128a()
	h.Write(p.Blob)
	var key [16]byte
	h.Sum(key[:0])
	if old := t.byBlob[key]; old != nil {
		return old
	}
	q := &Package{Package: p, base: make([]uint32, 0, len(p.Funcs)+1)}
	q.Blob = nil
	n := 0
	for _, f := range p.Funcs {
		q.base = append(q.base, uint32(n))
		n += len(f.Units)
		for _, u := range f.Units {
			q.stmts = append(q.stmts, u.Stmts > 0)
		}
	}
	q.base = append(q.base, uint32(n))
	q.Counts, q.owner = make([]uint64, n), make([]uint32, n)
	t.byBlob[key] = q
	t.Packages = append(t.Packages, q)
	return q
}

// Check says whether counters fit the binary: an error names the package or
// function that it does not have.
func (b *Binary) Check(pkg, fn uint32, counters int) error {
	if uint64(pkg) >= uint64(len(b.Packages)) {
		return fmt.Errorf("counters of package %d, but the meta-data has %d packages", pkg, len(b.Packages))
	}
	p := b.Packages[pkg]
	if uint64(fn) >= uint64(len(p.Funcs)) {
		return fmt.Errorf("counters of function %d of %s, but the meta-data has %d functions there", fn, p.Path, len(p.Funcs))
	}
	if n := len(p.Funcs[fn].Units); n != counters {
		return fmt.Errorf("%d counters of %s in %s, but the meta-data has %d blocks there", counters, p.Funcs[fn].Name, p.Path, n)
	}
	return nil
}

// Add adds a child's counters of one function, which must have passed
// [Binary.Check], and returns how many blocks with statements they cover.
// Children are numbered from 0.
func (b *Binary) Add(child int, pkg, fn uint32, counters []uint32) (covered int) {
	p := b.Packages[pkg]
	lo := p.base[fn]
	counts, owner, stmts := p.Counts[lo:], p.owner[lo:], p.stmts[lo:]
	me := uint32(child) + 1
	for i, c := range counters {
		if c == 0 {
			continue
		}
		if b.Mode == covdata.ModeSet {
			if c = 1; b.Once && counts[i] > 0 {
				c = 0
			}
		}
		sum := counts[i] + uint64(c)
		if sum < uint64(c) {
			sum = ^uint64(0)
		}
		counts[i] = sum
		switch owner[i] {
		case nobody:
			owner[i] = me
		case me:
		default:
			owner[i] = several
		}
		if stmts[i] {
			covered++
		}
	}
	return covered
}

// Covered returns how many blocks with statements the counters of one function
// cover, without adding them.
func (b *Binary) Covered(pkg, fn uint32, counters []uint32) (covered int) {
	p := b.Packages[pkg]
	for i, c := range counters {
		if c != 0 && p.stmts[int(p.base[fn])+i] {
			covered++
		}
	}
	return covered
}

// Func returns the sums of function fn.
func (p *Package) Func(fn int) []uint64 { return p.Counts[p.base[fn]:p.base[fn+1]] }

// OnlyHere returns, for each of n children, how many blocks with statements it
// alone covers.
func (t *Tally) OnlyHere(n int) []int {
	alone := make([]int, n)
	for _, p := range t.Packages {
		for i, o := range p.owner {
			if o != nobody && o != several && p.stmts[i] {
				alone[o-1]++
			}
		}
	}
	return alone
}

// Blocks returns how many blocks with statements the package has, and how many
// of them ran.
func (p *Package) Blocks() (total, covered int) {
	for i, ok := range p.stmts {
		if ok {
			total++
			if p.Counts[i] > 0 {
				covered++
			}
		}
	}
	return total, covered
}

// Clone returns a copy whose sums go their own way, and the copy of each package.
func (t *Tally) Clone() (*Tally, map[*Package]*Package) {
	c := &Tally{byBlob: make(map[[16]byte]*Package, len(t.byBlob))}
	copies := make(map[*Package]*Package, len(t.Packages))
	for _, p := range t.Packages {
		q := *p
		q.Counts, q.owner = slices.Clone(p.Counts), slices.Clone(p.owner)
		copies[p] = &q
		c.Packages = append(c.Packages, &q)
	}
	for key, p := range t.byBlob {
		c.byBlob[key] = copies[p]
	}
	return c, copies
}

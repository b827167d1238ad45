package tally

import (
	"math"
	"reflect"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
)

// meta makes the meta-data of a binary from packages: each a list of functions,
// each a list of the statements in its blocks.
func meta(mode covdata.Mode, packages ...[][]uint32) *covdata.Meta {
	m := &covdata.Meta{Mode: mode}
	for i, fns := range packages {
		p := covdata.Package{Path: string(rune('a' + i))}
		for _, stmts := range fns {
			f := covdata.Func{Name: "f"}
			for _, s := range stmts {
				f.Units = append(f.Units, covdata.Unit{Stmts: s})
				p.Blob = append(p.Blob, byte(s))
			}
			p.Blob = append(p.Blob, 0xff)
			p.Funcs = append(p.Funcs, f)
		}
		m.Packages = append(m.Packages, p)
	}
	return m
}

func TestSums(t *testing.T) {
	shared, own := [][]uint32{{1, 0}, {2}}, [][]uint32{{5}}
	tl := New()
	a := tl.Binary(meta(covdata.ModeCount, shared))
	b := tl.Binary(meta(covdata.ModeCount, own, shared))
	if a.Packages[0] != b.Packages[1] || len(tl.Packages) != 2 {
		t.Fatal("the package that both binaries have is not shared")
	}
	// Child 0 runs a, children 1 and 2 run b.
	if n := a.Add(0, 0, 0, []uint32{3, 4}); n != 1 {
		t.Errorf("child 0 covers %d blocks with statements, want 1", n)
	}
	if n := b.Add(1, 1, 0, []uint32{2, 0}) + b.Add(1, 1, 1, []uint32{9}); n != 2 {
		t.Errorf("child 1 covers %d blocks with statements, want 2", n)
	}
	b.Add(2, 0, 0, []uint32{1})
	b.Add(2, 0, 0, []uint32{1}) // a second file of the same child
	if got, want := tl.Packages[0].Counts, []uint64{5, 4, 9}; !reflect.DeepEqual(got, want) {
		t.Errorf("sums of the shared package %v, want %v", got, want)
	}
	if got, want := tl.OnlyHere(3), []int{0, 1, 1}; !reflect.DeepEqual(got, want) {
		t.Errorf("blocks that only one child ran: %v, want %v", got, want)
	}
	if got, want := tl.Packages[0].Func(1), []uint64{9}; !reflect.DeepEqual(got, want) {
		t.Errorf("sums of the second function %v, want %v", got, want)
	}
	if total, covered := tl.Packages[0].Blocks(); total != 2 || covered != 2 {
		t.Errorf("Blocks() = %d, %d, want 2, 2", total, covered)
	}

	clone, copies := tl.Clone()
	copies[tl.Packages[0]].Counts[0] = 100
	if tl.Packages[0].Counts[0] != 5 || clone.Packages[0].Counts[0] != 100 {
		t.Error("a clone shares its sums with the original")
	}
	if clone.Binary(meta(covdata.ModeCount, shared)).Packages[0] != clone.Packages[0] {
		t.Error("a clone does not know its packages")
	}
}

func TestSetAndSaturation(t *testing.T) {
	tl := New()
	set := tl.Binary(meta(covdata.ModeSet, [][]uint32{{1}}))
	set.Add(0, 0, 0, []uint32{7})
	set.Add(1, 0, 0, []uint32{1})
	if got := tl.Packages[0].Counts[0]; got != 2 {
		t.Errorf("two processes in mode set sum up to %d, want 2", got)
	}
	tl.Packages[0].Counts[0] = math.MaxUint64 - 1
	count := tl.Binary(meta(covdata.ModeCount, [][]uint32{{1}}))
	count.Add(2, 0, 0, []uint32{math.MaxUint32})
	if got := tl.Packages[0].Counts[0]; got != math.MaxUint64 {
		t.Errorf("a sum beyond 64 bits is %d, want %d", got, uint64(math.MaxUint64))
	}
}

func TestCheck(t *testing.T) {
	b := New().Binary(meta(covdata.ModeCount, [][]uint32{{1, 1}}))
	for _, tc := range []struct {
		pkg, fn uint32
		n       int
		want    string
	}{
		{0, 0, 2, ""},
		{1, 0, 2, "counters of package 1, but the meta-data has 1 packages"},
		{math.MaxUint32, 0, 2, "counters of package 4294967295, but the meta-data has 1 packages"},
		{0, 1, 2, "counters of function 1 of a, but the meta-data has 1 functions there"},
		{0, 0, 3, "3 counters of f in a, but the meta-data has 2 blocks there"},
	} {
		got := ""
		if err := b.Check(tc.pkg, tc.fn, tc.n); err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("Check(%d, %d, %d): %q, want %q", tc.pkg, tc.fn, tc.n, got, tc.want)
		}
	}
}

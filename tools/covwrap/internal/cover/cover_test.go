package cover

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

// show spells all of a set.
func show(s *Set) string {
	out := ""
	for _, f := range s.Files() {
		out += f.Name + " " + f.Test() + "\n"
		for _, l := range f.Lines() {
			out += fmt.Sprintf(" line %d: %d\n", l.No, l.Count)
		}
		for _, fn := range f.Functions() {
			out += fmt.Sprintf(" func %+v\n", fn)
		}
		for _, b := range s.Branches(f) {
			out += fmt.Sprintf(" branch %d %s %s %d %v\n", b.Line, s.BranchName(b.Block), s.BranchName(b.Branch), b.Taken, b.Evaluated)
		}
	}
	return out
}

// TestAnyOrder adds the same things in many orders, divided into records in
// many ways and from several goroutines, and wants the same set.
func TestAnyOrder(t *testing.T) {
	type op func(c *Cursor)
	var ops []op
	set := func() *Set { return nil }
	for i := range 300 {
		no, count := uint32(i*7%50+1), int64(i%5)
		name := []byte(fmt.Sprintf("f%d", i%20))
		ops = append(ops,
			func(c *Cursor) { c.AddLine(no, count) },
			func(c *Cursor) { c.AddFuncLine(name, no) },
			func(c *Cursor) { c.AddFuncCount(name, count) },
			func(c *Cursor) {
				c.AddBranch(Branch{Line: no, Block: set().BranchID([]byte(fmt.Sprintf("e%d", i%3))), Branch: uint32(i % 2), Taken: count, Evaluated: count > 0})
			})
	}
	want := ""
	for round := range 20 {
		s := NewSet()
		set = func() *Set { return s }
		r := rand.New(rand.NewPCG(uint64(round), 0))
		r.Shuffle(len(ops), func(i, j int) { ops[i], ops[j] = ops[j], ops[i] })
		var wg sync.WaitGroup
		for part := range 4 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for i := part * len(ops) / 4; i < (part+1)*len(ops)/4; {
					c := Open(s.File("file"))
					for end := i + 1 + (i*7+round)%40; i < end && i < (part+1)*len(ops)/4; i++ {
						ops[i](&c)
					}
					c.Close()
				}
			}()
		}
		wg.Wait()
		got := show(s)
		if want == "" {
			want = got
		}
		if got != want {
			t.Fatalf("round %d differs: got\n%s\nwant\n%s", round, got, want)
		}
	}
	// And what is wanted is right: 300 additions of 0+1+2+3+4 over and over.
	total := int64(0)
	for _, l := range mustSet(t, set()).Lines() {
		total += l.Count
	}
	if total != 600 {
		t.Errorf("the counts of all lines add up to %d, want 600", total)
	}
}

func mustSet(t *testing.T, s *Set) *File {
	t.Helper()
	fs := s.Files()
	if len(fs) != 1 {
		t.Fatalf("%d files, want 1", len(fs))
	}
	return fs[0]
}

// TestFlush adds more new lines and branches, in falling order, than a cursor
// keeps aside, each twice.
func TestFlush(t *testing.T) {
	s := NewSet()
	c := Open(s.File("a"))
	const n = 3 * flushAt / 2
	for i := 2 * n; i > 0; i-- {
		no := uint32((i + 1) / 2)
		c.AddLine(no, 1)
		c.AddBranch(Branch{Line: no, Taken: 1, Evaluated: true})
	}
	c.Close()
	f := s.File("a")
	if len(f.Lines()) != n || len(f.branches) != n {
		t.Fatalf("%d lines and %d branches, want %d", len(f.Lines()), len(f.branches), n)
	}
	for i, l := range f.Lines() {
		if want := (Line{uint32(i + 1), 2}); l != want || f.branches[i].Taken != 2 || f.branches[i].Line != want.No {
			t.Fatalf("place %d has %v and %v", i, l, f.branches[i])
		}
	}
}

func TestSaturate(t *testing.T) {
	s := NewSet()
	c := Open(s.File("a"))
	for _, l := range []Line{{1, 5}, {7, MaxCount}, {7, 1}, {9, MaxCount}, {8, MaxCount}, {8, MaxCount}, {8, 1}} {
		c.AddLine(l.No, l.Count)
	}
	c.AddFuncCount([]byte("f"), MaxCount)
	c.Close()
	f := s.File("a")
	if want := []Line{{1, 5}, {7, MaxCount}, {8, MaxCount}, {9, MaxCount}}; !reflect.DeepEqual(f.Lines(), want) {
		t.Errorf("got %v, want %v", f.Lines(), want)
	}
	if line, ok := f.Saturated(); !ok || line != 7 {
		t.Errorf("saturated at %d, %v; want 7", line, ok)
	}
	if _, ok := s.File("b").Saturated(); ok {
		t.Error("an empty file is saturated")
	}
}

func TestRename(t *testing.T) {
	s := NewSet()
	for _, name := range []string{"a", "b", "c"} {
		c := Open(s.File(name))
		c.SetTest([]byte("t" + name))
		c.AddLine(1, 1)
		c.AddFuncLine([]byte("f"), 1)
		c.AddFuncCount([]byte("f"), 2)
		c.AddBranch(Branch{Line: 1, Taken: 1, Evaluated: true})
		c.Close()
	}
	s.Rename(func(name string) string { return map[string]string{"a": "b", "b": "d", "c": "c"}[name] })
	// a became b before b, in order of name, became d: names change once.
	want := "b ta\n line 1: 1\n func {Name:f Line:1 Count:2 HasLine:true HasCount:true}\n branch 1 0 0 1 true\n" +
		"c tc\n line 1: 1\n func {Name:f Line:1 Count:2 HasLine:true HasCount:true}\n branch 1 0 0 1 true\n" +
		"d tb\n line 1: 1\n func {Name:f Line:1 Count:2 HasLine:true HasCount:true}\n branch 1 0 0 1 true\n"
	if got := show(s); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestNotes has more left-out children than are named, in two orders.
func TestNotes(t *testing.T) {
	var want Notes
	for round := range 2 {
		s := NewSet()
		for i := range 3 * maxMissing {
			if round == 1 {
				i = 3*maxMissing - 1 - i
			}
			s.AddMissing(fmt.Sprintf("slug child %04d", i))
			s.AddMissing("slug again")
		}
		s.AddMore(5)
		got := s.Notes()
		if len(got.Missing) != maxMissing || got.Missing[0] != "slug again" {
			t.Fatalf("%d named, first %q", len(got.Missing), got.Missing[0])
		}
		if got.More != 6*maxMissing+5-maxMissing {
			t.Errorf("%d more, want %d", got.More, 6*maxMissing+5-maxMissing)
		}
		if round == 1 && !reflect.DeepEqual(got, want) {
			t.Error("the order makes a difference")
		}
		want = got
	}
}

// TestManyFiles finds, drops, renames and sorts as many files as make the table
// grow often and the sort run in parts.
func TestManyFiles(t *testing.T) {
	const n = 100_000
	s := NewSet()
	name := func(i int) string { return fmt.Sprintf("d%d/f%d", i%97, i) }
	files := map[string]*File{}
	for i := range n {
		f := s.FileBytes([]byte(name(i)))
		if f.Name != name(i) || files[f.Name] != nil {
			t.Fatalf("file %d is %q", i, f.Name)
		}
		files[f.Name] = f
	}
	check := func(want map[string]*File) {
		t.Helper()
		names := slices.Sorted(maps.Keys(want))
		all := s.Files()
		if s.Len() != len(want) || len(all) != len(want) {
			t.Fatalf("%d files, %d when sorted, want %d", s.Len(), len(all), len(want))
		}
		for i, f := range all {
			if f.Name != names[i] || f != want[f.Name] || s.File(f.Name) != f {
				t.Fatalf("file %d in order is %q, want %q, the one that was made first", i, f.Name, names[i])
			}
		}
	}
	check(files)
	s.Keep(func(name string) bool { return name[len(name)-1] != '7' })
	maps.DeleteFunc(files, func(name string, _ *File) bool { return name[len(name)-1] == '7' })
	check(files)
	s.Rename(func(name string) string { return strings.Replace(name, "d1/", "e1/", 1) })
	for name, f := range files {
		if to := strings.Replace(name, "d1/", "e1/", 1); to != name {
			delete(files, name)
			files[to] = s.File(to)
			if files[to] == f {
				t.Fatalf("%s kept its record under a new name", name)
			}
		}
	}
	check(files)
}

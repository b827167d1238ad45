// Package cover holds coverage in the one form that every input is turned
// into and every output is made of: per source file, counts per line,
// function and branch.
//
// Everything in it only ever adds, and every addition commutes (sums that
// saturate, the smallest line, the union of names). That is what makes a merge
// give the same bytes whatever the order and the parallelism of its inputs.
package cover

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync"
)

// MaxCount is where counts stop: the largest number that Bazel's own parser,
// lcov and the common services can all read.
const MaxCount = 1<<63 - 1

// shards is how many parts the map of source files has, so that parsers that
// run at once seldom wait for each other.
const shards = 64

// Set is the sum of all coverage that was read: one File per source file.
// Its methods may be called from several goroutines at once.
type Set struct {
	seed  maphash.Seed
	parts [shards]part
	// names interns block and branch names that are not plain numbers
	// (lcov 2's "e0" and branch expressions).
	names nameTable
	notes noteTable
	known knownTable
}

// part is one shard of the map of source files.
type part struct {
	mu    sync.Mutex
	files map[string]*File
}

// NewSet returns an empty set.
func NewSet() *Set {
	s := &Set{seed: maphash.MakeSeed()}
	for i := range s.parts {
		s.parts[i].files = map[string]*File{}
	}
	return s
}

// File returns the record of the source file name, made if absent.
func (s *Set) File(name string) *File { return s.FileBytes([]byte(name)) }

// FileBytes is File for a name that the caller will overwrite: it is copied
// only when the file is new.
func (s *Set) FileBytes(name []byte) *File {
	p := &s.parts[maphash.Bytes(s.seed, name)%shards]
	p.mu.Lock()
	f, ok := p.files[string(name)]
	if !ok {
		f = &File{Name: string(name)}
		p.files[f.Name] = f
	}
	p.mu.Unlock()
	return f
}

// Len is the number of source files.
func (s *Set) Len() int {
	n := 0
	for i := range s.parts {
		p := &s.parts[i]
		p.mu.Lock()
		n += len(p.files)
		p.mu.Unlock()
	}
	return n
}

// Files returns all files, sorted by name (bytewise). The caller must not add
// to the set while it uses them.
func (s *Set) Files() []*File {
	// The names lie beside the pointers: with millions of files, the time goes
	// into waiting for the memory that they point to.
	type named struct {
		name string
		file *File
	}
	all := make([]named, 0, s.Len())
	for i := range s.parts {
		for name, f := range s.parts[i].files {
			all = append(all, named{name, f})
		}
	}
	slices.SortFunc(all, func(a, b named) int { return strings.Compare(a.name, b.name) })
	files := make([]*File, len(all))
	for i := range all {
		files[i] = all[i].file
	}
	return files
}

// Saturated calls f for every file with a count larger than MaxCount, in any
// order, with the first such line.
func (s *Set) Saturated(f func(file *File, line uint32)) {
	for i := range s.parts {
		for _, file := range s.parts[i].files {
			if line, ok := file.Saturated(); ok {
				f(file, line)
			}
		}
	}
}

// Keep drops every file for which keep says no.
func (s *Set) Keep(keep func(name string) bool) {
	for i := range s.parts {
		for name := range s.parts[i].files {
			if !keep(name) {
				delete(s.parts[i].files, name)
			}
		}
	}
}

// Rename gives files new names; a file whose new name exists already is added
// to it. Names that rename returns unchanged stay.
func (s *Set) Rename(rename func(name string) string) {
	moved := map[*File]string{}
	files := s.Files()
	for _, f := range files {
		if to := rename(f.Name); to != f.Name {
			moved[f] = to
			delete(s.parts[maphash.String(s.seed, f.Name)%shards].files, f.Name)
		}
	}
	for _, f := range files {
		if to, ok := moved[f]; ok {
			s.File(to).add(f)
		}
	}
}

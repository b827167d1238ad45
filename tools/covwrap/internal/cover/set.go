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
	files table
}

// NewSet returns an empty set.
func NewSet() *Set {
	return &Set{seed: maphash.MakeSeed()}
}

// File returns the record of the source file name, made if absent.
func (s *Set) File(name string) *File { return s.FileBytes([]byte(name)) }

// FileBytes is File for a name that the caller will overwrite: it is copied
// only when the file is new.
func (s *Set) FileBytes(name []byte) *File {
	hash := maphash.Bytes(s.seed, name)
	p := &s.parts[hash%shards]
	p.mu.Lock()
	f := p.files.find(hash/shards, name)
	p.mu.Unlock()
	return f
}

// Len is the number of source files.
func (s *Set) Len() int {
	n := 0
	for i := range s.parts {
		p := &s.parts[i]
		p.mu.Lock()
		n += p.files.used
		p.mu.Unlock()
	}
	return n
}

// Files returns all files, sorted by name (bytewise). The caller must not add
// to the set while it uses them.
func (s *Set) Files() []*File {
	all := make([]namedFile, 0, s.Len())
	s.each(func(f *File) { all = append(all, namedFile{f.Name, f}) })
	return sortFiles(all)
}

// each calls f for every file, in any order.
func (s *Set) each(f func(*File)) {
	for i := range s.parts {
		for _, slot := range s.parts[i].files.slots {
			if slot.file != nil {
				f(slot.file)
			}
		}
	}
}

// Saturated calls f for every file with a count larger than MaxCount, in any
// order, with the first such line.
func (s *Set) Saturated(f func(file *File, line uint32)) {
	s.each(func(file *File) {
		if line, ok := file.Saturated(); ok {
			f(file, line)
		}
	})
}

// Keep drops every file for which keep says no.
func (s *Set) Keep(keep func(name string) bool) {
	for i := range s.parts {
		s.parts[i].files.keep(func(f *File) bool { return keep(f.Name) })
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
		}
	}
	for i := range s.parts {
		s.parts[i].files.keep(func(f *File) bool { _, ok := moved[f]; return !ok })
	}
	for _, f := range files {
		if to, ok := moved[f]; ok {
			s.File(to).add(f)
		}
	}
}

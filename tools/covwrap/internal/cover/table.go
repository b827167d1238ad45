package cover

import "strings"

// table finds files by name. With millions of files, a merge spends its time
// waiting for memory and in the garbage collector; so a slot has the name's
// hash beside the pointer (a search looks at one name, growing looks at none),
// and files and names are allocated many at a time.
type table struct {
	slots []slot // a power of two, at most three quarters of them taken
	used  int
	room  []File           // for the next new files
	names *strings.Builder // has the names of files; a string that it gave out stays
}

// slot is one place of a table; free if there is no file.
type slot struct {
	hash uint64
	file *File
}

// find returns the file with this name and hash, made if absent.
func (t *table) find(hash uint64, name []byte) *File {
	if t.used >= len(t.slots)/4*3 {
		t.grow()
	}
	s := t.place(hash, func(f *File) bool { return f.Name == string(name) })
	if s.file == nil {
		*s = slot{hash, t.newFile(name)}
		t.used++
	}
	return s.file
}

// place returns the slot of the file with this hash for which is says yes, or
// the free one where it would be.
func (t *table) place(hash uint64, is func(*File) bool) *slot {
	for i := hash; ; i++ {
		s := &t.slots[i&uint64(len(t.slots)-1)]
		if s.file == nil || s.hash == hash && is(s.file) {
			return s
		}
	}
}

// grow doubles the slots.
func (t *table) grow() { t.rehash(max(8, 2*len(t.slots))) }

// rehash gives the table n slots.
func (t *table) rehash(n int) {
	old := t.slots
	t.slots = make([]slot, n)
	for _, s := range old {
		if s.file != nil {
			*t.place(s.hash, func(*File) bool { return false }) = s
		}
	}
}

// newFile makes a file. What is set aside grows with what is there.
func (t *table) newFile(name []byte) *File {
	if len(t.room) == 0 {
		t.room = make([]File, min(max(t.used, 1), 128))
	}
	f := &t.room[0]
	t.room = t.room[1:]
	if t.names == nil || t.names.Cap()-t.names.Len() < len(name) {
		t.names = &strings.Builder{}
		t.names.Grow(len(name) * min(max(t.used, 1), 128))
	}
	from := t.names.Len()
	t.names.Write(name)
	f.Name = t.names.String()[from:]
	return f
}

// keep drops the files for which keep says no.
func (t *table) keep(keep func(*File) bool) {
	before := t.used
	for i := range t.slots {
		if s := &t.slots[i]; s.file != nil && !keep(s.file) {
			s.file = nil
			t.used--
		}
	}
	if t.used < before { // searches would end at what is free now
		t.rehash(len(t.slots))
	}
}

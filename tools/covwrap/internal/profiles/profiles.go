// Package profiles keeps the profile of every process in Go's own format: a
// folder that "go tool covdata" reads, or an archive of one.
//
// Equal profiles are stored once and linked, so that a thousand runs of one
// command cost the disk of one, while the folder still says, and sums up to,
// what each of them counted. The room is bounded; who asks beyond it is told
// so and has to say it in the ledger.
package profiles

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"path/filepath"

	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
)

// Default bounds of a [Store].
const (
	DefaultBytes = 64 << 20
	DefaultFiles = 1000
)

// ErrFull is returned when a profile is not kept since the store's bound is
// reached.
var ErrFull = errors.New("the room for profiles is used up")

// Store writes into one folder or archive. Not for concurrent use.
type Store struct {
	// Text, unless nil, rewrites every argument of the command lines that
	// profiles name: a profile outlives the sandbox that a path leads into.
	Text func(string) string

	to    place
	bytes int64 // that may still be written
	files int   // that may still be made
	metas map[covdata.Hash]bool
	seeds [2]maphash.Seed
	names map[content]string // of the first file with the content
	kept  map[string]content // what is in the file of that name
}

// content identifies the bytes of a profile by two hashes with random seeds;
// no process can make its profile collide with another's.
type content struct {
	a, b uint64
	n    int
}

// place is where profiles are put.
type place interface {
	// write makes a file, in the place of an earlier one of that name, which
	// those that were linked to it keep.
	write(name string, data []byte) error
	// link makes a file with the content of an earlier one.
	link(first, name string) error
	close() error
}

// New returns a store that makes the folder dir when it first writes. It takes at
// most the number of bytes and of files given.
func New(dir string, bytes int64, files int) *Store { return newStore(folder(dir), bytes, files) }

// NewArchive returns a store that makes an archive instead; see [ArchiveName]. It
// is to be closed.
func NewArchive(path string, bytes int64, files int) *Store {
	return newStore(&archive{path: path}, bytes, files)
}

func newStore(to place, bytes int64, files int) *Store {
	return &Store{
		to: to, bytes: bytes, files: files,
		metas: map[covdata.Hash]bool{},
		seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		names: map[content]string{}, kept: map[string]content{},
	}
}

// Meta stores a binary's meta-data, without which its profiles are of no use.
// It is not counted against the bounds: there are as many as binaries.
func (s *Store) Meta(hash covdata.Hash, data []byte) error {
	if s.metas[hash] {
		return nil
	}
	if err := s.to.write("covmeta."+hash.String(), data); err != nil {
		return err
	}
	s.metas[hash] = true
	return nil
}

// Args rewrites the annotations of a profile as Text says.
func (s *Store) Args(args map[string]string) map[string]string {
	if s.Text == nil {
		return args
	}
	out := make(map[string]string, len(args))
	for name, value := range args {
		out[name] = s.Text(value)
	}
	return out
}

// HasRoom reports whether the profile of a process may be kept, so that a caller
// need not encode what will be refused.
func (s *Store) HasRoom(hash covdata.Hash, pid int, nanos int64) bool {
	_, again := s.kept[fileName(hash, pid, nanos)]
	return again || s.files > 0 && s.bytes > 0
}

func fileName(hash covdata.Hash, pid int, nanos int64) string {
	return fmt.Sprintf("covcounters.%v.%d.%d", hash, pid, nanos)
}

// Keep stores the counter file of a process and returns its name in the folder.
// The process may have been kept before, when it still ran: then this one takes
// the place of the other. The error is [ErrFull] or the operating system's.
func (s *Store) Keep(hash covdata.Hash, pid int, nanos int64, data []byte) (name string, err error) {
	c := content{maphash.Bytes(s.seeds[0], data), maphash.Bytes(s.seeds[1], data), len(data)}
	name = fileName(hash, pid, nanos)
	before, again := s.kept[name]
	if again && before == c {
		return name, nil
	}
	if again {
		return name, s.replace(name, before, c, data)
	}
	first, old := s.names[c]
	if s.files <= 0 || !old && s.bytes < int64(len(data)) {
		return "", ErrFull
	}
	if old && s.to.link(first, name) == nil {
		s.files--
		s.kept[name] = c
		return name, nil
	}
	if s.bytes < int64(len(data)) {
		return "", ErrFull
	}
	if err := s.to.write(name, data); err != nil {
		return "", err
	}
	s.files--
	s.bytes -= int64(len(data))
	s.names[c], s.kept[name] = name, c
	return name, nil
}

// replace writes a file anew. It needs no room: a process is kept as long as it
// was kept once, and what was written for it once is small.
func (s *Store) replace(name string, before, after content, data []byte) error {
	if err := s.to.write(name, data); err != nil {
		return err
	}
	if s.names[before] == name {
		delete(s.names, before) // other files may have it, but this one has not
	}
	s.names[after], s.kept[name] = name, after
	return nil
}

// Rest stores counters that stand for all processes whose profile was not
// kept, whatever the bounds: with it the folder sums up to everything.
func (s *Store) Rest(hash covdata.Hash, data []byte) error {
	return s.to.write(fmt.Sprintf("covcounters.%v.0.0", hash), data)
}

// Close completes an archive. Nothing may be stored afterwards.
func (s *Store) Close() error { return s.to.close() }

// folder is a place on the disk.
type folder string

func (f folder) write(name string, data []byte) error { return f.copy(name, bytes.NewReader(data)) }

// copy makes a file under another name first, so that no reader takes half of
// one for the whole.
func (f folder) copy(name string, in io.Reader) error {
	if err := os.MkdirAll(string(f), 0o777); err != nil {
		return err
	}
	tmp := filepath.Join(string(f), "tmp."+name)
	out, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err != nil {
		os.Remove(tmp)
		return err
	}
	return os.Rename(tmp, filepath.Join(string(f), name))
}

func (f folder) link(first, name string) error {
	return os.Link(filepath.Join(string(f), first), filepath.Join(string(f), name))
}

func (f folder) close() error { return nil }

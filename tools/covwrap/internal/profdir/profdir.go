// Package profdir reads the profile directory: the folder in which the
// processes of one test leave what they counted.
//
// Every process under the test may write there, so nothing in it is trusted.
// Only regular files are opened, never through a symbolic link, never waiting
// for the other end of a pipe, and never more of them than fits in the bound
// that the caller gives.
package profdir

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/covwrap/covwrap/embed/countermap"
	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
)

// Kind says what a file in the profile directory is, by its name.
type Kind int

// The kinds of files.
const (
	Other     Kind = iota // not ours
	Map                   // covmap.<pid>.<start ns>: counter map
	Meta                  // covmeta.<hash>: Go's meta-data of a binary
	Counters              // covcounters.<hash>.<pid>.<ns>: Go's counters of a process
	Sources               // covsrc.<hash>: where a binary's sources lie
	Note                  // covnote.<pid>.<ns>.<slug>: a process that has no map
	Log                   // covwrap.log: trouble of covered processes
	Torn                  // tmp.cov...: a file that was being written when its process ended
	Discard               // discard: folder for what is never read
	Mark                  // covmark.*, covsnap.*: phases
	Aggregate             // covagg.<executable>: map into which several processes count
	Socket                // covsocket: where processes make themselves known
)

// Entry is a file's name taken apart.
type Entry struct {
	Name  string
	Kind  Kind
	PID   int          // Map, Counters, Note, Torn (0 if unknown)
	Nanos int64        // Map, Counters, Note: time in the name
	Hash  covdata.Hash // Meta, Counters, Sources
	Slug  string       // Note
}

// Parse takes a name apart. A name that begins like one of ours but goes on
// differently is Other.
func Parse(name string) Entry {
	e := Entry{Name: name}
	switch name {
	case "covwrap.log":
		e.Kind = Log
		return e
	case "discard":
		e.Kind = Discard
		return e
	case countermap.SocketName:
		e.Kind = Socket
		return e
	}
	f := strings.Split(name, ".")
	ok := false
	switch {
	case f[0] == "covmap" && len(f) == 3:
		e.Kind = Map
		ok = number(&e.PID, f[1]) && nanos(&e.Nanos, f[2])
	case f[0] == "covmeta" && len(f) == 2:
		e.Kind = Meta
		ok = hash(&e.Hash, f[1])
	case f[0] == "covsrc" && len(f) == 2:
		e.Kind = Sources
		ok = hash(&e.Hash, f[1])
	case f[0] == "covcounters" && len(f) == 4:
		e.Kind = Counters
		ok = hash(&e.Hash, f[1]) && number(&e.PID, f[2]) && nanos(&e.Nanos, f[3])
	case f[0] == "covnote" && len(f) == 4:
		e.Kind, e.Slug = Note, f[3]
		ok = number(&e.PID, f[1]) && nanos(&e.Nanos, f[2])
	case f[0] == "covmark" || f[0] == "covsnap" || f[0] == "covpart":
		e.Kind, ok = Mark, true
	case f[0] == "covagg":
		e.Kind, ok = Aggregate, true
	case f[0] == "tmp" && len(f) > 1 && strings.HasPrefix(f[1], "cov"):
		e.Kind, ok = Torn, true
		if f[1] == "covcounters" && len(f) == 5 {
			number(&e.PID, f[3])
		}
	}
	if !ok {
		return Entry{Name: name}
	}
	return e
}

func number(to *int, s string) bool {
	v, err := strconv.ParseUint(s, 10, 31)
	*to = int(v)
	return err == nil
}

func nanos(to *int64, s string) bool {
	v, err := strconv.ParseUint(s, 10, 63)
	*to = int64(v)
	return err == nil
}

func hash(to *covdata.Hash, s string) bool {
	var err error
	*to, err = covdata.ParseHash(s)
	return err == nil
}

// List calls visit for every entry of the folder, in no order, without holding
// their names: a process may have made millions. A symbolic link in the place of
// the folder is an error: what it leads to is not ours to read and to remove.
func List(dir string, visit func(Entry)) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s: not a folder but %s", dir, describe(info.Mode()))
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		names, err := d.Readdirnames(512)
		for _, n := range names {
			visit(Parse(n))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Check says why a file is not one to open: an error unless it is a regular
// file of at most limit bytes. It does not follow a symbolic link.
func Check(path string, limit int64) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	return check(path, info, limit)
}

func check(path string, info os.FileInfo, limit int64) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not a regular file but %s", path, describe(info.Mode()))
	}
	if info.Size() > limit {
		return fmt.Errorf("%s: %d bytes are more than the %d that such a file can have", path, info.Size(), limit)
	}
	return nil
}

func describe(m os.FileMode) string {
	switch {
	case m&os.ModeSymlink != 0:
		return "a symbolic link"
	case m.IsDir():
		return "a folder"
	case m&os.ModeNamedPipe != 0:
		return "a pipe"
	case m&os.ModeSocket != 0:
		return "a socket"
	case m.IsRegular():
		return "a file"
	}
	return "a device"
}

// Read returns the content of a file of the folder, at most limit bytes of it.
func Read(dir, name string, limit int64) ([]byte, error) {
	path := filepath.Join(dir, name)
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := check(path, info, limit); err != nil {
		return nil, err
	}
	data := make([]byte, info.Size())
	n, err := io.ReadFull(f, data)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data[:n], nil
}

// maxNote bounds the text of a note.
const maxNote = 4096

// ReadNote returns the text of a note, "" if it has none. A process that must
// not write to files can still make a symbolic link: then the text is where the
// link would lead, and it is not followed.
func ReadNote(dir, name string) string {
	if text, err := os.Readlink(filepath.Join(dir, name)); err == nil {
		return text
	}
	text, err := Read(dir, name, maxNote)
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(text), "\n")
}

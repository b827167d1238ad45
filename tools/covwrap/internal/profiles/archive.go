package profiles

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// ArchiveName is the archive among the undeclared outputs of a test: a tar file
// with the folder "profiles". It is one file, since Bazel runs two programs for
// each file that a test leaves there, which took more time than everything that
// covwrap does for a process.
const ArchiveName = "profiles.tar"

// members begins the names in an archive.
const members = "profiles/"

// archive is a place in a tar file. A member is written at once and as a whole,
// so that what is there is good whenever the launcher is killed; of two members
// with one name the later is meant, as tar itself has it.
type archive struct {
	path string
	file *os.File
	size int64
}

func (a *archive) write(name string, data []byte) error {
	return a.add(&tar.Header{Typeflag: tar.TypeReg, Name: members + name, Mode: 0o644, Size: int64(len(data))}, data)
}

func (a *archive) link(first, name string) error {
	return a.add(&tar.Header{Typeflag: tar.TypeLink, Name: members + name, Linkname: members + first, Mode: 0o644}, nil)
}

func (a *archive) add(h *tar.Header, data []byte) error {
	if a.file == nil {
		if err := a.create(); err != nil {
			return err
		}
	}
	h.Format = tar.FormatUSTAR
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	w.Write(data) // into memory
	if err := w.Flush(); err != nil {
		return err
	}
	return a.append(b.Bytes())
}

// append writes all of b or nothing.
func (a *archive) append(b []byte) error {
	n, err := a.file.WriteAt(b, a.size)
	if err != nil {
		return errors.Join(err, a.file.Truncate(a.size))
	}
	a.size += int64(n)
	return nil
}

// create makes the file anew: what stands in its place may be a link of the
// test's to somewhere else.
func (a *archive) create() (err error) {
	if err := os.MkdirAll(filepath.Dir(a.path), 0o777); err != nil {
		return err
	}
	if err := os.Remove(a.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	a.file, err = os.OpenFile(a.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	return err
}

func (a *archive) close() error {
	if a.file == nil {
		return nil
	}
	err := a.append(make([]byte, 1024)) // two empty blocks end an archive
	err = errors.Join(err, a.file.Close())
	a.file = nil
	return err
}

// maxMembers bounds the files that an archive unfolds to.
const maxMembers = 100_000

// Unpack writes the profiles of an archive into the folder dir, at most so many
// bytes of them, and returns how many there were. What else is in the archive is
// left out: its names are believed as little as its sizes. With an error, which is
// that of a damaged archive or of the disk, all that stood before is there.
func Unpack(in io.Reader, dir string, most int64) (n int64, err error) {
	r := tar.NewReader(in)
	for i := 0; ; i++ {
		h, err := r.Next()
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, damaged(err)
		}
		name, ok := memberName(h.Name)
		if !ok {
			continue
		}
		if i >= maxMembers || h.Size > most-n {
			return n, fmt.Errorf("more than %d bytes or in more than %d files: this is not what covwrap writes", most, maxMembers)
		}
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return n, err
		}
		to := filepath.Join(dir, name)
		switch h.Typeflag {
		case tar.TypeReg:
			if err := folder(dir).copy(name, r); err != nil {
				return n, damaged(err)
			}
			n += h.Size
		case tar.TypeLink:
			first, ok := memberName(h.Linkname)
			if !ok || first == name {
				return n, fmt.Errorf("a member %q that is a link to %q", h.Name, h.Linkname)
			}
			os.Remove(to)
			if err := os.Link(filepath.Join(dir, first), to); err != nil {
				return n, fmt.Errorf("a member %q that is a link to %q: %w", h.Name, h.Linkname, err)
			}
		}
	}
}

func damaged(err error) error {
	var disk *os.PathError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the archive is cut off")
	case errors.As(err, &disk):
		return err
	}
	return fmt.Errorf("the archive is damaged: %w", err)
}

// memberName returns the name that a profile has in its folder.
func memberName(member string) (name string, ok bool) {
	name, ok = strings.CutPrefix(member, members)
	ok = ok && (strings.HasPrefix(name, "covmeta.") || strings.HasPrefix(name, "covcounters.")) && !strings.ContainsAny(name, `/\:`)
	return name, ok
}

package countermap

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// Open reads the header of a counter map, also while its process is alive, and
// keeps the file open until Close. Errors: ErrUnfinished (the process died
// before its header was complete: it counted nothing), ErrVersion, a
// *FormatError for a file that is no counter map or is damaged, or the error
// of the operating system; all name the file. The file is opened without
// following a symbolic link and without waiting for a FIFO's writer.
func Open(path string) (*Map, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	m, err := open(path, f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return m, nil
}

func open(path string, f *os.File) (*Map, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &FormatError{path, "it is not a regular file but " + info.Mode().String()}
	}
	return newMap(path, f, info.Size())
}

// file is what a Map reads from.
type file interface {
	io.ReaderAt
	io.Closer
}

func newMap(path string, f file, size int64) (*Map, error) {
	h, err := readHeader(f, size)
	if err != nil {
		return nil, wrap(path, err)
	}
	m := &Map{
		Path: path, State: State(h.State), Flags: Flags(h.Flags), Exit: Exit(h.Exit),
		PID: int(h.PID), PPID: int(h.PPID), UID: int(h.UID), PIDNS: h.PIDNS, Ticks: h.Ticks,
		Start: time.Unix(0, h.StartNS), Words: int(h.Words),
		Binary: BinaryID{h.ExeDev, h.ExeInode, int64(h.ExeSize), h.ExeMtimeNS, h.ExeCtimeNS},
		file:   f, h: h, size: uint64(size),
	}
	if err := m.readStrings(); err != nil {
		return nil, wrap(path, err)
	}
	return m, nil
}

// wrap names the file in an error of this package.
func wrap(path string, err error) error {
	var pe *os.PathError
	switch {
	case errors.As(err, &pe):
		return err
	case errors.Is(err, ErrUnfinished), errors.Is(err, ErrVersion):
		return fmt.Errorf("%s: %w", path, err)
	}
	return &FormatError{path, err.Error()}
}

func (m *Map) readStrings() error {
	raw := make([]byte, m.h.StringsLen)
	if err := m.readAt(raw, m.h.StringsOff); err != nil {
		return err
	}
	var lines []string
	for len(raw) > 0 {
		i := bytes.IndexByte(raw, 0)
		if i < 0 {
			return errors.New("its last string has no end")
		}
		lines = append(lines, string(raw[:i]))
		raw = raw[i+1:]
	}
	const fixed = 5
	if len(lines) < fixed || uint64(len(lines)-fixed) != uint64(m.h.Argc) {
		return fmt.Errorf("it has %d strings, not %d and %d arguments", len(lines), fixed, m.h.Argc)
	}
	m.Exe, m.Dir, m.GOOS, m.GOARCH, m.Go = lines[0], lines[1], lines[2], lines[3], lines[4]
	m.Argv = lines[fixed:]
	return nil
}

// readAt fills b from the file. A file that has become shorter since its size
// was checked is damaged, not an end of file.
func (m *Map) readAt(b []byte, off uint64) error {
	n, err := m.file.ReadAt(b, int64(off))
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		return fmt.Errorf("it was cut off at %d while it was read", off+uint64(n))
	}
	return err
}

// Close closes the file. Values read before stay valid.
func (m *Map) Close() error { return m.file.Close() }

// MetaHash returns Go's meta-data hash of the packages that have registered
// (the <hash> of the binary's covmeta.<hash> file, once all have) and true. It
// is false when there is no package table, or an incomplete one, and the
// process did not note the hash either.
func (m *Map) MetaHash() (hash [16]byte, ok bool) {
	if pkgs, complete, err := m.table(); err == nil && complete && len(pkgs) > 0 {
		if sum, err := summarize(pkgs); err == nil {
			return sum.hash, true
		}
	}
	return m.h.MetaHash, m.h.MetaKnown == 1
}

// Counters reads a snapshot of all counter words into buf, which is made
// larger when it is too small, and returns it with length m.Words.
func (m *Map) Counters(buf []uint32) ([]uint32, error) {
	if cap(buf) < m.Words {
		buf = make([]uint32, m.Words)
	}
	buf = buf[:m.Words]
	if err := m.readAt(asBytes(buf), m.h.CountersOff); err != nil {
		return nil, wrap(m.Path, err)
	}
	// The words at the edges are not in the mapped pages but beside them.
	head, tail := buf[:m.h.HeadWords], buf[uint64(m.Words)-m.h.TailWords:]
	if err := m.readAt(asBytes(head), m.h.EdgeOff); err != nil {
		return nil, wrap(m.Path, err)
	}
	if err := m.readAt(asBytes(tail), m.h.EdgeOff+4*m.h.HeadWords); err != nil {
		return nil, wrap(m.Path, err)
	}
	return buf, nil
}

func asBytes(w []uint32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w))), 4*len(w))
}

// ParseName takes the name of a counter map (without folder) apart. ok is
// false for any other name.
func ParseName(name string) (pid int, start time.Time, ok bool) {
	rest, ok := strings.CutPrefix(name, FilePrefix)
	if !ok {
		return 0, time.Time{}, false
	}
	first, second, ok := strings.Cut(rest, ".")
	pid, err1 := strconv.Atoi(first)
	ns, err2 := strconv.ParseInt(second, 10, 64)
	if !ok || err1 != nil || err2 != nil || pid <= 0 || ns < 0 {
		return 0, time.Time{}, false
	}
	return pid, time.Unix(0, ns), true
}

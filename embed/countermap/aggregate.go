package countermap

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
	"unsafe"
)

// AggregateName is the name of the aggregate map of an executable.
func (b BinaryID) AggregateName() string {
	return fmt.Sprintf("%s%d.%d.%d", AggregatePrefix, b.Dev, b.Inode, b.ChangeTimeNano)
}

// ErrNoAggregate says why processes of an executable cannot count together.
var ErrNoAggregate = errors.New("its processes cannot share a map")

// CanAggregate reports whether processes of the map's executable can count
// together: an error that is [ErrNoAggregate] says why not, and is final; with
// any other the process has not told yet.
func (m *Map) CanAggregate() error {
	switch {
	case m.Flags&Aggregate != 0:
		return fmt.Errorf("%w: this is one", ErrNoAggregate)
	case m.Flags&(Whole|Table) != Whole|Table:
		return fmt.Errorf("%w: not all counters are mapped, or the carrier of the runtime is an import", ErrNoAggregate)
	case m.Binary.Inode == 0:
		return fmt.Errorf("%w: the executable is not known", ErrNoAggregate)
	case m.State != Live || m.h.MetaKnown != 1:
		return errors.New("its package main is not initialised yet")
	}
	switch m.Mode() {
	case ModeSet, ModeAtomic:
		return nil
	}
	return fmt.Errorf("%w: in mode \"count\", processes that increment at once lose increments", ErrNoAggregate)
}

// Mode is the mode of the counters, once the process has told (as of MetaHash).
func (m *Map) Mode() Mode {
	if m.h.MetaKnown != 1 || m.h.Mode > uint32(ModeAtomic) {
		return ModeUnknown
	}
	return Mode(m.h.Mode)
}

// MakeAggregate makes the aggregate map of the map's executable in a profile
// directory: processes that start from then on count into it. now is the time
// that becomes its Start. If there is one already, that one stays.
func (m *Map) MakeAggregate(dir string, now time.Time) error {
	if err := m.CanAggregate(); err != nil {
		return err
	}
	path := filepath.Join(dir, m.Binary.AggregateName())
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	head, err := m.aggregateHead(now)
	if err != nil {
		return wrap(m.Path, err)
	}
	// Under another name until it is complete. All of it is written: a page
	// without a block would end the processes when the disk is full.
	f, err := os.CreateTemp(dir, "tmp."+filepath.Base(path)+".")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails after the rename
	_, err = f.Write(head)
	for left := int64(m.h.FileSize) - int64(len(head)); left > 0 && err == nil; {
		n := min(left, int64(len(zeros)))
		_, err = f.Write(zeros[:n])
		left -= n
	}
	if err == nil {
		err = f.Chmod(0o666) // for processes of other users
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}

var zeros [64 << 10]byte

// aggregateHead is what stands before the counters: as in m, without what is
// m's process's own.
func (m *Map) aggregateHead(now time.Time) ([]byte, error) {
	if m.h.PagesOff > m.h.FileSize || m.h.PagesOff < uint64(headerLen) {
		return nil, fmt.Errorf("pages at %d", m.h.PagesOff)
	}
	head := make([]byte, m.h.PagesOff)
	if err := m.readAt(head, 0); err != nil {
		return nil, err
	}
	h := *m.h
	h.Flags = h.Flags&^uint32(ArgvTruncated) | uint32(Aggregate)
	h.Exit, h.PID, h.PPID, h.UID, h.PIDNS, h.Ticks = 0, 0, 0, 0, 0, 0
	h.StartNS = now.UnixNano()
	h.Argc, h.StringsLen = 0, uint64(len(m.Exe)+len(m.Dir)+len(m.GOOS)+len(m.GOARCH)+len(m.Go)+5)
	copy(head, unsafe.Slice((*byte)(unsafe.Pointer(&h)), headerLen))
	clear(head[h.StringsOff+h.StringsLen : m.h.StringsOff+m.h.StringsLen])
	return head, nil
}

// Record names a process that counts into an aggregate map.
type Record struct {
	PID   int    // as the process itself saw it
	PIDNS uint64 // as in Map
	Ticks uint64
	Start time.Time
}

// record is a Record in the file: see package embed/internal/rt.
type record struct {
	Kind    uint32
	PID     uint32
	PIDNS   uint64
	Ticks   uint64
	StartNS int64
}

const (
	joined    = 0x6e696f6a
	left      = 0x7466656c
	recordLen = int(unsafe.Sizeof(record{}))
)

// Records returns the processes that count into an aggregate map, in the order
// in which they began to. Words at the end of the file that are no records are
// left out.
func (m *Map) Records() ([]Record, error) {
	if m.Flags&Aggregate == 0 {
		return nil, nil
	}
	var list []Record
	raw := make([]byte, 1024*recordLen)
	for off := m.h.FileSize; off < m.size; {
		n, err := m.file.ReadAt(raw[:min(uint64(len(raw)), m.size-off)], int64(off))
		if err != nil && err != io.EOF {
			return nil, wrap(m.Path, err)
		}
		if n < recordLen {
			break
		}
		n -= n % recordLen
		for at := 0; at < n; at += recordLen {
			var r record
			copy(unsafe.Slice((*byte)(unsafe.Pointer(&r)), recordLen), raw[at:])
			list = r.addTo(list)
		}
		off += uint64(n)
	}
	return list, nil
}

func (r *record) addTo(list []Record) []Record {
	rec := Record{int(r.PID), r.PIDNS, r.Ticks, time.Unix(0, r.StartNS)}
	switch r.Kind {
	case joined:
		return append(list, rec)
	case left:
		for i := len(list) - 1; i >= 0; i-- {
			if list[i] == rec {
				return append(list[:i], list[i+1:]...)
			}
		}
	}
	return list
}

package countermap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// summary is what the head of a covmeta file says about its packages.
type summary struct {
	hash [16]byte
	mode Mode
	gran uint8
}

// Go's names of modes and granularities (internal/coverage/defs.go).
var (
	modeNames = [...]string{"", "set", "count", "atomic", "regonly", "testmain"}
	granNames = [...]string{"", "perblock", "perfunc"}
)

// summarize computes hash, mode and granularity as Go's runtime does before it
// names its files (internal/coverage/cfile/emit.go, prepareForMetaEmit).
func summarize(pkgs []PackageRef) (s summary, err error) {
	const regOnly, testMain = 4, 5
	if len(pkgs) == 0 {
		return s, errors.New("no package had registered")
	}
	h := fnv.New128a()
	s.gran = pkgs[0].Gran
	for i, p := range pkgs {
		h.Write(p.Hash[:])
		if p.Mode != regOnly && p.Mode != testMain {
			if s.mode == 0 {
				s.mode = p.Mode
			}
			if p.Mode != s.mode {
				return s, fmt.Errorf("package %d has counter mode %d, those before it %d", i, p.Mode, s.mode)
			}
		}
		if p.Gran != s.gran {
			return s, fmt.Errorf("package %d has granularity %d, those before it %d", i, p.Gran, s.gran)
		}
	}
	if int(s.mode) >= len(modeNames) || s.mode == 0 || int(s.gran) >= len(granNames) || s.gran == 0 {
		return s, fmt.Errorf("unknown counter mode %d or granularity %d", s.mode, s.gran)
	}
	io.WriteString(h, modeNames[s.mode])
	io.WriteString(h, granNames[s.gran])
	h.Sum(s.hash[:0])
	return s, nil
}

const (
	// metaFixed is the size of coverage.MetaFileHeader.
	metaFixed = 56
	// noStrings is a string table with one entry, which is empty.
	noStrings = "\x01\x00"
)

// encodeMeta makes a covmeta file, in Go's format (internal/coverage/defs.go):
// header, offsets of the packages, their lengths, a string table
// without use, blobs.
func encodeMeta(pkgs []PackageRef, blobs [][]byte) ([]byte, error) {
	s, err := summarize(pkgs)
	if err != nil {
		return nil, err
	}
	table := uint64(metaFixed + 16*len(blobs))
	off := table + uint64(len(noStrings))
	size := off
	for _, b := range blobs {
		size += uint64(len(b))
	}
	le := binary.LittleEndian
	out := make([]byte, 0, size)
	out = append(out, "\x00cvm"...)
	out = le.AppendUint32(out, 1)
	out = le.AppendUint64(out, size)
	out = le.AppendUint64(out, uint64(len(blobs)))
	out = append(out, s.hash[:]...)
	out = le.AppendUint32(out, uint32(table))
	out = le.AppendUint32(out, uint32(len(noStrings)))
	out = append(out, byte(s.mode), s.gran, 0, 0, 0, 0, 0, 0)
	for _, b := range blobs {
		out = le.AppendUint64(out, off)
		off += uint64(len(b))
	}
	for _, b := range blobs {
		out = le.AppendUint64(out, uint64(len(b)))
	}
	out = append(out, noStrings...)
	for _, b := range blobs {
		out = append(out, b...)
	}
	return out, nil
}

// splitMeta returns the package blobs of a covmeta file.
func splitMeta(b []byte) (blobs [][]byte, err error) {
	le := binary.LittleEndian
	if len(b) < metaFixed || string(b[:4]) != "\x00cvm" || le.Uint32(b[4:]) != 1 {
		return nil, errors.New("no header of version 1")
	}
	n := le.Uint64(b[16:])
	if n == 0 || n > uint64(len(b)-metaFixed)/16 {
		return nil, fmt.Errorf("%d packages in %d bytes", n, len(b))
	}
	for i := uint64(0); i < n; i++ {
		off, size := le.Uint64(b[metaFixed+8*i:]), le.Uint64(b[metaFixed+8*(n+i):])
		if off > uint64(len(b)) || size > uint64(len(b))-off || size == 0 {
			return nil, fmt.Errorf("package %d does not fit", i)
		}
		blobs = append(blobs, b[off:off+size])
	}
	return blobs, nil
}

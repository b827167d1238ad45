package countermap

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
)

// MetaBelongs reports whether a covmeta file was written by the executable
// that the map names: every package blob of it is found in the executable's
// read-only data. It serves maps without a package table (flag Table), whose
// process could not tell its hash.
func (m *Map) MetaBelongs(covmeta []byte) (bool, error) {
	blobs, err := splitMeta(covmeta)
	if err != nil {
		return false, fmt.Errorf("not a covmeta file: %w", err)
	}
	x, err := m.executable()
	if err != nil {
		return false, fmt.Errorf("%s: %w", m.Path, err)
	}
	defer x.close()
	for _, p := range x.load {
		if p.Flags&elf.PF_W != 0 || p.Filesz == 0 {
			continue
		}
		data, err := readFull(x.file, p.Off, p.Filesz)
		if err != nil {
			return false, fmt.Errorf("%s: %w", x.path, err)
		}
		missing := blobs[:0]
		for _, b := range blobs {
			if !bytes.Contains(data, b) {
				missing = append(missing, b)
			}
		}
		blobs = missing
	}
	return len(blobs) == 0, nil
}

// splitMeta returns the package blobs of a covmeta file.
func splitMeta(b []byte) (blobs [][]byte, err error) {
	const fixed = 56
	le := binary.LittleEndian
	if len(b) < fixed || string(b[:4]) != "\x00cvm" || le.Uint32(b[4:]) != 1 {
		return nil, errors.New("no header of version 1")
	}
	n := le.Uint64(b[16:])
	if n == 0 || n > uint64(len(b)-fixed)/16 {
		return nil, fmt.Errorf("%d packages in %d bytes", n, len(b))
	}
	for i := uint64(0); i < n; i++ {
		off, size := le.Uint64(b[fixed+8*i:]), le.Uint64(b[fixed+8*(n+i):])
		if off > uint64(len(b)) || size > uint64(len(b))-off || size == 0 {
			return nil, fmt.Errorf("package %d does not fit", i)
		}
		blobs = append(blobs, b[off:off+size])
	}
	return blobs, nil
}

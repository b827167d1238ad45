package countermap

import (
	"encoding/binary"
	"fmt"
)

// Packages returns the packages that registered before the process ended (or
// before this call), in order; their paths are read from the executable and
// are empty when that is gone. complete is false when the table overflowed
// (then only the covmeta file knows the rest) and when there is no table (flag
// Table).
func (m *Map) Packages() (pkgs []PackageRef, complete bool, err error) {
	pkgs, complete, err = m.table()
	if err != nil {
		return nil, false, wrap(m.Path, err)
	}
	if x, err := m.executable(); err == nil {
		defer x.close()
		for i := range pkgs {
			if path, err := x.read(pkgs[i].pathAddr, pkgs[i].pathLen, maxStrings); err == nil {
				pkgs[i].Path = string(path)
			}
		}
	}
	return pkgs, complete, nil
}

// table reads the package table.
func (m *Map) table() (pkgs []PackageRef, complete bool, err error) {
	if m.Flags&Table == 0 {
		return nil, false, nil
	}
	h := m.h
	// Most of a table is unused; read it piece by piece.
	const piece = 64
	raw := make([]byte, piece*int(h.EntrySize))
	for i := uint64(0); i < h.TableCap; i++ {
		if i%piece == 0 {
			n := min(piece, h.TableCap-i)
			raw = raw[:n*uint64(h.EntrySize)]
			if err := m.readAt(raw, h.TableOff+i*uint64(h.EntrySize)); err != nil {
				return nil, false, err
			}
		}
		e := raw[i%piece*uint64(h.EntrySize):]
		p := PackageRef{
			Len:      binary.NativeEndian.Uint32(e[h.EntryLen:]),
			ID:       int(m.word(e[h.EntryID:])),
			Mode:     Mode(e[h.EntryMode]),
			Gran:     e[h.EntryGran],
			addr:     uint64(m.word(e[h.EntryPtr:])),
			pathAddr: uint64(m.word(e[h.EntryPath:])),
			pathLen:  uint64(m.word(e[h.EntryPath+h.PtrSize:])),
		}
		copy(p.Hash[:], e[h.EntryHash:])
		if p.Len == 0 {
			return pkgs, true, nil
		}
		if p.Len > maxBlob {
			return nil, false, fmt.Errorf("package %d of its table has %d bytes of meta-data", i, p.Len)
		}
		pkgs = append(pkgs, p)
	}
	return pkgs, false, nil
}

// word reads a word of the process, sign-extended.
func (m *Map) word(b []byte) int64 {
	if m.h.PtrSize == 4 {
		return int64(int32(binary.NativeEndian.Uint32(b)))
	}
	return int64(binary.NativeEndian.Uint64(b))
}

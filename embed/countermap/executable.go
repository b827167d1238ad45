package countermap

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// executable reads memory of the process that the executable file still has.
type executable struct {
	file file
	size int64
	path string
	bias uint64 // address in the process minus address in the file
	load []elf.ProgHeader
}

func (x *executable) close() { x.file.Close() }

// executable opens the file that the process ran, if it is still the same. A
// live process is asked first: its file may be deleted or replaced.
func (m *Map) executable() (*executable, error) {
	if m.Exe == "" {
		return nil, errors.New("it does not name its executable")
	}
	var first error
	for _, path := range m.exePaths() {
		x, err := m.openExecutable(path)
		if err == nil {
			return x, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

func (m *Map) openExecutable(path string) (*executable, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|openExeFlags, 0)
	if err != nil {
		return nil, err
	}
	x, err := m.sameExecutable(f, path)
	if err != nil {
		f.Close()
		return nil, err
	}
	return x, nil
}

func (m *Map) sameExecutable(f *os.File, path string) (*executable, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if b := m.Binary; b.Size != 0 && (info.Size() != b.Size || info.ModTime().UnixNano() != b.ModTimeNano) {
		return nil, fmt.Errorf("%s was rebuilt since the process started", path)
	}
	return m.newExecutable(f, info.Size(), path)
}

func (m *Map) newExecutable(f file, size int64, path string) (*executable, error) {
	e, err := elf.NewFile(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	x := &executable{file: f, size: size, path: path}
	var phdr, first *elf.Prog
	for _, p := range e.Progs {
		switch p.Type {
		case elf.PT_PHDR:
			phdr = p
		case elf.PT_LOAD:
			if first == nil {
				first = p
			}
			x.load = append(x.load, p.ProgHeader)
		}
	}
	switch {
	case m.h.Phdr == 0:
		// Not known where it was loaded: right if it is not relocatable.
	case phdr != nil:
		x.bias = m.h.Phdr - phdr.Vaddr
	case first != nil:
		x.bias = m.h.Phdr&^uint64(m.h.PageSize-1) - first.Vaddr
	}
	return x, nil
}

// read reads n bytes, at most limit, at an address of the process.
func (x *executable) read(addr, n, limit uint64) ([]byte, error) {
	if n > limit {
		return nil, fmt.Errorf("%d bytes are too many", n)
	}
	at := addr - x.bias
	for _, p := range x.load {
		if at < p.Vaddr || at-p.Vaddr > p.Filesz || n > p.Filesz-(at-p.Vaddr) {
			continue
		}
		b, err := x.readFull(p.Off+(at-p.Vaddr), n)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", x.path, err)
		}
		return b, nil
	}
	return nil, fmt.Errorf("%s has no %d bytes at address %#x", x.path, n, addr)
}

// readFull reads n bytes at off of the file; what is claimed to be there is not
// allocated before it has been seen to be in the file.
func (x *executable) readFull(off, n uint64) ([]byte, error) {
	if size := uint64(x.size); off > size || n > size-off {
		return nil, io.ErrUnexpectedEOF
	}
	b := make([]byte, n)
	if _, err := x.file.ReadAt(b, int64(off)); err != nil && err != io.EOF {
		return nil, err
	}
	return b, nil
}

// MetaFromExecutable makes the content of the covmeta file for the packages
// that have registered, from the executable file that the map names; every
// blob is checked by its length and hash. Errors say why it is impossible: the executable
// is gone, was rebuilt since, or the map has no complete package table.
func (m *Map) MetaFromExecutable() (covmeta []byte, err error) {
	fail := func(err error) ([]byte, error) {
		return nil, fmt.Errorf("%s: no meta-data from the executable: %w", m.Path, err)
	}
	pkgs, complete, err := m.table()
	if err != nil {
		return fail(err)
	}
	if m.Flags&Table == 0 {
		return fail(errors.New("the map has no package table"))
	}
	if !complete {
		return fail(fmt.Errorf("more than %d packages", len(pkgs)))
	}
	if len(pkgs) == 0 {
		return fail(errors.New("no package had registered"))
	}
	x, err := m.executable()
	if err != nil {
		return fail(err)
	}
	defer x.close()
	if covmeta, err = x.meta(pkgs); err != nil {
		return fail(err)
	}
	return covmeta, nil
}

// meta makes the covmeta file of the packages.
func (x *executable) meta(pkgs []PackageRef) ([]byte, error) {
	blobs := make([][]byte, len(pkgs))
	total := uint64(0)
	for i, p := range pkgs {
		// Each package has its own piece of the file.
		if total += uint64(p.Len); total > uint64(x.size) {
			return nil, fmt.Errorf("%d packages have more meta-data than %s has bytes", len(pkgs), x.path)
		}
		var err error
		if blobs[i], err = x.blob(p); err != nil {
			return nil, err
		}
	}
	return encodeMeta(pkgs, blobs)
}

// blob reads the meta-data of one package. It begins with a
// coverage.MetaSymbolHeader, which has the blob's length and the hash that the
// process registered.
func (x *executable) blob(p PackageRef) ([]byte, error) {
	const header, blobHash = 40, 16
	if p.Len < header {
		return nil, fmt.Errorf("meta-data of %d bytes is too short", p.Len)
	}
	b, err := x.read(p.addr, uint64(p.Len), maxBlob)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(b[blobHash:][:len(p.Hash)], p.Hash[:]) || binary.LittleEndian.Uint32(b) != p.Len {
		return nil, fmt.Errorf("%s has other bytes than the process at address %#x", x.path, p.addr)
	}
	return b, nil
}

package countermap

import (
	"crypto/md5"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// executable reads memory of the process that the executable file still has.
type executable struct {
	file *os.File
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
	x, err := m.newExecutable(f, path)
	if err != nil {
		f.Close()
		return nil, err
	}
	return x, nil
}

func (m *Map) newExecutable(f *os.File, path string) (*executable, error) {
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
	e, err := elf.NewFile(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	x := &executable{file: f, path: path}
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
		b, err := readFull(x.file, p.Off+(at-p.Vaddr), n)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", x.path, err)
		}
		return b, nil
	}
	return nil, fmt.Errorf("%s has no %d bytes at address %#x", x.path, n, addr)
}

// readFull reads n bytes at off; what is claimed to be there is not allocated
// before it has been seen to be in the file.
func readFull(f *os.File, off, n uint64) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if size := uint64(info.Size()); off > size || n > size-off {
		return nil, io.ErrUnexpectedEOF
	}
	b := make([]byte, n)
	_, err = f.ReadAt(b, int64(off))
	if err == io.EOF {
		err = nil
	}
	return b, err
}

// MetaFromExecutable makes the content of the covmeta file for the packages
// that have registered, from the executable file that the map names; every
// blob is checked by its md5. Errors say why it is impossible: the executable
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
	blobs := make([][]byte, len(pkgs))
	for i, p := range pkgs {
		if blobs[i], err = x.blob(p); err != nil {
			return fail(err)
		}
	}
	return encodeMeta(pkgs, blobs)
}

// blob reads the meta-data of one package.
func (x *executable) blob(p PackageRef) ([]byte, error) {
	b, err := x.read(p.addr, uint64(p.Len), maxBlob)
	if err != nil {
		return nil, err
	}
	if md5.Sum(b) != p.Hash {
		return nil, fmt.Errorf("%s has other bytes than the process at address %#x", x.path, p.addr)
	}
	return b, nil
}

// encodeMeta makes a covmeta file with the name hash that Go gives it.
func encodeMeta(pkgs []PackageRef, blobs [][]byte) ([]byte, error) {
	const regOnly, testMain = 4, 5
	modes := []string{"", "set", "count", "atomic", "regonly", "testmain"}
	grans := []string{"", "perblock", "perfunc"}
	h := fnv.New128a()
	mode, gran := Mode(0), pkgs[0].Gran
	for i, p := range pkgs {
		h.Write(p.Hash[:])
		if p.Mode != regOnly && p.Mode != testMain {
			if mode == 0 {
				mode = p.Mode
			}
			if p.Mode != mode {
				return nil, fmt.Errorf("package %d has counter mode %d, those before it %d", i, p.Mode, mode)
			}
		}
		if p.Gran != gran {
			return nil, fmt.Errorf("package %d has granularity %d, those before it %d", i, p.Gran, gran)
		}
	}
	if int(mode) >= len(modes) || mode == 0 || int(gran) >= len(grans) || gran == 0 {
		return nil, fmt.Errorf("unknown counter mode %d or granularity %d", mode, gran)
	}
	io.WriteString(h, modes[mode])
	io.WriteString(h, grans[gran])

	const fixed = 56 // coverage.MetaFileHeader
	table := uint64(fixed + 16*len(blobs))
	off := table + 1
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
	out = h.Sum(out)
	out = le.AppendUint32(out, uint32(table))
	out = le.AppendUint32(out, 1)
	out = append(out, byte(mode), gran, 0, 0, 0, 0, 0, 0)
	for _, b := range blobs {
		out = le.AppendUint64(out, off)
		off += uint64(len(b))
	}
	for _, b := range blobs {
		out = le.AppendUint64(out, uint64(len(b)))
	}
	out = append(out, 0) // an empty string table
	for _, b := range blobs {
		out = append(out, b...)
	}
	return out, nil
}

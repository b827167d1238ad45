package covdata

import (
	"fmt"
)

// metaMagic begins a meta-data file.
const metaMagic = "\x00cvm"

const (
	metaHeaderSize = 56
	blobHeaderSize = 44
)

// Meta is the meta-data of one binary.
type Meta struct {
	Hash        Hash // names the binary; counters refer to it
	Mode        Mode
	Granularity Granularity
	Packages    []Package // in the order in which counters number them
}

// Package is the meta-data of one instrumented package.
type Package struct {
	Path, Name, Module string
	Hash               Hash
	Funcs              []Func // in the order in which counters number them
	// Blob is the encoded form, a part of the data that was decoded.
	Blob []byte
}

// Func is one function with its units.
type Func struct {
	Name string // "Open", "(*File).Close" as Go's cover tool writes it
	File string // import path of the package and base name of the file
	// Literal is true for a function literal outside of any function.
	Literal bool
	Units   []Unit // one counter each, in this order
}

// Unit is one block of statements that run together.
type Unit struct {
	StartLine, StartCol uint32
	EndLine, EndCol     uint32
	// Stmts is the number of statements; 0 in the block of an empty body.
	Stmts uint32
}

// DecodeMeta decodes a whole meta-data file. The result refers to data, which
// must not change afterwards. An error names the file and what is wrong in it.
func DecodeMeta(file string, data []byte) (*Meta, error) {
	r := &reader{data: data}
	if magic := r.bytes(4, "magic"); r.err == nil && string(magic) != metaMagic {
		return nil, fmt.Errorf("%s: not a Go coverage meta-data file: it begins with %q instead of %q", file, magic, metaMagic)
	}
	if v := r.uint32("version"); r.err == nil && v != Version {
		return nil, fmt.Errorf("%s: meta-data of version %d; this covwrap reads version %d, a newer one may read it", file, v, Version)
	}
	m := &Meta{}
	total, n := r.uint64("length of the file"), r.uint64("number of packages")
	copy(m.Hash[:], r.bytes(16, "hash"))
	r.uint32("string table offset")
	r.uint32("string table length")
	flags := r.bytes(8, "mode")
	if r.err != nil {
		return nil, fmt.Errorf("%s: truncated header: %w", file, r.err)
	}
	m.Mode, m.Granularity = Mode(flags[0]), Granularity(flags[1])
	if total != uint64(len(data)) {
		return nil, fmt.Errorf("%s: the header promises %d bytes, but the file has %d", file, total, len(data))
	}
	if m.Mode < ModeSet || m.Mode > ModeAtomic {
		return nil, fmt.Errorf("%s: counter mode %d is none of set, count, atomic", file, flags[0])
	}
	if m.Granularity != PerBlock && m.Granularity != PerFunc {
		return nil, fmt.Errorf("%s: counter granularity %d is neither per block nor per function", file, flags[1])
	}
	if n > uint64(r.left()/16) {
		return nil, fmt.Errorf("%s: the header promises %d packages, but only %d bytes follow", file, n, r.left())
	}
	offsets, lengths := r.bytes(8*n, "package offsets"), r.bytes(8*n, "package lengths")
	r.strings("string table")
	if r.err != nil {
		return nil, fmt.Errorf("%s: %w", file, r.err)
	}
	m.Packages = make([]Package, n)
	for i := range m.Packages {
		// Packages that shared bytes would let a small file describe a huge
		// number of units, so each must begin where the one before ended.
		off, length := le.Uint64(offsets[8*i:]), le.Uint64(lengths[8*i:])
		if off != uint64(r.off) {
			return nil, fmt.Errorf("%s: package %d begins at byte %d, not at byte %d", file, i, off, r.off)
		}
		blob := r.bytes(length, fmt.Sprintf("package %d", i))
		if r.err != nil {
			return nil, fmt.Errorf("%s: %w", file, r.err)
		}
		p, err := DecodePackage(blob)
		if err != nil {
			return nil, fmt.Errorf("%s: package %d: %w", file, i, err)
		}
		m.Packages[i] = *p
	}
	return m, nil
}

// DecodePackage decodes the meta-data of one package. The result's Blob is
// blob, which must not change afterwards.
func DecodePackage(blob []byte) (*Package, error) {
	r := &reader{data: blob}
	length := r.uint32("length")
	name, path, module := r.uint32("name"), r.uint32("path"), r.uint32("module")
	p := &Package{Blob: blob}
	copy(p.Hash[:], r.bytes(16, "hash"))
	r.uint32("unused bytes")
	r.uint32("number of files")
	n := r.uint32("number of functions")
	if r.err == nil && uint64(length) != uint64(len(blob)) {
		r.fail("the header promises %d bytes, but there are %d", length, len(blob))
	}
	offsets := r.bytes(4*uint64(n), "function offsets")
	table := r.strings("string table")
	p.Name, p.Path, p.Module = r.entry(table, name, "package name"), r.entry(table, path, "package path"), r.entry(table, module, "module path")
	if r.err != nil {
		return nil, r.err
	}
	p.Funcs = make([]Func, n)
	for i := range p.Funcs {
		// Functions that shared bytes would let a small file describe a huge
		// number of units, so each must begin where the one before ended.
		if off := uint64(le.Uint32(offsets[4*i:])); off != uint64(r.off) {
			return nil, fmt.Errorf("function %d of %s begins at byte %d, not at byte %d", i, p.Path, off, r.off)
		}
		p.Funcs[i] = decodeFunc(r, table)
		if r.err != nil {
			return nil, fmt.Errorf("function %d of %s: %w", i, p.Path, r.err)
		}
	}
	return p, nil
}

// decodeFunc decodes the function that begins at r.
func decodeFunc(r *reader, table []string) Func {
	n := r.count(5, "number of units")
	f := Func{Name: r.entry(table, r.uleb32("name"), "function name"), File: r.entry(table, r.uleb32("file"), "file name")}
	f.Units = make([]Unit, n)
	for i := range f.Units {
		f.Units[i] = Unit{
			StartLine: r.uleb32("start line"), StartCol: r.uleb32("start column"),
			EndLine: r.uleb32("end line"), EndCol: r.uleb32("end column"),
			Stmts: r.uleb32("number of statements"),
		}
	}
	f.Literal = r.uleb("literal flag") != 0
	return f
}

// EncodeMeta returns a meta-data file, byte for byte as Go's runtime writes it
// for a binary whose packages have these blobs.
func EncodeMeta(hash Hash, mode Mode, gran Granularity, blobs [][]byte) []byte {
	table := appendStrings(nil, []string{""})
	payload := metaHeaderSize + 16*len(blobs) + len(table)
	total := payload
	for _, b := range blobs {
		total += len(b)
	}
	dst := make([]byte, 0, total)
	dst = append(dst, metaMagic...)
	dst = le.AppendUint32(dst, Version)
	dst = le.AppendUint64(dst, uint64(total))
	dst = le.AppendUint64(dst, uint64(len(blobs)))
	dst = append(dst, hash[:]...)
	dst = le.AppendUint32(dst, uint32(payload-len(table)))
	dst = le.AppendUint32(dst, uint32(len(table)))
	dst = append(dst, byte(mode), byte(gran), 0, 0, 0, 0, 0, 0)
	off := uint64(payload)
	for _, b := range blobs {
		dst = le.AppendUint64(dst, off)
		off += uint64(len(b))
	}
	for _, b := range blobs {
		dst = le.AppendUint64(dst, uint64(len(b)))
	}
	dst = append(dst, table...)
	for _, b := range blobs {
		dst = append(dst, b...)
	}
	return dst
}

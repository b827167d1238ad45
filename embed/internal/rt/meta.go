package rt

import "math/bits"

// Go's names of counter modes and granularities (internal/coverage/defs.go);
// they enter the hash of the meta-data.
var (
	modeNames = [...]string{"<invalid>", "set", "count", "atomic", "regonly", "testmain"}
	granNames = [...]string{"<invalid>", "perblock", "perfunc"}
)

const (
	modeInvalid  = 0
	modeRegOnly  = 4
	modeTestMain = 5
)

// metaFile is what goes into a covmeta file.
type metaFile struct {
	hash       [16]byte
	mode, gran uint8
	size       int
}

// summary computes what Go's own runtime (internal/coverage/cfile/emit.go,
// prepareForMetaEmit) computes before it writes the covmeta file: ok is false
// when the list is empty, and when Go would refuse it because the packages do
// not agree on mode or granularity.
func (l *MetaList) summary() (f metaFile, ok bool) {
	n := l.slice().len
	if n == 0 {
		return f, false
	}
	h := newFnv128a()
	f.size = metaHeaderLen + 16*n + len(noStrings)
	for i := 0; i < n; i++ {
		sum := l.hash(i)
		h.write(sum[:])
		f.size += int(l.len(i))
		if m := l.mode(i); m != modeRegOnly && m != modeTestMain {
			if f.mode == modeInvalid {
				f.mode = m
			}
			if f.mode != m {
				return f, false
			}
		}
		if f.gran == 0 {
			f.gran = l.gran(i)
		}
		if f.gran != l.gran(i) {
			return f, false
		}
	}
	if int(f.mode) >= len(modeNames) || int(f.gran) >= len(granNames) {
		return f, false
	}
	h.write([]byte(modeNames[f.mode]))
	h.write([]byte(granNames[f.gran]))
	f.hash = h.sum()
	return f, true
}

const (
	// metaHeaderLen is the size of coverage.MetaFileHeader.
	metaHeaderLen = 56
	// noStrings is a string table with one entry, which is empty.
	noStrings = "\x01\x00"
)

// content is the covmeta file, in Go's own format (drawn in
// internal/coverage/defs.go): header, offsets of the packages, their lengths,
// a string table without use, and the packages' blobs. It is always little-endian.
func (l *MetaList) content(f metaFile) []byte {
	n := l.slice().len
	b := make([]byte, 0, f.size)
	b = append(b, "\x00cvm"...)
	b = le32(b, 1)
	b = le64(b, uint64(f.size))
	b = le64(b, uint64(n))
	b = append(b, f.hash[:]...)
	b = le32(b, uint32(metaHeaderLen+16*n)) // string table
	b = le32(b, uint32(len(noStrings)))
	b = append(b, f.mode, f.gran, 0, 0, 0, 0, 0, 0)
	off := uint64(metaHeaderLen + 16*n + len(noStrings))
	for i := 0; i < n; i++ {
		b = le64(b, off)
		off += uint64(l.len(i))
	}
	for i := 0; i < n; i++ {
		b = le64(b, uint64(l.len(i)))
	}
	b = append(b, noStrings...)
	for i := 0; i < n; i++ {
		b = append(b, l.blob(i)...)
	}
	return b
}

func le32(b []byte, v uint32) []byte {
	return append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
}

func le64(b []byte, v uint64) []byte { return le32(le32(b, uint32(v)), uint32(v>>32)) }

// fnv128a is hash/fnv's New128a, here because this package is initialised
// before hash/fnv.
type fnv128a struct{ hi, lo uint64 }

func newFnv128a() fnv128a { return fnv128a{0x6c62272e07bb0142, 0x62b821756295c58d} }

func (h *fnv128a) write(p []byte) {
	const primeLo, primeShift = 0x13b, 24
	for _, c := range p {
		h.lo ^= uint64(c)
		hi, lo := bits.Mul64(primeLo, h.lo)
		hi += h.lo<<primeShift + primeLo*h.hi
		h.hi, h.lo = hi, lo
	}
}

func (h *fnv128a) sum() (s [16]byte) {
	for i := 0; i < 8; i++ {
		s[i] = byte(h.hi >> (56 - 8*i))
		s[8+i] = byte(h.lo >> (56 - 8*i))
	}
	return s
}

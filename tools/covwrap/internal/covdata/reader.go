package covdata

import (
	"encoding/binary"
	"fmt"
)

// reader takes values from the front of a byte slice. The first one that does
// not fit sets err; all later ones are zero, so that callers check once per
// group of values.
type reader struct {
	data []byte
	off  int
	err  error
}

// fail remembers the first thing that went wrong.
func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// left returns how many bytes have not been read.
func (r *reader) left() int { return len(r.data) - r.off }

// bytes returns the next n bytes, nil if there are fewer.
func (r *reader) bytes(n uint64, what string) []byte {
	if r.err != nil {
		return nil
	}
	if n > uint64(r.left()) {
		r.fail("%s of %d bytes begins at byte %d, but the data ends at byte %d", what, n, r.off, len(r.data))
		return nil
	}
	b := r.data[r.off : r.off+int(n) : r.off+int(n)]
	r.off += int(n)
	return b
}

// uint32 returns the next 4 bytes as a number.
func (r *reader) uint32(what string) uint32 {
	if b := r.bytes(4, what); b != nil {
		return le.Uint32(b)
	}
	return 0
}

// uint64 returns the next 8 bytes as a number.
func (r *reader) uint64(what string) uint64 {
	if b := r.bytes(8, what); b != nil {
		return le.Uint64(b)
	}
	return 0
}

// uleb returns the next number in uleb128.
func (r *reader) uleb(what string) uint64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.data[r.off:])
	switch {
	case n == 0:
		r.fail("%s begins at byte %d, but the data ends at byte %d", what, r.off, len(r.data))
		return 0
	case n < 0:
		r.fail("%s at byte %d is longer than 64 bits", what, r.off)
		return 0
	}
	r.off += n
	return v
}

// uleb32 returns the next number in uleb128 and refuses more than 32 bits.
func (r *reader) uleb32(what string) uint32 {
	at := r.off
	v := r.uleb(what)
	if v > 1<<32-1 {
		r.fail("%s at byte %d is %d, more than 32 bits", what, at, v)
		return 0
	}
	return uint32(v)
}

// count returns the next number in uleb128 as the number of things that
// follow, each of at least size bytes. A count that could not fit is refused
// before anything is allocated for it.
func (r *reader) count(size int, what string) int {
	at := r.off
	n := r.uleb(what)
	if n > uint64(r.left()/size) {
		r.fail("%s at byte %d is %d, but only %d bytes follow", what, at, n, r.left())
		return 0
	}
	return int(n)
}

// strings reads a string table. All strings share the memory of one copy.
func (r *reader) strings(what string) []string {
	n := r.count(1, what+"'s number of entries")
	if r.err != nil {
		return nil
	}
	from := r.off
	ends := make([]int, 0, 2*n)
	for range n {
		b := r.bytes(r.uleb(what+" entry's length"), what+" entry")
		if r.err != nil {
			return nil
		}
		ends = append(ends, r.off-len(b)-from, r.off-from)
	}
	all := string(r.data[from:r.off])
	table := make([]string, n)
	for i := range table {
		table[i] = all[ends[2*i]:ends[2*i+1]]
	}
	return table
}

// entry returns string i of a table.
func (r *reader) entry(table []string, i uint32, what string) string {
	if r.err != nil {
		return ""
	}
	if uint64(i) >= uint64(len(table)) {
		r.fail("%s is string %d of a table of %d", what, i, len(table))
		return ""
	}
	return table[i]
}

// appendStrings appends a string table.
func appendStrings(dst []byte, table []string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(table)))
	for _, s := range table {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	return dst
}

// Package flush writes counters in Go's own file format, for processes without a
// counter map.
package flush

import (
	"encoding/binary"
	"sync/atomic"
)

// function is what one function has counted since the last flush.
type function struct {
	pkg, fn  uint32
	counters []uint32
	live     []uint32 // where they came from
}

// snapshot copies all counts. The words of a function are: number of counters,
// package id, function id, counters.
func snapshot(words []uint32) (fs []function) {
	const head = 3
	for i := 0; i < len(words); {
		n := int(atomic.LoadUint32(&words[i]))
		if n == 0 {
			i++
			continue
		}
		if n > len(words)-i-head {
			return fs
		}
		id, fn := int32(atomic.LoadUint32(&words[i+1])), atomic.LoadUint32(&words[i+2])
		live := words[i+head : i+head+n]
		i += head + n
		if id <= 0 {
			continue // a package of the runtime itself; only Go knows its index
		}
		f := function{pkg: uint32(id - 1), fn: fn, live: live}
		for j := range live {
			c := atomic.LoadUint32(&live[j])
			if c == 0 {
				continue
			}
			if f.counters == nil {
				f.counters = make([]uint32, n)
			}
			f.counters[j] = c
		}
		if f.counters != nil {
			fs = append(fs, f)
		}
	}
	return fs
}

// subtract takes the counts of a snapshot off the program's counters, once they
// are in a file, so that the files of several flushes, and of Go's own emission
// at exit, add up to what the program did. It comes after the file: a process
// that is ended in between has lost nothing. One that exits in between waits
// (turn); where it cannot, it is counted twice for that moment.
func subtract(fs []function) {
	for _, f := range fs {
		for j, c := range f.counters {
			for c != 0 {
				old := atomic.LoadUint32(&f.live[j])
				// Smaller when the program itself has cleared its counters.
				if atomic.CompareAndSwapUint32(&f.live[j], old, old-min(old, c)) {
					break
				}
			}
		}
	}
}

// encode makes a covcounters file (internal/coverage/defs.go): header, one
// segment with a string table and key-value pairs, both of them short, the
// functions, footer.
func encode(hash [16]byte, fs []function) []byte {
	const magic = "\x00cwm"
	const uleb = 2 // coverage.CtrULeb128
	le := binary.LittleEndian
	b := append([]byte(nil), magic...)
	b = le.AppendUint32(b, 1)
	b = append(b, hash[:]...)
	b = append(b, uleb, 0, 0, 0, 0, 0, 0, 0)

	// The string table has one string, which is empty; there are no pairs.
	// Together they are padded to a multiple of 4 bytes.
	strings := []byte{1, 0}
	pairs := []byte{0, 0}
	b = le.AppendUint64(b, uint64(len(fs)))
	b = le.AppendUint32(b, uint32(len(strings)))
	b = le.AppendUint32(b, uint32(len(pairs)))
	b = append(append(b, strings...), pairs...)
	for _, f := range fs {
		b = binary.AppendUvarint(b, uint64(len(f.counters)))
		b = binary.AppendUvarint(b, uint64(f.pkg))
		b = binary.AppendUvarint(b, uint64(f.fn))
		for _, c := range f.counters {
			b = binary.AppendUvarint(b, uint64(c))
		}
	}
	b = append(b, magic...)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint32(b, 1) // segments
	return le.AppendUint32(b, 0)
}

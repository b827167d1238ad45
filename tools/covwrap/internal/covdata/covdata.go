// Package covdata decodes and encodes the two files that a Go coverage build
// writes: the meta-data file, which says which blocks a binary has, and the
// counter file, which says how often they ran.
//
// Go keeps its own code for them in internal packages. The formats, version 1
// of each, are described in Go's internal/coverage/defs.go and are the same in
// Go 1.24, 1.25 and 1.26:
//
//	meta-data file                        one package's meta-data ("blob")
//	+--------------------------------+    +--------------------------------+
//	| magic "\x00cvm", version    8  |    | length of the blob          4  |
//	| length of the file          8  |    | name, path, module     3 x  4  |
//	| number of packages (n)      8  |    | hash                       16  |
//	| hash                       16  |    | unused                      4  |
//	| string table offset, len    8  |    | files, functions (f)   2 x  4  |
//	| mode, granularity, unused   8  |    | offsets of functions   f x  4  |
//	| offsets of blobs        n x 8  |    | string table                   |
//	| lengths of blobs        n x 8  |    | per function, in uleb128:      |
//	| string table                   |    |   units, name, file            |
//	| blobs                          |    |   unit: lines, columns, stmts  |
//	+--------------------------------+    |   literal                      |
//	                                      +--------------------------------+
//	counter file
//	+--------------------------------+
//	| magic "\x00cwm", version    8  |
//	| meta-data hash             16  |
//	| flavour, endian, unused     8  |
//	+--------------------------------+   one or more segments, each followed
//	| functions                   8  |   by a footer
//	| string table, args lengths  8  |
//	| string table                   |
//	| args, padded to 4              |
//	| per function:                  |
//	|   counters, package, function  |
//	|   the counters                 |
//	+--------------------------------+
//	| magic, unused               8  |
//	| segments so far, unused     8  |
//	+--------------------------------+
//
// All numbers are little-endian. Every function here takes the name of its
// input for error messages, and none trusts a length or an offset: a reader is
// given whatever a dying or hostile process left behind.
package covdata

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
)

// Version is the version of both file formats that this package knows.
const Version = 1

// Hash identifies a package's meta-data or a whole binary's. It is FNV-1a of
// 128 bits in everything that Go writes.
type Hash [16]byte

// String returns the hash as file names spell it, 32 hexadecimal digits.
func (h Hash) String() string { return fmt.Sprintf("%x", h[:]) }

// ParseHash is the opposite of [Hash.String].
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != 2*len(h) {
		return h, fmt.Errorf("%q is no meta-data hash: it has %d characters, not %d", s, len(s), 2*len(h))
	}
	for i := range h {
		hi, lo := unhex(s[2*i]), unhex(s[2*i+1])
		if hi > 15 || lo > 15 {
			return h, fmt.Errorf("%q is no meta-data hash: only the digits 0-9 and a-f may stand in it", s)
		}
		h[i] = hi<<4 | lo
	}
	return h, nil
}

// unhex returns the value of a lower-case hexadecimal digit, or 255.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

// Mode says what the counters of a binary count.
type Mode uint8

// The modes with counters. Go's two others (registration only, test main) mark
// packages without counters and never stand in a file's header.
const (
	ModeSet    Mode = 1 // 1 if the block ran
	ModeCount  Mode = 2 // how often it ran, not exact when goroutines race
	ModeAtomic Mode = 3 // how often it ran
)

// String returns the word that "go build -covermode" takes.
func (m Mode) String() string {
	switch m {
	case ModeSet:
		return "set"
	case ModeCount:
		return "count"
	case ModeAtomic:
		return "atomic"
	case 4:
		return "regonly"
	case 5:
		return "testmain"
	}
	return "<invalid>"
}

// Granularity says what one counter stands for.
type Granularity uint8

// Go only ever builds per block.
const (
	PerBlock Granularity = 1
	PerFunc  Granularity = 2
)

// String returns Go's own word for g, which goes into [BinaryHash].
func (g Granularity) String() string {
	switch g {
	case PerBlock:
		return "perblock"
	case PerFunc:
		return "perfunc"
	}
	return "<invalid>"
}

// BinaryHash computes the hash that Go's runtime gives to a binary whose
// packages have these hashes, in the order of their registration. It names the
// binary's meta-data file.
func BinaryHash(packages []Hash, mode Mode, gran Granularity) Hash {
	h := fnv.New128a()
	for _, p := range packages {
		h.Write(p[:])
	}
	h.Write([]byte(mode.String()))
	h.Write([]byte(gran.String()))
	var out Hash
	h.Sum(out[:0])
	return out
}

var le = binary.LittleEndian

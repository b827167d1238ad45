package covdata

import (
	"encoding/binary"
	"fmt"
	"sort"
	"strconv"
)

// counterMagic begins a counter file and each of its footers.
const counterMagic = "\x00cwm"

const (
	counterHeaderSize = 32
	segmentHeaderSize = 16
	footerSize        = 16
)

// The two ways in which a counter file spells its numbers.
const (
	flavourRaw  = 1
	flavourULEB = 2
)

// Counters is the content of a counter file.
type Counters struct {
	MetaHash Hash // of the binary's meta-data
	// Args holds the annotations of the first segment: argc, argv0 ..., GOOS,
	// GOARCH.
	Args  map[string]string
	Funcs []FuncCounters // of all segments, in the order of the file
}

// FuncCounters holds the counters of one function that ran.
type FuncCounters struct {
	Package, Func uint32 // indices into Meta.Packages and Package.Funcs
	Counts        []uint32
}

// Argv returns the command line of the process that wrote the counters, nil if
// the file does not tell.
func (c *Counters) Argv() []string {
	n, err := strconv.Atoi(c.Args["argc"])
	if err != nil || n < 0 || n > len(c.Args) {
		return nil
	}
	argv := make([]string, n)
	for i := range argv {
		argv[i] = c.Args["argv"+strconv.Itoa(i)]
	}
	return argv
}

// DecodeCounters decodes a whole counter file. An error names the file and
// what is wrong in it.
func DecodeCounters(file string, data []byte) (*Counters, error) {
	r := &reader{data: data}
	if magic := r.bytes(4, "magic"); r.err == nil && string(magic) != counterMagic {
		return nil, fmt.Errorf("%s: not a Go coverage counter file: it begins with %q instead of %q", file, magic, counterMagic)
	}
	if v := r.uint32("version"); r.err == nil && v != Version {
		return nil, fmt.Errorf("%s: counters of version %d; this covwrap reads version %d, a newer one may read it", file, v, Version)
	}
	c := &Counters{}
	copy(c.MetaHash[:], r.bytes(16, "meta-data hash"))
	flags := r.bytes(8, "flavour")
	if r.err != nil {
		return nil, fmt.Errorf("%s: truncated header: %w", file, r.err)
	}
	number, err := numbers(flags[0], flags[1] != 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(data) < counterHeaderSize+segmentHeaderSize+footerSize {
		return nil, fmt.Errorf("%s: only %d bytes, no complete segment", file, len(data))
	}
	foot := data[len(data)-footerSize:]
	if string(foot[:4]) != counterMagic {
		return nil, fmt.Errorf("%s: truncated: there is no footer in the last %d bytes", file, footerSize)
	}
	for s := uint32(0); s < le.Uint32(foot[8:]); s++ {
		if err := c.decodeSegment(r, number, s == 0); err != nil {
			return nil, fmt.Errorf("%s: segment %d: %w", file, s, err)
		}
	}
	if r.left() != 0 {
		return nil, fmt.Errorf("%s: %d bytes follow the last segment", file, r.left())
	}
	return c, nil
}

// numbers returns the function that reads one number of a counter file.
func numbers(flavour byte, bigEndian bool) (func(r *reader, what string) uint32, error) {
	switch {
	case flavour == flavourULEB:
		return (*reader).uleb32, nil
	case flavour == flavourRaw && !bigEndian:
		return (*reader).uint32, nil
	case flavour == flavourRaw:
		return func(r *reader, what string) uint32 {
			if b := r.bytes(4, what); b != nil {
				return binary.BigEndian.Uint32(b)
			}
			return 0
		}, nil
	}
	return nil, fmt.Errorf("counters of flavour %d; known are %d (raw) and %d (uleb128)", flavour, flavourRaw, flavourULEB)
}

// decodeSegment appends the functions of the segment at r, and its
// annotations if it is the first.
func (c *Counters) decodeSegment(r *reader, number func(*reader, string) uint32, first bool) error {
	start := r.off
	n := r.uint64("number of functions")
	tableLen, argsLen := r.uint32("string table length"), r.uint32("args length")
	table := &reader{data: r.bytes(uint64(tableLen), "string table")}
	args := &reader{data: r.bytes(uint64(argsLen), "args")}
	r.bytes(uint64(-(r.off-start)&3), "padding")
	if r.err != nil {
		return r.err
	}
	m, err := decodeArgs(table, args)
	if err != nil {
		return err
	}
	if first {
		c.Args = m
	}
	if n > uint64(r.left()/3) {
		return fmt.Errorf("the header promises %d functions, but only %d bytes follow", n, r.left())
	}
	for i := range n {
		k := number(r, "number of counters")
		f := FuncCounters{Package: number(r, "package"), Func: number(r, "function")}
		if uint64(k) > uint64(r.left()) {
			return fmt.Errorf("function entry %d promises %d counters, but only %d bytes follow", i, k, r.left())
		}
		f.Counts = make([]uint32, k)
		for j := range f.Counts {
			f.Counts[j] = number(r, "counter")
		}
		if r.err != nil {
			return fmt.Errorf("function entry %d: %w", i, r.err)
		}
		c.Funcs = append(c.Funcs, f)
	}
	foot := r.bytes(footerSize, "footer")
	if r.err != nil {
		return r.err
	}
	if string(foot[:4]) != counterMagic {
		return fmt.Errorf("its %d functions are not followed by a footer", n)
	}
	return nil
}

// decodeArgs decodes a segment's annotations.
func decodeArgs(table, args *reader) (map[string]string, error) {
	strings := table.strings("string table")
	if table.err != nil {
		return nil, table.err
	}
	n := args.count(2, "number of args")
	m := make(map[string]string, n)
	for range n {
		k := args.entry(strings, args.uleb32("key"), "key")
		m[k] = args.entry(strings, args.uleb32("value"), "value")
	}
	return m, args.err
}

// CounterWriter builds a counter file of one segment, as Go's runtime writes
// it, without holding more than its bytes.
type CounterWriter struct {
	buf   []byte
	funcs uint64
}

// NewCounterWriter begins the counter file of a process with the binary and
// the annotations given.
func NewCounterWriter(metaHash Hash, args map[string]string) *CounterWriter {
	w := &CounterWriter{}
	w.Reset(metaHash, args)
	return w
}

// Reset begins another file and keeps the memory of the one before, whose
// bytes become invalid.
func (w *CounterWriter) Reset(metaHash Hash, args map[string]string) {
	w.funcs = 0
	w.buf = append(w.buf[:0], counterMagic...)
	w.buf = le.AppendUint32(w.buf, Version)
	w.buf = append(w.buf, metaHash[:]...)
	w.buf = append(w.buf, flavourULEB, 0, 0, 0, 0, 0, 0, 0)

	keys := make([]string, 0, len(args))
	for k := range args {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	index := map[string]int{"": 0}
	table := []string{""}
	intern := func(s string) uint64 {
		i, ok := index[s]
		if !ok {
			i = len(table)
			index[s] = i
			table = append(table, s)
		}
		return uint64(i)
	}
	pairs := binary.AppendUvarint(nil, uint64(len(keys)))
	for _, k := range keys {
		pairs = binary.AppendUvarint(pairs, intern(k))
		pairs = binary.AppendUvarint(pairs, intern(args[k]))
	}
	strings := appendStrings(nil, table)
	for (len(strings)+len(pairs))%4 != 0 {
		pairs = append(pairs, 0)
	}
	w.buf = le.AppendUint64(w.buf, 0) // the number of functions, set by Bytes
	w.buf = le.AppendUint32(w.buf, uint32(len(strings)))
	w.buf = le.AppendUint32(w.buf, uint32(len(pairs)))
	w.buf = append(w.buf, strings...)
	w.buf = append(w.buf, pairs...)
}

// Func adds the counters of one function.
func (w *CounterWriter) Func(pkg, fn uint32, counts []uint32) {
	w.funcs++
	b := binary.AppendUvarint(w.buf, uint64(len(counts)))
	b = binary.AppendUvarint(b, uint64(pkg))
	b = binary.AppendUvarint(b, uint64(fn))
	for _, c := range counts {
		if c < 0x80 {
			b = append(b, byte(c))
		} else {
			b = binary.AppendUvarint(b, uint64(c))
		}
	}
	w.buf = b
}

// Bytes ends the file and returns it. The next call must be Reset.
func (w *CounterWriter) Bytes() []byte {
	le.PutUint64(w.buf[counterHeaderSize:], w.funcs)
	w.buf = append(w.buf, counterMagic...)
	w.buf = append(w.buf, 0, 0, 0, 0)
	w.buf = le.AppendUint32(w.buf, 1)
	w.buf = append(w.buf, 0, 0, 0, 0)
	return w.buf
}

// Args returns the annotations that Go's runtime records for a command line.
func Args(argv []string, goos, goarch string) map[string]string {
	m := make(map[string]string, len(argv)+3)
	m["argc"] = strconv.Itoa(len(argv))
	for i, a := range argv {
		m["argv"+strconv.Itoa(i)] = a
	}
	m["GOOS"], m["GOARCH"] = goos, goarch
	return m
}

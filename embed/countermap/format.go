package countermap

import (
	"encoding/binary"
	"fmt"
	"io"
	"unsafe"
)

// header is the fixed part of a counter map, as package embed/internal/rt
// writes it; its type Header has the drawing and the meaning of each field. It
// is repeated here because importing that package would put the runtime, with
// its large pad variable, into the tools; a test compares the two.
type header struct {
	Magic       [8]byte
	Order       uint32
	Version     uint32
	HeaderLen   uint32
	State       uint32
	Flags       uint32
	Exit        uint32
	PageSize    uint32
	PtrSize     uint32
	PID         uint32
	PPID        uint32
	UID         uint32
	Argc        uint32
	PIDNS       uint64
	Ticks       uint64
	StartNS     int64
	FileSize    uint64
	StringsOff  uint64
	StringsLen  uint64
	EdgeOff     uint64
	HeadWords   uint64
	TailWords   uint64
	TableOff    uint64
	TableCap    uint64
	EntrySize   uint32
	EntryPtr    uint32
	EntryLen    uint32
	EntryHash   uint32
	EntryPath   uint32
	EntryID     uint32
	EntryMode   uint32
	EntryGran   uint32
	PagesOff    uint64
	CountersOff uint64
	Region      uint64
	Words       uint64
	Phdr        uint64
	Phnum       uint64
	ExeDev      uint64
	ExeInode    uint64
	ExeSize     uint64
	ExeMtimeNS  int64
	ExeCtimeNS  int64
	MetaKnown   uint32
	Mode        uint32
	MetaHash    [16]byte
}

const (
	magic     = "covwrap\x00"
	byteOrder = 0x01020304
	version   = 1
	headerLen = int(unsafe.Sizeof(header{}))

	// Limits beyond which a file is refused instead of believed: Go's linker
	// cannot make a binary with 2 GiB of counters, and rt keeps 64 KiB of
	// arguments.
	maxWords    = 1 << 29
	maxStrings  = 1 << 20
	maxPackages = 1 << 24
	maxBlob     = 1 << 30
)

// readHeader reads and checks the header of a file of the given size. The
// error is a problem's description, ErrUnfinished or ErrVersion.
func readHeader(r io.ReaderAt, size int64) (*header, error) {
	raw := make([]byte, headerLen)
	n, err := r.ReadAt(raw, 0)
	if n < headerLen {
		if err != nil && err != io.EOF {
			return nil, err
		}
		if allZero(raw[:min(n, len(magic))]) {
			return nil, ErrUnfinished
		}
		return nil, fmt.Errorf("it has %d bytes, a header has %d", size, headerLen)
	}
	if allZero(raw[:len(magic)]) {
		return nil, ErrUnfinished
	}
	if string(raw[:len(magic)]) != magic {
		return nil, fmt.Errorf("it begins with %q, not %q", raw[:len(magic)], magic)
	}
	if o := binary.NativeEndian.Uint32(raw[8:]); o != byteOrder {
		return nil, fmt.Errorf("byte order %#x, this machine's is %#x", o, byteOrder)
	}
	if v := binary.NativeEndian.Uint32(raw[12:]); v != version {
		return nil, fmt.Errorf("%w: version %d, this is version %d", ErrVersion, v, version)
	}
	h := new(header)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(h)), headerLen), raw)
	return h, h.check(size)
}

// check compares every offset and length with the file's size and with each
// other, so that no later read can leave the file or overlap.
func (h *header) check(size int64) error {
	switch {
	case h.HeaderLen != uint32(headerLen):
		return fmt.Errorf("header length %d, not %d", h.HeaderLen, headerLen)
	case h.State == uint32(Preparing) && size >= 0 && uint64(size) < h.FileSize:
		return ErrUnfinished
	case size < 0 || h.FileSize != uint64(size) && (Flags(h.Flags)&Aggregate == 0 || h.FileSize > uint64(size)):
		return fmt.Errorf("it has %d bytes, its header says %d", size, h.FileSize)
	case h.PageSize < 512 || h.PageSize&(h.PageSize-1) != 0:
		return fmt.Errorf("page size %d", h.PageSize)
	case h.PtrSize != 4 && h.PtrSize != 8:
		return fmt.Errorf("pointer size %d", h.PtrSize)
	case h.Words == 0 || h.Words > maxWords:
		return fmt.Errorf("%d counter words", h.Words)
	case h.StringsLen > maxStrings || !h.fits(h.StringsOff, h.StringsLen):
		return fmt.Errorf("strings at %d, length %d, do not fit", h.StringsOff, h.StringsLen)
	case !h.fits(h.CountersOff, 4*h.Words):
		return fmt.Errorf("%d counter words at %d do not fit", h.Words, h.CountersOff)
	case h.HeadWords > h.Words || h.TailWords > h.Words-h.HeadWords:
		return fmt.Errorf("%d+%d words of %d at the edges", h.HeadWords, h.TailWords, h.Words)
	case !h.fits(h.EdgeOff, 4*(h.HeadWords+h.TailWords)):
		return fmt.Errorf("the edges at %d do not fit", h.EdgeOff)
	}
	if Flags(h.Flags)&Table == 0 {
		return nil
	}
	inEntry := func(off uint32, n uint32) bool { return off <= h.EntrySize && n <= h.EntrySize-off }
	switch {
	case h.EntrySize > 1<<12 || !inEntry(h.EntryPtr, h.PtrSize) || !inEntry(h.EntryLen, 4) ||
		!inEntry(h.EntryHash, 16) || !inEntry(h.EntryPath, 2*h.PtrSize) || !inEntry(h.EntryID, h.PtrSize) ||
		!inEntry(h.EntryMode, 1) || !inEntry(h.EntryGran, 1):
		return fmt.Errorf("the fields of a package table entry do not fit into its %d bytes", h.EntrySize)
	case h.TableCap > maxPackages || !h.fits(h.TableOff, h.TableCap*uint64(h.EntrySize)):
		return fmt.Errorf("a table of %d packages at %d does not fit", h.TableCap, h.TableOff)
	}
	return nil
}

// fits reports whether n bytes at off lie in the file.
func (h *header) fits(off, n uint64) bool { return off <= h.FileSize && n <= h.FileSize-off }

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

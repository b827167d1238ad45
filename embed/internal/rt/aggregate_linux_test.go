//go:build amd64 || arm64 || loong64 || ppc64le || riscv64

package rt

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"
	"unsafe"
)

// pages maps n pages of memory that nobody has touched.
func pages(t *testing.T, n int) (at, page uintptr) {
	t.Helper()
	page = uintptr(syscall.Getpagesize())
	b, err := syscall.Mmap(-1, 0, n*int(page), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(b) })
	return uintptr(unsafe.Pointer(&b[0])), page
}

// TestBring: what a process has counted before it is mapped is added to what
// others have, wherever it stands, and only that.
func TestBring(t *testing.T) {
	at, page := pages(t, 6)
	perPage := int(page) / 4
	const off = 10 // words of the first page that are not the region's
	n := 6*perPage - 2*off
	own := words(pointer(at+4*off), n)
	want := make([]uint32, n)
	put := func(i int, function ...uint32) {
		copy(own[i:], function)
		copy(want[i:], function)
	}
	put(0, 2, 1, 7, 5, 0)
	put(5, 1, 1, 8, 3)
	// It begins on the first page, its counters reach into the third; the second
	// is not touched.
	long := perPage - off - 4
	put(long, uint32(perPage+3), 2, 0, 1)
	put(long+3+perPage+2, 6)
	put(4*perPage, 1, 2, 1, 9)    // the page before is not touched
	put(4*perPage+4, 1, 2, 2)     // entered, not counted
	put(n-4, 1, 1, 1, ^uint32(0)) // the last one

	m := mapper{region: at + 4*off, words: n, page: page}
	sum := func(k uint32) []uint32 {
		out := make([]uint32, n)
		for i := 0; i < n; {
			c := int(want[i])
			if c == 0 {
				i++
				continue
			}
			copy(out[i:i+3], want[i:i+3])
			for j := i + 3; j < i+3+c; j++ {
				out[j] = k * want[j]
			}
			i += 3 + c
		}
		return out
	}
	shared := make([]uint32, n)
	for k := range uint32(3) {
		m.bring(shared, ModeAtomic, 1)
		if !reflect.DeepEqual(shared, sum(k+1)) {
			t.Fatalf("mode atomic, brought %d times: wrong", k+1)
		}
	}
	m.bring(shared, ModeAtomic, -1)
	if !reflect.DeepEqual(shared, sum(2)) {
		t.Error("taken out once: wrong")
	}
	clear(shared)
	m.bring(shared, ModeSet, 1)
	m.bring(shared, ModeSet, 1)
	m.bring(shared, ModeSet, -1)
	if !reflect.DeepEqual(shared, want) {
		t.Error("mode set: wrong")
	}
	// Words that are no counters end it.
	own[0] = uint32(n)
	clear(shared)
	m.bring(shared, ModeAtomic, 1)
	if !reflect.DeepEqual(shared, make([]uint32, n)) {
		t.Error("a function longer than the region was brought")
	}
}

// TestJoinFails: a process that cannot be mapped after all leaves the counters
// of the others as they were, and takes its record back.
func TestJoinFails(t *testing.T) {
	// The map's counters are the first two pages of three, the process's the last
	// two: mremap refuses to move memory to a place that overlaps.
	at, page := pages(t, 3)
	perPage := int(page) / 4
	shared := words(pointer(at), 2*perPage)
	copy(shared, []uint32{2, 1, 0, 10, 20})
	copy(shared[perPage:], []uint32{2, 1, 0, 1, 2})
	m := mapper{region: at + page, words: 2 * perPage, page: page, pidns: 4, start: 5, self: self{ticks: 6}}
	h := Header{Mode: ModeAtomic, FileSize: 2 * uint64(page), Words: uint64(2 * perPage)}

	file := filepath.Join(t.TempDir(), "records")
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if base, ok := m.joinAt(int(f.Fd()), at, &h); ok {
		t.Fatalf("joined, at %v", base)
	}
	if want := []uint32{2, 1, 0, 10, 20}; !reflect.DeepEqual(shared[:5], want) {
		t.Errorf("the others' counters are %v, want %v", shared[:5], want)
	}
	text, err := os.ReadFile(file)
	if err != nil || len(text) != 2*recordLen {
		t.Fatalf("%d bytes of records, %v", len(text), err)
	}
	r := unsafe.Slice((*Record)(unsafe.Pointer(&text[0])), 2)
	want := Record{RecordJoined, uint32(os.Getpid()), 4, 6, 5}
	if r[0] != want {
		t.Errorf("record %+v, want %+v", r[0], want)
	}
	if want.Kind = RecordLeft; r[1] != want {
		t.Errorf("record %+v, want %+v", r[1], want)
	}
	if _, ok := m.joinAt(-1, at, &h); ok || !reflect.DeepEqual(shared[:5], []uint32{2, 1, 0, 10, 20}) {
		t.Error("joined without a record")
	}
}

// TestAggregateHeader: only a map that fits in everything is joined.
func TestAggregateHeader(t *testing.T) {
	page := uint64(os.Getpagesize())
	m := mapper{region: uintptr(16*page) + 64, words: 100, page: uintptr(page), exe: exe{1, 2, 3, 4, 5}}
	good := Header{
		Order: ByteOrder, Version: HeaderVersion, HeaderLen: uint32(headerLen), State: StateLive, Flags: FlagAggregate | FlagWhole | FlagTable,
		PageSize: uint32(page), Words: 100, PagesOff: 2 * page, CountersOff: 2*page + 64, FileSize: 3 * page,
		ExeDev: 1, ExeInode: 2, ExeSize: 3, ExeMtimeNS: 4, ExeCtimeNS: 5, MetaKnown: 1, Mode: ModeAtomic,
	}
	copy(good.Magic[:], Magic)
	dir := t.TempDir()
	try := func(h Header, size uint64) bool {
		t.Helper()
		b := make([]byte, size)
		copy(b, unsafe.Slice((*byte)(unsafe.Pointer(&h)), headerLen))
		path := filepath.Join(dir, "map")
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		_, ok := m.aggregateHeader(int(f.Fd()))
		return ok
	}
	for _, size := range []uint64{good.FileSize, good.FileSize + 32} {
		if !try(good, size) {
			t.Errorf("a map of %d bytes that fits is refused", size)
		}
	}
	set := good
	set.Mode = ModeSet
	if !try(set, set.FileSize) {
		t.Error("a map of mode set is refused")
	}
	for name, change := range map[string]func(h *Header){
		"magic":        func(h *Header) { h.Magic[0] = 0 },
		"order":        func(h *Header) { h.Order++ },
		"version":      func(h *Header) { h.Version++ },
		"length":       func(h *Header) { h.HeaderLen++ },
		"one process":  func(h *Header) { h.Flags = FlagWhole | FlagTable },
		"edges":        func(h *Header) { h.Flags = FlagAggregate | FlagEdges },
		"not complete": func(h *Header) { h.State = StatePreparing },
		"mode count":   func(h *Header) { h.Mode = 2 },
		"no meta-data": func(h *Header) { h.MetaKnown = 0 },
		"device":       func(h *Header) { h.ExeDev++ },
		"inode":        func(h *Header) { h.ExeInode++ },
		"size of exe":  func(h *Header) { h.ExeSize++ },
		"modified":     func(h *Header) { h.ExeMtimeNS++ },
		"changed":      func(h *Header) { h.ExeCtimeNS++ },
		"page size":    func(h *Header) { h.PageSize *= 2 },
		"words":        func(h *Header) { h.Words++ },
		"pages":        func(h *Header) { h.PagesOff += 4 },
		"pages far":    func(h *Header) { h.PagesOff = 1 << 63 },
		"counters":     func(h *Header) { h.CountersOff += 4 },
		"file size":    func(h *Header) { h.FileSize += page },
		"shorter":      func(h *Header) { h.FileSize -= page },
	} {
		h := good
		change(&h)
		if try(h, good.FileSize) {
			t.Errorf("%s: a map that does not fit is joined", name)
		}
	}
	for _, size := range []uint64{0, uint64(headerLen) - 1, good.FileSize - 1} {
		b := bytes.Repeat([]byte{0}, int(size))
		copy(b, unsafe.Slice((*byte)(unsafe.Pointer(&good)), headerLen))
		path := filepath.Join(dir, "cut")
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := m.aggregateHeader(int(f.Fd())); ok {
			t.Errorf("a map that was cut to %d bytes is joined", size)
		}
		f.Close()
	}
}

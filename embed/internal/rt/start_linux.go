//go:build amd64 || arm64 || loong64 || ppc64le || riscv64

package rt

import (
	"syscall"
	"unsafe"
)

// Start maps this process's counters into a file of the profile directory and
// reports whether that worked. list may be nil (see MetaList). It does nothing
// in a binary that was not built for coverage, where there is no profile
// directory, and when it was called before. It must be called from an init
// function: until it returns, counters must not change in other goroutines.
func Start(list *MetaList) bool {
	if live.header != nil {
		return true
	}
	blobs := getCovCounterList()
	if len(blobs) != 1 { // 0: not built for coverage; more: a plugin host
		return false
	}
	region := uintptr(unsafe.Pointer(blobs[0].counters))
	m := mapper{region: region, words: int(blobs[0].words), list: list}
	m.self = readSelf()
	m.dir = profileDir(m.self.ppid)
	if m.dir == "" {
		return false
	}
	m.start, m.pidns = now(), pidNamespace()
	why, err := m.run()
	m.introduce()
	if why != "" {
		unmapped = why
		m.note(why, err)
		return false
	}
	return true
}

// mapper makes one counter map.
type mapper struct {
	region uintptr
	words  int
	list   *MetaList
	dir    string
	start  int64
	self   self
	exe    exe
	pidns  uint64
	phdr   uintptr
	phnum  uintptr

	page       uintptr
	padOK      bool    // the pad lies directly before the counters
	head, tail uintptr // words at the edges, outside of the mapped pages
	file       string
}

// run does the work. why is the slug of what made it impossible.
func (m *mapper) run() (why string, err syscall.Errno) {
	m.page = uintptr(syscall.Getpagesize())
	m.readAuxv()
	m.findEdges()
	if m.list == nil && m.head+m.tail > 0 {
		// The counters at the edges must be copied at the end, but this carrier
		// is not told of it. Go's own file, written at exit, is worth more.
		return "map-edges", 0
	}

	m.exe = statExe()
	if m.join() {
		return "", 0
	}
	h, strs := m.header()
	if limit := fileSizeLimit(); limit < h.FileSize {
		return "map-file-size-limit", syscall.EFBIG
	}
	fd, err := m.create()
	if err != 0 {
		return slug(err), err
	}
	why, err = m.fill(fd, h, strs)
	closeFd(fd)
	if why != "" {
		remove(m.file)
	}
	return why, err
}

// header lays the file out.
func (m *mapper) header() (h Header, strs []byte) {
	strs, h.Argc, h.Flags = m.strings()
	h.Order, h.Version = ByteOrder, HeaderVersion
	h.HeaderLen = uint32(headerLen)
	h.PageSize = uint32(m.page)
	h.PtrSize = uint32(unsafe.Sizeof(uintptr(0)))
	h.PID = uint32(syscall.Getpid())
	h.PPID = uint32(m.self.ppid)
	h.UID = uint32(syscall.Geteuid())
	h.PIDNS = m.pidns
	h.Ticks = m.self.ticks
	h.StartNS = m.start
	h.Region, h.Words = uint64(m.region), uint64(m.words)
	h.Phdr, h.Phnum = uint64(m.phdr), uint64(m.phnum)
	h.ExeDev, h.ExeInode, h.ExeSize, h.ExeMtimeNS, h.ExeCtimeNS = m.exe.dev, m.exe.inode, m.exe.size, m.exe.mtime, m.exe.ctime

	off := uint64(headerLen)
	h.StringsOff, h.StringsLen = off, uint64(len(strs))
	off = align(off+h.StringsLen, 16)
	if m.head+m.tail == 0 {
		h.Flags |= FlagWhole
	} else {
		h.Flags |= FlagEdges
		h.EdgeOff, h.HeadWords, h.TailWords = off, uint64(m.head), uint64(m.tail)
		off = align(off+4*(h.HeadWords+h.TailWords), 16)
	}
	if l := m.list; l != nil {
		h.Flags |= FlagTable
		h.TableOff, h.TableCap = off, uint64(tableRoom(l.slice().len, m.words))
		h.EntrySize = uint32(l.EntrySize)
		h.EntryPtr, h.EntryLen, h.EntryHash = uint32(l.PtrOff), uint32(l.LenOff), uint32(l.HashOff)
		h.EntryPath, h.EntryID = uint32(l.PathOff), uint32(l.IDOff)
		h.EntryMode, h.EntryGran = uint32(l.ModeOff), uint32(l.GranOff)
		off += h.TableCap * uint64(l.EntrySize)
	}
	h.PagesOff = align(off, uint64(m.page))
	first := m.region &^ (m.page - 1)
	h.CountersOff = h.PagesOff + uint64(m.region-first)
	h.FileSize = h.PagesOff + align(uint64(m.region-first)+4*h.Words, uint64(m.page))
	return h, strs
}

// tableRoom is the number of packages that the table can take. A package has a
// function, and a function has at least four words; but most have thousands, and
// each entry costs every process 64 bytes to write. A table that is too small
// is little harm: once package main is initialised, the covmeta file has all.
func tableRoom(registered, words int) int {
	return max(registered, min(words/4, 256+words/512)) + 1
}

// fill gives the file its content and puts it in the place of the counters.
func (m *mapper) fill(fd int, h Header, strs []byte) (why string, err syscall.Errno) {
	if err := checkSpace(fd, h.FileSize); err != 0 {
		return slug(err), err
	}
	lo, hi := m.region+4*m.head, m.region+4*(uintptr(m.words)-m.tail)
	if err := writeMap(fd, h, strs, lo, hi, m.page); err != 0 {
		return slug(err), err
	}
	// The file is first mapped elsewhere, and then moved over the counters:
	// mmap with MAP_FIXED takes the old pages away before it asks the file
	// system, and a refusal would leave a hole in the program.
	size := uintptr(h.FileSize)
	at, err := mmap(size, fd)
	if err != 0 {
		return "map-unsupported", err
	}
	base, err := m.place(at, &h, lo, hi)
	if err != 0 {
		munmap(at, size)
		return "map-failed", err
	}
	hp := (*Header)(base)
	hp.State = StateLive
	live = liveMap{header: hp, dir: m.dir, region: m.region}
	if m.list != nil {
		live.list = m.list
		m.list.moveTo(unsafe.Add(base, h.TableOff), int(h.TableCap))
	}
	return "", 0
}

// place moves the pages of a file that is mapped at some address over the
// counters from lo to hi, and returns where its header is then.
func (m *mapper) place(at uintptr, h *Header, lo, hi uintptr) (base unsafe.Pointer, err syscall.Errno) {
	size := uintptr(h.FileSize)
	first := m.region &^ (m.page - 1)
	from, to := lo&^(m.page-1), (hi+m.page-1)&^(m.page-1)
	if target := first - uintptr(h.PagesOff); from == first && m.padOK && target >= padStart() {
		// The header goes into the pad, directly before the counters, so that
		// there is one mapping only and no new address range.
		keep := to - target
		if err := mremap(at, keep, target); err != 0 {
			return nil, err
		}
		munmap(at+keep, size-keep)
		dropPad(target)
		return pointer(target), 0
	}
	if to > from {
		moved := at + uintptr(h.PagesOff) + (from - first)
		if err := mremap(moved, to-from, from); err != 0 {
			return nil, err
		}
	}
	return pointer(at), 0
}

// findEdges finds out how many counters lie on pages that also hold something
// else. Such a page must not be mapped: another thread may write to it while
// it is copied, and C code that forks would share it.
func (m *mapper) findEdges() {
	first := m.region &^ (m.page - 1)
	end := m.region + 4*uintptr(m.words)
	gap := m.region - (padStart() + padLen)
	m.padOK = gap < maxGap // else something lies between, or the pad behind
	headOK := m.region == first || m.padOK && first >= padStart()
	last := end &^ (m.page - 1)
	tailOK := end == last || m.nothingAfter(end)

	lo, hi := m.region, end
	if !headOK {
		lo = min(end, first+m.page)
	}
	if !tailOK {
		hi = max(lo, last)
	}
	m.head, m.tail = (lo-m.region)/4, (end-hi)/4
}

// maxGap is the largest gap that alignment can leave between two variables. In
// a static executable a few pointers of the C library may lie behind the counters
// (40 bytes in glibc 2.36: of locale aliases, extensions of printf, getifaddrs).
const maxGap = 64

// nothingAfter reports whether the rest of the page at end is unused: the
// loaded segment ends there, and the heap of C code does not begin there.
func (m *mapper) nothingAfter(end uintptr) bool {
	segEnd := m.segmentEnd(m.region)
	if segEnd < end || segEnd-end >= maxGap {
		return false
	}
	pageEnd := (end + m.page - 1) &^ (m.page - 1)
	return m.self.brk == 0 || m.self.brk < uint64(end) || m.self.brk >= uint64(pageEnd)
}

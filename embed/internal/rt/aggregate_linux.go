//go:build amd64 || arm64 || loong64 || ppc64le || riscv64

package rt

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

// aggregatePrefix begins the name of every aggregate map:
// covagg.<device>.<inode>.<ctime> of the executable.
const aggregatePrefix = "covagg."

func (e exe) aggregateName() string {
	return aggregatePrefix + utoa(e.dev) + "." + utoa(e.inode) + "." + utoa(uint64(e.ctime))
}

// join lets the process count into the aggregate map of its executable, if
// there is one that fits. Otherwise, and whenever something goes wrong, nothing
// has changed and the process makes a map of its own.
func (m *mapper) join() bool {
	if m.list == nil || m.head+m.tail > 0 || m.exe.inode == 0 {
		return false
	}
	// O_APPEND: records are written one after the other, whoever writes.
	fd, err := open(m.dir+"/"+m.exe.aggregateName(), syscall.O_RDWR|syscall.O_APPEND|syscall.O_NOFOLLOW|syscall.O_NONBLOCK)
	if err != 0 {
		return false
	}
	defer closeFd(fd)
	h, ok := m.aggregateHeader(fd)
	if !ok || !samePath(fd, &h) || checkSpace(fd, 0) != 0 {
		return false
	}
	at, err := mmap(uintptr(h.FileSize), fd)
	if err != 0 {
		return false
	}
	base, ok := m.joinAt(fd, at, &h)
	if !ok {
		munmap(at, uintptr(h.FileSize))
		return false
	}
	live = liveMap{header: (*Header)(base), list: m.list, dir: m.dir, region: m.region}
	return true
}

// joinAt makes the process's counters those at an address where the aggregate
// map is mapped. It is first put on record and then counts there: a process that
// is killed in between has counted nothing, but is accounted for.
func (m *mapper) joinAt(fd int, at uintptr, h *Header) (base unsafe.Pointer, ok bool) {
	if !m.record(fd, RecordJoined) {
		return nil, false
	}
	shared := words(pointer(at+uintptr(h.CountersOff)), m.words)
	m.bring(shared, h.Mode, 1)
	base, err := m.place(at, h, m.region, m.region+4*uintptr(m.words))
	if err != 0 {
		m.bring(shared, h.Mode, -1)
		m.record(fd, RecordLeft)
		return nil, false
	}
	return base, true
}

// aggregateHeader reads the header and reports whether the map is one for this
// process: of the same executable, with its counters at the same place of a page.
func (m *mapper) aggregateHeader(fd int) (h Header, ok bool) {
	var s syscall.Stat_t
	if syscall.Fstat(fd, &s) != nil || s.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return h, false
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(&h)), headerLen)
	if n, _ := syscall.Pread(fd, b, 0); n != headerLen || string(h.Magic[:]) != Magic {
		return h, false
	}
	switch first := m.region &^ (m.page - 1); {
	case h.Order != ByteOrder, h.Version != HeaderVersion, h.HeaderLen != uint32(headerLen),
		h.Flags&(FlagAggregate|FlagWhole) != FlagAggregate|FlagWhole, h.State != StateLive,
		h.Mode != ModeSet && h.Mode != ModeAtomic, h.MetaKnown != 1:
		return h, false
	case m.exe != exe{h.ExeDev, h.ExeInode, h.ExeSize, h.ExeMtimeNS, h.ExeCtimeNS}:
		return h, false
	case h.PageSize != uint32(m.page), h.Words != uint64(m.words),
		h.PagesOff%uint64(m.page) != 0, h.PagesOff > uint64(s.Size),
		h.CountersOff != h.PagesOff+uint64(m.region-first),
		h.FileSize != h.PagesOff+align(uint64(m.region-first)+4*h.Words, uint64(m.page)),
		h.FileSize > uint64(s.Size):
		return h, false
	}
	// Others append meanwhile; a write beyond the limit would be a SIGXFSZ.
	const margin = 1 << 20
	return h, fileSizeLimit() >= uint64(s.Size)+margin
}

// samePath reports whether the process runs the executable by the name that the
// map has: a record has no room for another one, by which the account could find
// the process.
func samePath(fd int, h *Header) bool {
	var own, theirs [4096]byte
	n, _ := syscall.Readlink("/proc/self/exe", own[:])
	if n <= 0 || n >= len(own) {
		return false
	}
	n++ // with its NUL
	got, _ := syscall.Pread(fd, theirs[:n], int64(h.StringsOff))
	return got == n && own == theirs
}

// record appends a record of this process, and reports whether it is there.
func (m *mapper) record(fd int, kind uint32) bool {
	r := Record{Kind: kind, PID: uint32(syscall.Getpid()), PIDNS: m.pidns, Ticks: m.self.ticks, StartNS: m.start}
	b := unsafe.Slice((*byte)(unsafe.Pointer(&r)), recordLen)
	for {
		n, err := syscall.Write(fd, b)
		if errno(err) != syscall.EINTR {
			return n == recordLen
		}
	}
}

// bring adds what the process has counted so far to the shared counters, or
// takes it out of them (sign -1). The words of a function (see VisitFuncs of
// package countermap) before its counters are the same in all processes.
func (m *mapper) bring(shared []uint32, mode uint32, sign int32) {
	own := words(pointer(m.region), m.words)
	first := m.region &^ (m.page - 1)
	touched := touchedPages(first, (m.region+4*uintptr(m.words)+m.page-1)&^(m.page-1), m.page)
	const head = 3
	for i := 0; i < len(own); {
		at := m.region + 4*uintptr(i)
		if page := (at - first) / m.page; !touched(int(page)) {
			// No function begins in a page of zeros.
			i = int(first+(page+1)*m.page-m.region) / 4
			continue
		}
		n := int(own[i])
		if n == 0 {
			i++
			continue
		}
		if n > len(own)-i-head {
			return
		}
		counters := own[i+head : i+head+n]
		if sign > 0 {
			for j := i; j < i+head; j++ {
				atomic.StoreUint32(&shared[j], own[j])
			}
		}
		for j, c := range counters {
			switch to := &shared[i+head+j]; {
			case c == 0:
			case mode == ModeSet && sign > 0:
				atomic.StoreUint32(to, c)
			case mode == ModeAtomic:
				atomic.AddUint32(to, uint32(sign)*c)
			}
		}
		i += head + n
	}
}

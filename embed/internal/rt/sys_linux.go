//go:build amd64 || arm64 || loong64 || ppc64le || riscv64

package rt

import (
	"runtime"
	"syscall"
	"unsafe"
)

const (
	mremapMayMove = 1
	mremapFixed   = 2
)

// create makes the map's file.
func (m *mapper) create() (fd int, err syscall.Errno) {
	for try := 0; ; try++ {
		m.file = m.dir + "/covmap." + utoa(uint64(syscall.Getpid())) + "." + utoa(uint64(m.start))
		fd, err = open(m.file, syscall.O_RDWR|syscall.O_CREAT|syscall.O_EXCL)
		if err != syscall.EEXIST || try == 100 {
			break
		}
		m.start++ // the same pid in another pid namespace
	}
	if err == 0 {
		syscall.Fchmod(fd, 0o666) // the collector may be another user
	}
	return fd, err
}

// checkSpace refuses a disk that is nearly full. The file is written in full
// before it is mapped, and ext4, xfs and tmpfs then have a block for each of
// its pages for good. A file system that writes a changed page to a new place
// (btrfs, zfs), or that lies behind a network, has not: there a store to a page
// may be a SIGBUS once the disk is full, so it must be far from that.
func checkSpace(fd int, size uint64) syscall.Errno {
	const ext4, xfs, tmpfs = 0xef53, 0x58465342, 0x01021994
	const reserve = 64 << 20
	var s syscall.Statfs_t
	if err := errno(syscall.Fstatfs(fd, &s)); err != 0 {
		return err
	}
	switch s.Type {
	case ext4, xfs, tmpfs:
	default:
		size += reserve
	}
	if s.Blocks > 0 && s.Bavail*uint64(s.Bsize) < size {
		return syscall.ENOSPC
	}
	return 0
}

// writeMap writes the whole file: header and strings, zeros for the package
// table, and the counters as they are, from lo to hi. Writing is also faster
// than allocating: the pages are in the page cache then, and the first store to
// each costs next to nothing.
func writeMap(fd int, h Header, strs []byte, lo, hi, page uintptr) syscall.Errno {
	copy(h.Magic[:], Magic)
	head := make([]byte, headerLen, headerLen+len(strs))
	*(*Header)(unsafe.Pointer(&head[0])) = h
	head = append(head, strs...)
	before := h.CountersOff + uint64(lo) - h.Region - uint64(len(head))
	after := h.FileSize - h.CountersOff - (uint64(hi) - h.Region)

	v := make([]iovec, 0, 128)
	v = append(v, iovec{uintptr(unsafe.Pointer(&head[0])), uintptr(len(head))})
	v = appendZeros(v, uintptr(before))
	v = appendTouched(v, lo, hi, page)
	v = appendZeros(v, uintptr(after))
	err := writeAll(fd, v)
	runtime.KeepAlive(head)
	return err
}

// appendTouched appends the memory from lo to hi. Pages that nobody has touched
// are zeros; to read them would cost a page fault for each, which is most of
// what starting a map would cost.
func appendTouched(v []iovec, lo, hi, page uintptr) []iovec {
	from, to := lo&^(page-1), (hi+page-1)&^(page-1)
	if from == to {
		return v
	}
	touched, pages := touchedPages(from, to, page), int((to-from)/page)
	for i := 0; i < pages; {
		end := i + 1
		for end < pages && touched(end) == touched(i) {
			end++
		}
		a, b := max(lo, from+uintptr(i)*page), min(hi, from+uintptr(end)*page)
		if touched(i) {
			v = append(v, iovec{a, b - a})
		} else {
			v = appendZeros(v, b-a)
		}
		i = end
	}
	return v
}

// touchedPages tells of each page of the memory between two page boundaries, which
// is not empty, whether anybody has touched it.
func touchedPages(from, to, page uintptr) func(i int) bool {
	resident := make([]byte, (to-from)/page)
	_, _, err := syscall.Syscall(syscall.SYS_MINCORE, from, to-from, uintptr(unsafe.Pointer(&resident[0])))
	return func(i int) bool { return err != 0 || resident[i]&1 != 0 }
}

// appendZeros appends n zeros, which are a few pages of the pad over and over.
func appendZeros(v []iovec, n uintptr) []iovec {
	const piece = 16 << 10
	for ; n > piece; n -= piece {
		v = append(v, iovec{padStart(), piece})
	}
	return append(v, iovec{padStart(), n})
}

// iovec is struct iovec of writev(2), with addresses that the garbage collector
// does not see: whoever makes one keeps the memory alive.
type iovec struct{ base, len uintptr }

// writeAll writes v, which it uses up.
func writeAll(fd int, v []iovec) syscall.Errno {
	const iovMax = 1024
	for {
		for len(v) > 0 && v[0].len == 0 {
			v = v[1:]
		}
		if len(v) == 0 {
			return 0
		}
		n, _, err := syscall.Syscall(syscall.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&v[0])), uintptr(min(len(v), iovMax)))
		switch {
		case err == syscall.EINTR:
			continue
		case err != 0:
			return err
		case n == 0:
			return syscall.EIO
		}
		for i := 0; n > 0; i++ { // a full disk takes a part, and fails the next time
			part := min(n, v[i].len)
			v[i].base += part
			v[i].len -= part
			n -= part
		}
	}
}

// fileSizeLimit is the limit whose violation is a SIGXFSZ.
func fileSizeLimit() uint64 {
	var l syscall.Rlimit
	const rlimitFsize = 1
	if syscall.Getrlimit(rlimitFsize, &l) != nil {
		return 0
	}
	return l.Cur
}

func open(path string, flags int) (fd int, err syscall.Errno) {
	for {
		fd, e := syscall.Open(path, flags|syscall.O_CLOEXEC, 0o666)
		if err := errno(e); err != syscall.EINTR {
			return fd, err
		}
	}
}

func closeFd(fd int) { syscall.Close(fd) }

func remove(path string) { syscall.Unlink(path) }

func mmap(size uintptr, fd int) (uintptr, syscall.Errno) {
	at, _, err := syscall.Syscall6(syscall.SYS_MMAP, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED, uintptr(fd), 0)
	return at, err
}

func munmap(at, size uintptr) {
	if size > 0 {
		syscall.Syscall(syscall.SYS_MUNMAP, at, size, 0)
	}
}

func mremap(at, size, to uintptr) syscall.Errno {
	_, _, err := syscall.Syscall6(syscall.SYS_MREMAP, at, size, size, mremapMayMove|mremapFixed, to, 0)
	return err
}

// dropPad gives back the pad's addresses below end. They were never touched;
// without them the program's size, as a limit or a strict accounting of memory
// sees it, is what it would be without the pad.
func dropPad(end uintptr) {
	page := uintptr(syscall.Getpagesize())
	if from := (padStart() + page - 1) &^ (page - 1); from < end {
		munmap(from, end-from)
	}
}

func now() int64 {
	var t syscall.Timeval
	syscall.Gettimeofday(&t)
	return t.Nano()
}

func errno(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	if e, ok := err.(syscall.Errno); ok {
		return e
	}
	return syscall.EINVAL
}

// slug names what an error means for the user; docs/messages.md has them all.
func slug(err syscall.Errno) string {
	switch err {
	case syscall.ENOSPC, syscall.EDQUOT:
		return "map-no-space"
	case syscall.EMFILE, syscall.ENFILE:
		return "map-no-descriptors"
	case syscall.EACCES, syscall.EPERM, syscall.EROFS, syscall.ENOENT, syscall.ENOTDIR, syscall.ELOOP:
		return "map-no-directory"
	case syscall.ENODEV, syscall.EOPNOTSUPP, syscall.ENOSYS:
		return "map-unsupported"
	case syscall.EFBIG:
		return "map-file-size-limit"
	}
	return "map-failed"
}

// elf64Phdr is a program header as it lies in memory.
type elf64Phdr struct {
	typ, flags                                  uint32
	off, vaddr, paddr, filesz, memsz, alignment uint64
}

// readAuxv finds the program headers of the running executable.
func (m *mapper) readAuxv() {
	const atPhdr, atPhent, atPhnum = 3, 4, 5
	auxv := getAuxv()
	for i := 0; i+1 < len(auxv); i += 2 {
		switch auxv[i] {
		case atPhdr:
			m.phdr = auxv[i+1]
		case atPhent:
			if auxv[i+1] != unsafe.Sizeof(elf64Phdr{}) {
				m.phdr, m.phnum = 0, 0
				return
			}
		case atPhnum:
			m.phnum = auxv[i+1]
		}
	}
}

// segmentEnd is the address at which the loaded segment with addr ends, 0 when
// that is not known.
func (m *mapper) segmentEnd(addr uintptr) uintptr {
	if m.phdr == 0 {
		return 0
	}
	headers := unsafe.Slice((*elf64Phdr)(pointer(m.phdr)), m.phnum)
	bias, ok := m.bias(headers)
	if !ok {
		return 0
	}
	for _, h := range headers {
		if at := bias + uintptr(h.vaddr); h.typ == ptLoad && at <= addr && addr < at+uintptr(h.memsz) {
			return at + uintptr(h.memsz)
		}
	}
	return 0
}

// Types of program headers.
const ptLoad, ptPhdr = 1, 6

// bias is how far from the addresses that it was linked for the executable is
// loaded. Program headers tell where they themselves belong, but not those of a
// static executable; there the ELF header, which is on the same page, serves.
func (m *mapper) bias(headers []elf64Phdr) (bias uintptr, ok bool) {
	for _, h := range headers {
		if h.typ == ptPhdr {
			return m.phdr - uintptr(h.vaddr), true
		}
	}
	page := m.phdr &^ (m.page - 1)
	elf := (*struct {
		magic   [4]byte
		_       [28]byte
		headers uint64 // offset of the program headers in the file
	})(pointer(page))
	if elf.magic != [4]byte{0x7f, 'E', 'L', 'F'} || page+uintptr(elf.headers) != m.phdr {
		return 0, false
	}
	for _, h := range headers {
		if h.typ == ptLoad && h.off == 0 {
			return page - uintptr(h.vaddr), true
		}
	}
	return 0, false
}

//go:build amd64 || arm64 || loong64 || ppc64le || riscv64

package rt

import (
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

// reserve is left free on a file system that cannot allocate in advance.
const reserve = 64 << 20

// allocate gives the file its size, and blocks for all of it: a store to a
// mapped page for which the disk has no block is a SIGBUS.
func allocate(fd int, size uint64) (why string, err syscall.Errno) {
	for try := 0; try < 1000; try++ {
		err = errno(syscall.Fallocate(fd, 0, 0, int64(size)))
		if err != syscall.EINTR { // tmpfs gives up for any signal
			break
		}
	}
	switch err {
	case 0:
		return "", 0
	case syscall.EOPNOTSUPP, syscall.ENOSYS:
	default:
		return slug(err), err
	}
	var s syscall.Statfs_t
	if err := errno(syscall.Fstatfs(fd, &s)); err != 0 {
		return slug(err), err
	}
	if s.Bavail*uint64(s.Bsize) < size+reserve {
		return "map-no-space", syscall.ENOSPC
	}
	if err := errno(syscall.Ftruncate(fd, int64(size))); err != 0 {
		return slug(err), err
	}
	return "", 0
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
	const ptLoad, ptPhdr = 1, 6
	if m.phdr == 0 {
		return 0
	}
	hs := unsafe.Slice((*elf64Phdr)(pointer(m.phdr)), m.phnum)
	for _, p := range hs {
		if p.typ != ptPhdr {
			continue
		}
		bias := m.phdr - uintptr(p.vaddr)
		for _, l := range hs {
			if at := bias + uintptr(l.vaddr); l.typ == ptLoad && at <= addr && addr < at+uintptr(l.memsz) {
				return at + uintptr(l.memsz)
			}
		}
	}
	return 0
}

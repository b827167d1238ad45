package proctree

import (
	"syscall"
	"unsafe"
)

// The kernel's pidfd interface for the status of a process that somebody else
// reaped (linux/pidfd.h, Linux 6.15), and its number for pidfd_open, which is the
// same on all architectures that Go's counter maps were tried on.
const (
	sysPidfdOpen  = 434
	pidfdGetInfo  = 0xc040ff0b // _IOWR(0xFF, 11, 64 bytes)
	pidfdInfoExit = 1 << 3
)

// pidfdInfo is struct pidfd_info in its first size.
type pidfdInfo struct {
	mask     uint64
	_        uint64
	_        [11]uint32
	exitCode int32
}

// exitOf returns the wait status of the process behind a pidfd, once its
// parent has reaped it.
func exitOf(fd int) (status uint32, ok bool) {
	info := pidfdInfo{mask: pidfdInfoExit}
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), pidfdGetInfo, uintptr(unsafe.Pointer(&info)))
	return uint32(info.exitCode), errno == 0 && info.mask&pidfdInfoExit != 0
}

// openPidfd returns a pidfd that stays with the process, whatever happens to
// its number.
func openPidfd(pid int) (int, error) {
	fd, _, errno := syscall.Syscall(sysPidfdOpen, uintptr(pid), 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

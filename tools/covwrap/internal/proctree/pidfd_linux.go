package proctree

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel's pidfd interface for the status of a process that somebody else
// reaped (linux/pidfd.h, Linux 6.15); golang.org/x/sys has it only in versions
// that need a newer Go than this module does.
const (
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
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), pidfdGetInfo, uintptr(unsafe.Pointer(&info)))
	return uint32(info.exitCode), errno == 0 && info.mask&pidfdInfoExit != 0
}

// openPidfd returns a pidfd that stays with the process, whatever happens to
// its number.
func openPidfd(pid int) (int, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1, err
	}
	return fd, nil
}

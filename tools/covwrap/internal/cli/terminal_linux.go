package cli

import (
	"os"
	"syscall"
	"unsafe"
)

// terminalRows returns the height of a terminal; ok is false for anything else.
func terminalRows(f *os.File) (rows int, ok bool) {
	var size struct{ rows, columns, _, _ uint16 } // struct winsize
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return 0, false
	}
	if size.rows == 0 {
		return 24, true
	}
	return int(size.rows), true
}

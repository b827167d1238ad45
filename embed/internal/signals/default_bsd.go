//go:build darwin || freebsd

package signals

import (
	"syscall"
	"unsafe"
)

// setDefault is sigaction(sig, SIG_DFL), a struct of zeros.
func setDefault(sig syscall.Signal) {
	var action [64]byte
	syscall.RawSyscall(syscall.SYS_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&action)), 0)
}

package signals

import (
	"syscall"
	"unsafe"
)

// setDefault is sigaction(sig, SIG_DFL). In all variants of the kernel's struct
// that is all zeros.
func setDefault(sig syscall.Signal) {
	var action [64]byte
	const maskSize = 8
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&action)), 0, maskSize, 0, 0)
}

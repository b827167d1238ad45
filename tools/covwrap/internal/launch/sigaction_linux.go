package launch

import (
	"syscall"
	"unsafe"
)

// setDefault gives a signal its default action. Package os/signal cannot: Go's
// runtime keeps handlers of its own for signals like SIGQUIT and SIGSEGV, which
// print and exit.
func setDefault(s syscall.Signal) {
	var action [8]uint64 // struct sigaction with SIG_DFL, no flags, empty mask
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
}

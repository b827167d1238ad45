//go:build unix

package signals

import "syscall"

func catchable(sig syscall.Signal) bool { return sig != syscall.SIGKILL && sig != syscall.SIGSTOP }

// raise lets the signal have its default effect on a Go program. It does not
// return if that is the end of the process.
func raise(sig syscall.Signal) {
	switch sig {
	case syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM:
		// They just end the process. To leave it to the kernel is safer than to
		// leave it to Go, which remembers that handled has had them ignored.
		setDefault(sig)
		syscall.Kill(syscall.Getpid(), sig)
		select {} // another thread may be the one that dies of it
	case syscall.SIGQUIT, syscall.SIGILL, syscall.SIGTRAP, syscall.SIGABRT, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGSEGV, syscall.SIGSYS:
		// Go prints the goroutines and exits.
		syscall.Kill(syscall.Getpid(), sig)
		select {}
	case syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU:
		// They stop the process, which may be continued.
		syscall.Kill(syscall.Getpid(), syscall.SIGSTOP)
	}
	// Go ignores the others (runtime/sigtab_*.go).
}

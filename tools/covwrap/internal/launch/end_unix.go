//go:build unix

package launch

import (
	"os"
	"syscall"
	"time"
)

// EndAs ends this process as the test ended: with its exit status, or by the
// signal that ended it. It does not return.
func EndAs(s Status) {
	if s.Signal != 0 {
		dieBy(s.Signal)
		// Immune as process 1, or the signal only stops.
		os.Exit(128 + int(s.Signal))
	}
	os.Exit(s.Code)
}

// dieBy ends this process by a signal and returns if it does not.
func dieBy(s syscall.Signal) {
	// The test has left its core file, if it was to leave one; the launcher's
	// would overwrite it.
	syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	setDefault(s)
	syscall.Kill(syscall.Getpid(), s)
	// The signal may be handled by another thread; wait for it a moment.
	time.Sleep(100 * time.Millisecond)
}

// Replace runs a program instead of this one. It returns only an error.
func Replace(path string, argv, env []string) error { return syscall.Exec(path, argv, env) }

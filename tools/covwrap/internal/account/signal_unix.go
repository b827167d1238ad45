//go:build unix

package account

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// signalName returns "SIGKILL" for signal 9.
func signalName(s syscall.Signal) string {
	if n := unix.SignalName(s); n != "" {
		return n
	}
	return fmt.Sprintf("signal %d", int(s))
}

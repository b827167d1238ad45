//go:build unix && !linux

package launch

import (
	"os"
	"syscall"
)

// waitStatus encodes how a process ended as Linux does.
func waitStatus(s *os.ProcessState) uint32 {
	w, ok := s.Sys().(syscall.WaitStatus)
	if ok && w.Signaled() {
		return uint32(w.Signal())
	}
	return uint32(s.ExitCode()&0xff) << 8
}

// statusOf translates what waitStatus made.
func statusOf(status uint32) Status {
	if s := status & 0x7f; s != 0 {
		return Status{Signal: syscall.Signal(s)}
	}
	return Status{Code: int(status >> 8)}
}

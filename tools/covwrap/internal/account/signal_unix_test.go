//go:build unix

package account

import (
	"syscall"
	"testing"
)

func TestSignalName(t *testing.T) {
	for s, want := range map[syscall.Signal]string{syscall.SIGKILL: "SIGKILL", syscall.SIGUSR1: "SIGUSR1", 50: "signal 50"} {
		if got := signalName(s); got != want {
			t.Errorf("signal %d is called %q, want %q", int(s), got, want)
		}
	}
}

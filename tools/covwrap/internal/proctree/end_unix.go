//go:build unix

package proctree

import (
	"syscall"
	"time"
)

// endOf translates a wait status of the kernel.
func endOf(status uint32, at time.Time) *End {
	if sig := status & 0x7f; sig != 0 {
		return &End{Time: at, Signal: syscall.Signal(sig)}
	}
	return &End{Time: at, Code: int(status >> 8 & 0xff)}
}

//go:build amd64 || arm64

package account

import "syscall"

// Signals that Linux has besides, not on every architecture.
func init() {
	signals[syscall.SIGPWR] = "SIGPWR"
	signals[syscall.SIGSTKFLT] = "SIGSTKFLT"
}

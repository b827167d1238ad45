//go:build !linux

package launch

import "syscall"

// foreground is not known here; the terminal is taken to reach the whole group,
// which is what people use it for.
func foreground() bool { return true }

// cannotHaveGot is not known here.
func cannotHaveGot(pid int, s syscall.Signal) bool { return false }

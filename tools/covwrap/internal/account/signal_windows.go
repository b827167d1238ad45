package account

import "syscall"

// signalName returns what package syscall calls a signal.
func signalName(s syscall.Signal) string { return s.String() }

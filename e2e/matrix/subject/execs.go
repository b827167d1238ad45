//go:build linux

package main

import (
	"os"
	"syscall"

	"example.com/matrix/control"
)

// endExecSelf becomes the program that it is, with other arguments.
func endExecSelf(c control.Control) int {
	self, err := os.Executable() // #exec-self
	control.Must(err)
	control.Must(syscall.Exec(self, append([]string{self}, c.Rest...), os.Environ()))
	return 0
}

// endExecOther becomes another covered program.
func endExecOther(c control.Control) int {
	control.Must(syscall.Exec(c.Rest[0], c.Rest, os.Environ())) // #exec-other
	return 0
}

// endExec becomes a program that knows nothing of coverage.
func endExec(c control.Control) int {
	control.Must(syscall.Exec(c.Rest[0], c.Rest, os.Environ())) // #exec
	return 0
}

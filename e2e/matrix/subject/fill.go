//go:build linux

package main

import (
	"os"
	"os/exec"
	"syscall"

	"example.com/matrix/control"
)

// endFillPids starts processes that wait for ever until no more can be started,
// and is then killed.
func endFillPids(c control.Control) int {
	tally := c.Tally() // #fill-pids
	for {
		tally.Add(1) // #fill-pids.loop
		cat := exec.Command("/bin/cat", "-", c.Dir)
		cat.Stdin = wait
		if cat.Start() != nil {
			syscall.Kill(os.Getpid(), syscall.SIGKILL) // #fill-pids.full
		}
	}
}

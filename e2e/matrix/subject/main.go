//go:build linux

// Command subject does a known amount of work and then ends in the way that
// its command line asks for: subject NAME DIR REST...
package main

import (
	"fmt"
	"os"

	"example.com/matrix/control"
	"example.com/matrix/work"
)

// ends are the ways to end; what a function returns is the exit status.
var ends = map[string]func(control.Control) int{
	"return":       endReturn,
	"exit":         endExit,
	"log-fatal":    endLogFatal,
	"syscall-exit": endSyscallExit,
	"exit-group":   endExitGroup,

	"panic":                endPanic,
	"panic-goroutine":      endPanicGoroutine,
	"panic-recovered":      endPanicRecovered,
	"goexit":               endGoexit,
	"unlock-of-unlocked":   endUnlock,
	"concurrent-map-write": endConcurrentMapWrite,
	"stack-overflow":       endStackOverflow,
	"deadlock":             endDeadlock,
	"out-of-memory":        endOutOfMemory,
	"nil-dereference":      endNilDereference,
	"fault":                endFault,
	"broken-pipe":          endBrokenPipe,
	"out-of-files":         endOutOfFiles,
	"setuid":               endSetuid,

	"block":          endBlock,
	"spin":           endSpin,
	"raise":          endRaise,
	"ignore":         endIgnore,
	"notify":         endNotify,
	"notify-context": endNotifyContext,
	"slow-cleanup":   endSlowCleanup,
	"interrupted":    endInterrupted,

	"exec-self":  endExecSelf,
	"exec-other": endExecOther,
	"exec":       endExec,

	"parent":    endParent,
	"daemon":    endDaemon,
	"orphan":    endOrphan,
	"pool":      endPool,
	"worker":    endWorker,
	"cancel":    endCancel,
	"fill-pids": endFillPids,
	"version":   endVersion,
}

// register adds to the ends of this binary; cgo.go has some.
func register(more map[string]func(control.Control) int) bool {
	for name, end := range more { // #register
		ends[name] = end // #register.end
	}
	return true // #registered
}

func main() {
	c := control.New(os.Args) // #main
	fmt.Println("standard output of", c.Name)
	fmt.Fprintln(os.Stderr, "standard error of", c.Name)
	work.Seven()
	status := ends[c.Name](c)
	if status != 0 {
		os.Exit(status) // #main.exit
	}
}

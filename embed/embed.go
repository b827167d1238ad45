// Package embed is for programs that want a say in how their coverage is kept:
// programs with signal handlers of their own, with pools of workers that are
// terminated, or that replace themselves by exec. It is what pytest-cov's embed
// module is to Python, with one difference: on Linux the counters of a covered
// process are in a file from its first instruction on, and none of this is
// needed. There every function is an empty call and no handler is installed.
//
// Elsewhere (macOS, Windows), and in the rare Linux process whose counters do
// not all fit into whole pages, the functions write the counters out: at once
// (Cleanup), or when a signal arrives (CleanupOnSignal, CleanupOnSIGTERM).
//
// In a program that was not built for coverage these functions do nothing and
// add at most a few hundred bytes: no goroutine, no handler. (Mark is another
// matter: it talks to the profile directory, whoever calls it, and adds 150 KB.)
// The runtime that does the work comes with the rules of covwrap and with
// `covwrap go build`; for a plain `go build -cover`, add the build tag covwrap,
// or import package embed/auto:
//
//	go build -cover -tags covwrap
package embed

import (
	"os"
	"syscall"

	"github.com/covwrap/covwrap/embed/internal/hook"
)

// Cleanup writes out what was counted so far. Call it before the process ends in
// a way that Go code cannot see, for example before syscall.Exec or at the end
// of a signal handler of your own. It may be called any number of times, from
// any goroutine; counts are never doubled.
func Cleanup() {
	if f := hook.Cleanup; f != nil {
		f()
	}
}

// CleanupOnSignal does Cleanup whenever one of the signals arrives, and then
// lets happen what would have happened without it: a channel that the program
// gave to signal.Notify receives the signal, once; with no such channel, the
// signal has its default effect, as a rule the end of the process by that
// signal; and an ignored signal stays ignored. Signals that arrive during
// Cleanup wait for its end. In a plain `go build -cover` a handler of the
// program's own that is about to exit should call Cleanup first, which waits for
// one that has begun: Go writes the counters at exit without looking. With
// `covwrap go build` and the rules that is not needed.
//
// It may be called before or after the program's own signal.Notify, any number
// of times, from any goroutine. Signals that no program can catch, and values
// that are no syscall.Signal, are left out. signal.Reset and signal.Ignore
// undo it for their signals, as they do for every channel.
func CleanupOnSignal(sig ...os.Signal) {
	if f := hook.OnSignal; f != nil {
		f(sig)
	}
}

// CleanupOnSIGTERM is CleanupOnSignal(syscall.SIGTERM), the signal by which
// tests and supervisors end a process.
//
// Windows has no such signal between processes. What can be sent there is
// CTRL_BREAK, to a whole process group, and Go reports it as os.Interrupt: use
// CleanupOnSignal(os.Interrupt).
func CleanupOnSIGTERM() {
	if f := hook.OnSignal; f != nil {
		f([]os.Signal{syscall.SIGTERM})
	}
}

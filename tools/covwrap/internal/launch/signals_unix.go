//go:build unix

package launch

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// What the launcher does with each signal, and why:
//
//   - SIGTERM, SIGINT, SIGQUIT, SIGHUP: the test must get them exactly once; a
//     second one makes many programs give up their graceful shutdown. Under
//     Bazel, which signals the whole process group, and when a terminal sends
//     them to the foreground group, the test has its own already: swallowed.
//     Otherwise (kill PID of the launcher) they are relayed. If the test is
//     still there a moment after a signal that was swallowed, though that
//     signal would end it, then it did not get it after all, and it is relayed.
//     The launcher itself goes on until the test has ended.
//   - SIGUSR1, SIGUSR2: relayed. Nobody sends them to a group by itself, and
//     who knows only the launcher's number means the test.
//   - SIGPIPE: swallowed, it concerns the launcher's own output.
//   - SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT: not handled. The terminal stops and
//     continues the whole group, the launcher as a part of it.
//   - Signals that are ignored when the launcher starts stay ignored in it and
//     in the test (nohup).
var (
	terminations = []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP}
	others       = []os.Signal{syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE}
)

const (
	terminate = syscall.SIGTERM
	killing   = syscall.SIGKILL
	// unheardAfter is when a test that a signal would end must have ended.
	unheardAfter = 300 * time.Millisecond
)

// listener is the launcher's subscription to signals.
type listener struct{ c chan os.Signal }

// listen subscribes, which must be done before the test starts: a signal
// between the two would end the launcher and leave the test alone.
func listen() *listener {
	l := &listener{make(chan os.Signal, 64)}
	for _, list := range [][]os.Signal{terminations, others} {
		for _, s := range list {
			// Notify would end an inherited "ignore", also for the test.
			if !signal.Ignored(s) {
				signal.Notify(l.c, s)
			}
		}
	}
	return l
}

// isTermination reports whether a signal asks the test to end.
func isTermination(s syscall.Signal) bool {
	for _, t := range terminations {
		if t == s {
			return true
		}
	}
	return false
}

// relayed reports whether the test is to get a signal that the launcher got.
func relayed(s syscall.Signal, grouped bool) bool {
	switch s {
	case syscall.SIGPIPE:
		return false
	case syscall.SIGUSR1, syscall.SIGUSR2:
		return true
	case syscall.SIGTERM:
		return !grouped
	}
	return !grouped && !foreground()
}

// kill sends a signal to a process; that it may be gone is no error.
func kill(pid int, s syscall.Signal) { syscall.Kill(pid, s) }

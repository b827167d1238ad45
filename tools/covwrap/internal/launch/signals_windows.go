package launch

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/covwrap/covwrap/tools/covwrap/internal/win32"
)

// Windows has no signals between processes. What there is, and what the launcher
// does with it:
//
//   - A console sends Ctrl-C and Ctrl-Break to every process of a group: the
//     test has its own, the launcher waits for it. The test is in the launcher's
//     group, since the first process of a new one does not get Ctrl-C.
//   - A process that outlives the test, or runs out of time, gets CTRL_BREAK if
//     it is in a process group that was made below the launcher: the whole group
//     gets it, and its end can be an orderly one (embed.CleanupOnSignal). In the
//     launcher's own group are processes that are none of ours: nothing can be
//     sent to it, and ours in there are terminated at once.
//   - What has not ended by then is terminated, and the rest with the job
//     object when the launcher ends.
const (
	terminate    = syscall.SIGTERM
	killing      = syscall.SIGKILL
	unheardAfter = 300 * time.Millisecond
)

type listener struct{ c chan os.Signal }

func listen() *listener {
	l := &listener{make(chan os.Signal, 64)}
	signal.Notify(l.c, os.Interrupt, syscall.SIGTERM)
	return l
}

func isTermination(s syscall.Signal) bool { return true }

func relayed(s syscall.Signal, grouped bool) bool { return false }

// KilledStatus is the exit status of a process that the launcher terminates.
const KilledStatus = 1

// kill ends a process: terminate asks it to end, if it can be asked.
func kill(pid int, s syscall.Signal) {
	h, err := win32.OpenToEnd(uint32(pid))
	if err != nil {
		return // it is gone
	}
	defer syscall.CloseHandle(h)
	switch s {
	case terminate:
		if ask(win32.Group(h)) {
			return
		}
	case killing:
	default:
		return
	}
	syscall.TerminateProcess(h, KilledStatus)
}

// asked are the process groups that got CTRL_BREAK: once each, however many of
// their processes are to end.
var asked = map[uint32]bool{}

// ask sends CTRL_BREAK to a process group, unless it is the launcher's own or
// one that is not known. Group 0 would be everybody at the console.
func ask(group uint32) bool {
	if own := ownGroup(); group == 0 || own == 0 || group == own {
		return false
	}
	if !asked[group] {
		asked[group] = win32.Break(group) == nil
	}
	return asked[group]
}

// ownGroup returns the launcher's process group; 0 if it cannot be read.
func ownGroup() uint32 {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		return 0
	}
	return win32.Group(self)
}

// waitStatus keeps all 32 bits of an exit status: exceptions use them.
func waitStatus(s *os.ProcessState) uint32 { return uint32(s.ExitCode()) }

func statusOf(status uint32) Status { return Status{Code: int(int32(status))} }

// EndAs ends this process as the test ended.
func EndAs(s Status) { os.Exit(s.Code) }

// Replace runs a program instead of this one: here it waits for it.
func Replace(path string, argv, env []string) error {
	p, err := os.StartProcess(path, argv, &os.ProcAttr{Env: env, Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		return err
	}
	signal.Ignore(os.Interrupt)
	state, err := p.Wait()
	if err != nil {
		return err
	}
	os.Exit(state.ExitCode())
	return nil
}

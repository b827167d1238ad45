//go:build windows

package launch

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// On Windows a console sends Ctrl-C and Ctrl-Break to every process of the
// group: the test has its own, the launcher waits for it.
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

// kill ends a process; there is no way to ask it.
func kill(pid int, s syscall.Signal) {
	if p, err := os.FindProcess(pid); err == nil {
		p.Kill()
	}
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

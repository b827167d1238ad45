package launch

import (
	"syscall"

	"github.com/covwrap/covwrap/tools/covwrap/internal/proctree"
)

// adopt makes orphans below the launcher its children.
func adopt() {
	const setChildSubreaper = 36 // PR_SET_CHILD_SUBREAPER of linux/prctl.h
	syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0)
}

// start starts the test.
func start(c Config, _ *proctree.Observer) (pid int, err error) {
	files := make([]uintptr, len(c.Files))
	for i, f := range c.Files {
		files[i] = f.Fd()
	}
	return syscall.ForkExec(c.Path, c.Argv, &syscall.ProcAttr{Dir: c.Dir, Env: childEnv(c), Files: files})
}

// reap waits for all children, the test and adopted orphans. The channel is
// closed when there are none left, which means that there are no descendants.
func reap(main int, _ *proctree.Observer) <-chan death {
	c := make(chan death, 64)
	go func() {
		defer close(c)
		for {
			var status syscall.WaitStatus
			pid, err := syscall.Wait4(-1, &status, 0, nil)
			if err == syscall.EINTR {
				continue
			}
			if err != nil {
				return
			}
			if status.Exited() || status.Signaled() {
				c <- death{pid, uint32(status)}
			}
		}
	}()
	return c
}

// statusOf translates a wait status.
func statusOf(status uint32) Status {
	w := syscall.WaitStatus(status)
	if w.Signaled() {
		return Status{Signal: w.Signal()}
	}
	return Status{Code: w.ExitStatus()}
}
